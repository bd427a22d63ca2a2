package redismodel

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// reader makes Lua values of JSON. Controllers list themselves with the time, so that hardly
// any text comes twice, and each is read by the script that takes the lease: the way over
// encoding/json took an eighth of the time of a history.
type reader struct {
	l    *lua.LState
	text string
	at   int
}

// decode makes a Lua value of what JSON says, as cjson does, but null is nil.
func decode(l *lua.LState, text string) (lua.LValue, error) {
	r := reader{l: l, text: text}
	v, err := r.value()
	if err == nil && r.next() != 0 {
		err = r.wrong("the end")
	}
	return v, err
}

func (r *reader) wrong(expected string) error {
	return fmt.Errorf("expected %s at character %d", expected, r.at+1)
}

// next is the next character that is no blank; 0: there is none.
func (r *reader) next() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (r *reader) value() (lua.LValue, error) {
	switch c := r.next(); {
	case c == '{':
		t := r.l.CreateTable(0, 8)
		return t, r.list('}', func(int) error {
			if r.next() != '"' {
				return r.wrong("a name")
			}
			name, err := r.string()
			if err != nil {
				return err
			}
			if r.next() != ':' {
				return r.wrong("a colon")
			}
			r.at++
			v, err := r.value()
			if err == nil {
				t.RawSetString(name, v)
			}
			return err
		})
	case c == '[':
		t := r.l.CreateTable(4, 0)
		return t, r.list(']', func(i int) error {
			v, err := r.value()
			if err == nil {
				t.RawSetInt(i, v)
			}
			return err
		})
	case c == '"':
		s, err := r.string()
		return lua.LString(s), err
	case c == '-' || c >= '0' && c <= '9':
		from := r.at
		for r.at < len(r.text) && strings.IndexByte("+-.0123456789Ee", r.text[r.at]) >= 0 {
			r.at++
		}
		n, err := strconv.ParseFloat(r.text[from:r.at], 64)
		if err != nil {
			r.at = from
			return nil, r.wrong("a number")
		}
		return lua.LNumber(n), nil
	}
	for word, v := range words {
		if strings.HasPrefix(r.text[r.at:], word) {
			r.at += len(word)
			return v, nil
		}
	}
	return nil, r.wrong("a value")
}

var words = map[string]lua.LValue{"true": lua.LTrue, "false": lua.LFalse, "null": lua.LNil}

// list reads what stands between brackets, with commas between; one is told its number,
// from 1 on.
func (r *reader) list(end byte, one func(i int) error) error {
	r.at++
	if r.next() == end {
		r.at++
		return nil
	}
	for i := 1; ; i++ {
		if err := one(i); err != nil {
			return err
		}
		c := r.next()
		if c != ',' && c != end {
			return r.wrong("a comma or the end")
		}
		r.at++
		if c == end {
			return nil
		}
	}
}

func (r *reader) string() (string, error) {
	from := r.at
	plain := true
	for r.at++; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '\\':
			plain = false
			r.at++
		case c == '"':
			r.at++
			if plain {
				return r.text[from+1 : r.at-1], nil
			}
			var s string
			err := json.Unmarshal([]byte(r.text[from:r.at]), &s)
			return s, err
		}
	}
	return "", r.wrong("a quotation mark")
}

func appendJSON(b []byte, v lua.LValue) []byte {
	switch v := v.(type) {
	case lua.LString:
		return appendText(b, string(v))
	case lua.LNumber:
		return strconv.AppendFloat(b, float64(v), 'f', -1, 64)
	case lua.LBool:
		return strconv.AppendBool(b, bool(v))
	case *lua.LTable:
		open, end := byte('{'), byte('}')
		list := v.Len() > 0
		if list {
			open, end = '[', ']'
		}
		b = append(b, open)
		first := true
		v.ForEach(func(key, one lua.LValue) {
			if !first {
				b = append(b, ',')
			}
			first = false
			if !list {
				b = append(appendText(b, key.String()), ':')
			}
			b = appendJSON(b, one)
		})
		return append(b, end)
	}
	return append(b, "null"...)
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s)
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
