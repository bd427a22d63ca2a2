package redismodel

import (
	"crypto/sha1"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// interpreter runs scripts, for one Redis at a time.
type interpreter struct {
	state *lua.LState
	redis *Redis // for which it runs at present
}

// Making one takes longer than running a script, so they are kept, and so is what
// the text of a script was compiled to.
var (
	interpreters = sync.Pool{New: func() any { return newInterpreter() }}
	compiled     sync.Map // text → *lua.FunctionProto

	usesArg = regexp.MustCompile(`\barg\b`)
)

func newInterpreter() *interpreter {
	in := &interpreter{state: lua.NewState(lua.Options{RegistrySize: 4096, RegistryMaxSize: 1 << 20, RegistryGrowStep: 4096, MinimizeStackMemory: true})}
	l := in.state
	call := func(raise bool) lua.LGFunction {
		return func(l *lua.LState) int {
			args := make([]string, l.GetTop())
			for i := range args {
				args[i] = l.ToString(i + 1)
			}
			reply := in.redis.run(args)
			if text, failed := reply.(failure); failed && raise {
				l.Error(errorTable(l, string(text)), 0)
			}
			l.Push(toLua(l, reply))
			return 1
		}
	}
	redis := l.NewTable()
	l.SetFuncs(redis, map[string]lua.LGFunction{
		"call": call(true), "pcall": call(false),
		"error_reply": func(l *lua.LState) int { l.Push(errorTable(l, l.CheckString(1))); return 1 },
		"status_reply": func(l *lua.LState) int {
			t := l.CreateTable(0, 1)
			t.RawSetString("ok", lua.LString(l.CheckString(1)))
			l.Push(t)
			return 1
		},
	})
	l.SetGlobal("redis", redis)
	cjson := l.NewTable()
	l.SetFuncs(cjson, map[string]lua.LGFunction{
		"decode": func(l *lua.LState) int {
			v, err := decode(l, l.CheckString(1))
			if err != nil {
				l.RaiseError("cjson: %v", err)
			}
			l.Push(v)
			return 1
		},
		"encode": func(l *lua.LState) int {
			l.Push(lua.LString(appendJSON(nil, l.CheckAny(1))))
			return 1
		},
	})
	l.SetGlobal("cjson", cjson)
	rememberMatches(l)
	return in
}

// rememberMatches lets string.match answer from memory what it was asked with the same
// arguments before: each attempt to take the lease looks for the same in what INFO says.
// And it answers nil where nothing matches, as Lua does, and not nothing.
func rememberMatches(l *lua.LState) {
	type question struct{ text, pattern string }
	answers := map[question][]lua.LValue{}
	library := l.GetGlobal("string").(*lua.LTable)
	match := library.RawGetString("match").(*lua.LFunction).GFunction
	library.RawSetString("match", l.NewFunction(func(l *lua.LState) int {
		if l.GetTop() != 2 {
			if n := match(l); n > 0 {
				return n
			}
			l.Push(lua.LNil)
			return 1
		}
		q := question{l.CheckString(1), l.CheckString(2)}
		answer, known := answers[q]
		if !known {
			for i := match(l); i > 0; i-- {
				answer = append(answer, l.Get(-i))
			}
			if answer == nil {
				answer = []lua.LValue{lua.LNil}
			}
			if len(answers) < 100 {
				answers[q] = answer
			}
			l.SetTop(2)
		}
		for _, v := range answer {
			l.Push(v)
		}
		return len(answer)
	}))
}

func errorTable(l *lua.LState, text string) *lua.LTable {
	t := l.CreateTable(0, 1)
	t.RawSetString("err", lua.LString(strings.TrimPrefix(text, "-")))
	return t
}

func (r *Redis) eval(args []string) any {
	sum := sha1.Sum([]byte(args[0]))
	r.scripts[hex.EncodeToString(sum[:])] = args[0]
	return r.script(args[0], args[1:])
}

func (r *Redis) evalSHA(args []string) any {
	text, known := r.scripts[strings.ToLower(args[0])]
	if !known {
		return failure("NOSCRIPT No matching script. Please use EVAL.")
	}
	return r.script(text, args[1:])
}

func (r *Redis) script(text string, args []string) any {
	count, err := strconv.Atoi(args[0])
	switch {
	case err != nil:
		return notInteger
	case count > len(args)-1:
		return failure("ERR Number of keys can't be greater than number of args")
	case count < 0:
		return failure("ERR Number of keys can't be negative")
	}
	proto, ok := compiled.Load(text)
	if !ok {
		chunk, err := parse.Parse(strings.NewReader(text), "user_script")
		if err != nil {
			return failure("ERR Error compiling script (new function): " + err.Error())
		}
		made, err := lua.Compile(chunk, "user_script")
		if err != nil {
			return failure("ERR Error compiling script (new function): " + err.Error())
		}
		if !usesArg.MatchString(text) {
			made.IsVarArg &^= lua.VarArgNeedsArg // the table arg of Lua 5.0, made for each run
		}
		proto = made
		compiled.Store(text, proto)
	}
	in := interpreters.Get().(*interpreter)
	defer interpreters.Put(in)
	in.redis = r
	l := in.state
	l.SetGlobal("KEYS", textTable(l, args[1:1+count]))
	l.SetGlobal("ARGV", textTable(l, args[1+count:]))
	l.Push(l.NewFunctionFromProto(proto.(*lua.FunctionProto)))
	if err := l.PCall(0, 1, nil); err != nil {
		l.SetTop(0)
		if raised, ok := err.(*lua.ApiError); ok {
			if t, ok := raised.Object.(*lua.LTable); ok {
				return failure(lua.LVAsString(t.RawGetString("err")))
			}
			return failure("ERR " + raised.Object.String())
		}
		return failure("ERR " + err.Error())
	}
	result := l.Get(-1)
	l.SetTop(0)
	return fromLua(result)
}

func textTable(l *lua.LState, texts []string) *lua.LTable {
	t := l.CreateTable(len(texts), 0)
	for _, text := range texts {
		t.Append(lua.LString(text))
	}
	return t
}

func toLua(l *lua.LState, reply any) lua.LValue {
	switch v := reply.(type) {
	case string:
		return lua.LString(v)
	case int64:
		return lua.LNumber(v)
	case status:
		t := l.CreateTable(0, 1)
		t.RawSetString("ok", lua.LString(v))
		return t
	case failure:
		return errorTable(l, string(v))
	case []any:
		t := l.CreateTable(len(v), 0)
		for _, one := range v {
			t.Append(toLua(l, one))
		}
		return t
	case pairs:
		return toLua(l, []any(v))
	}
	return lua.LFalse
}

func fromLua(v lua.LValue) any {
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return int64(v)
	case lua.LBool:
		if v {
			return int64(1)
		}
	case *lua.LTable:
		if text := v.RawGetString("err"); text != lua.LNil {
			return failure(lua.LVAsString(text))
		}
		if text := v.RawGetString("ok"); text != lua.LNil {
			return status(lua.LVAsString(text))
		}
		list := []any{}
		for i := 1; v.RawGetInt(i) != lua.LNil; i++ {
			list = append(list, fromLua(v.RawGetInt(i)))
		}
		return list
	}
	return nil
}
