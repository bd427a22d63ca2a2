package recordfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

// entries draws calls and stints of a day that a file may hold.
func entries(t *rapid.T) []Entry {
	word := rapid.StringMatching(`[a-z0-9:|<>&" 中\x{2028}-]{1,12}`)
	moment := func(after time.Time, label string) time.Time {
		return after.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, label)))
	}
	var list []Entry
	for i := range rapid.IntRange(0, 20).Draw(t, "calls") {
		r := acd.CallRecord{
			Version: 1, Call: acd.CallID(fmt.Sprint(word.Draw(t, "call"), i)), Node: "a1", Entry: word.Draw(t, "entry"), Caller: word.Draw(t, "caller"),
			Result: acd.NotOffered, Reason: rapid.SampledFrom(Reasons).Draw(t, "reason"),
		}
		r.Arrived = moment(at("00:00:00"), "arrived")
		r.Ended = moment(r.Arrived, "ended")
		if rapid.Bool().Draw(t, "answered") {
			r.Result, r.Queue, r.Agent = acd.Answered, acd.QueueID(word.Draw(t, "queue")), acd.AgentID(word.Draw(t, "agent"))
			r.Queued = moment(r.Arrived, "queued")
			r.Answered = moment(r.Queued, "answered at")
			r.Ended = moment(r.Answered, "ended later")
			r.Hold = time.Duration(rapid.Int64Range(0, int64(r.Ended.Sub(r.Answered))).Draw(t, "hold"))
			if rapid.Bool().Draw(t, "asked") {
				r.TalkEnded, r.RatingAsked, r.Rating = r.Ended, true, rapid.IntRange(0, acd.WorstGrade).Draw(t, "rating")
				r.Ended = moment(r.TalkEnded, "rated")
			}
		}
		list = append(list, entryOf(t, word.Draw(t, "id"), r))
	}
	free := at("12:00:00")
	for range rapid.IntRange(0, 20).Draw(t, "stints") {
		s := acd.Stint{Version: 1, Agent: acd.AgentID(word.Draw(t, "agent")), State: rapid.SampledFrom(states).Draw(t, "state")}
		s.From = free.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "from")))
		s.To = s.From.Add(time.Millisecond + time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "to")))
		free = s.To
		list = append(list, entryOf(t, "", s))
	}
	return list
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		written := entries(rt)
		text := file(t, written...)
		got, summary, err := read(text, here)
		if err != nil {
			rt.Fatal(err)
		}
		if summary.End.Calls+summary.End.Stints != len(written) || len(got) != len(written) {
			rt.Fatalf("%d entries are written, %d read, the last line says %+v", len(written), len(got), summary.End)
		}
		for i, e := range got {
			if e.Kind != written[i].Kind || e.ID != written[i].ID || !bytes.Equal(e.Text, written[i].Text) || e.Line != i+2 {
				rt.Fatalf("%+v is read as %+v", written[i], e)
			}
			if again := entryOf(t, e.ID, decoded(e)); !bytes.Equal(again.Text, e.Text) {
				rt.Fatalf("%s is decoded as %s", e.Text, again.Text)
			}
		}
		before, _, _ := cutLast(text)
		if sum := sha256.Sum256([]byte(before)); hex.EncodeToString(sum[:]) != summary.End.SHA256 {
			rt.Fatal("the checksum is not that of the lines before the last")
		}
	})
}

func decoded(e Entry) any {
	if e.Kind == Call {
		return *e.Call
	}
	return *e.Stint
}

// cutLast takes the last line off.
func cutLast(text string) (before, last string, n int) {
	text = strings.TrimSuffix(text, "\n")
	i := strings.LastIndexByte(text, '\n') + 1
	return text[:i], text[i:], strings.Count(text, "\n") + 1
}

// A byte that is changed anywhere in a file is noticed, also where it is not examined.
func TestDamageIsNoticed(t *testing.T) {
	text := file(t, entryOf(t, "1-0", answered()), entryOf(t, "2-0", stint()))
	want := here
	want.Stored = true
	rapid.Check(t, func(rt *rapid.T) {
		damaged := []byte(text)
		i := rapid.IntRange(0, len(text)-2).Draw(rt, "at") // without the last end of line, which may be missing
		damaged[i] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
		if _, _, err := read(string(damaged), want); err == nil && !endSays(damaged, text) {
			rt.Fatalf("nothing was noticed of %s", damaged)
		}
		if _, _, err := read(text[:rapid.IntRange(0, len(text)-2).Draw(rt, "cut")], want); err == nil {
			rt.Fatal("nothing was noticed of a cut")
		}
	})
}

// endSays reports whether the last line alone was changed, and says the same: JSON
// does not tell large letters of a field's name from small ones.
func endSays(damaged []byte, text string) bool {
	before, last, _ := cutLast(text)
	var a, b End
	return bytes.HasPrefix(damaged, []byte(before)) && json.Unmarshal(damaged[len(before):], &a) == nil && json.Unmarshal([]byte(last), &b) == nil && a == b
}

// What the engine does in the shipped scenarios is accepted.
func TestRecordsOfTheEngineAreGood(t *testing.T) {
	results := map[acd.Result]int{}
	for _, name := range []string{"day", "storm:both"} {
		seen := 0
		records := simulated(t, name, func(r acd.CallRecord) bool {
			results[r.Result]++
			seen++
			return seen >= 2000 && (name == "day" || len(results) == len(Results))
		})
		for _, record := range records {
			var c checker
			c.call(record)
			c.order(record)
			if len(c.wrong) > 0 {
				t.Fatalf("%s: %+v: %q", name, record, c.wrong)
			}
		}
	}
	for _, result := range Results {
		if results[result] == 0 {
			t.Errorf("no call had the result %s; the case was not met", result)
		}
	}
}

func TestAllWordsOfTheEngineAreKnown(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "../acd/vocabulary.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	words := map[string][]string{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, is := n.(*ast.ValueSpec); is && len(spec.Values) == 1 {
			if typ, named := spec.Type.(*ast.Ident); named {
				if value, literal := spec.Values[0].(*ast.BasicLit); literal {
					word, _ := strconv.Unquote(value.Value)
					words[typ.Name] = append(words[typ.Name], word)
				}
			}
		}
		return true
	})
	compare := func(name string, ours any, except ...string) {
		var list []string
		for v := reflect.ValueOf(ours); len(list) < v.Len(); {
			list = append(list, v.Index(len(list)).String())
		}
		want := slices.DeleteFunc(words[name], func(w string) bool { return slices.Contains(except, w) })
		slices.Sort(list)
		slices.Sort(want)
		if !slices.Equal(list, want) || len(want) == 0 {
			t.Errorf("%s: we know %v, the engine %v", name, list, want)
		}
	}
	compare("Result", slices.Clone(Results))
	compare("Reason", slices.Clone(Reasons))
	compare("OfferOutcome", slices.Clone(outcomes))
	compare("AgentState", slices.Clone(states), string(acd.LoggedOut))
}

// A file that cannot be read to its end is no malformed one.
func TestReadingFails(t *testing.T) {
	broken := errors.New("the disk is broken")
	_, err := Read(&failing{text: file(t, entryOf(t, "", answered())), err: broken}, here, nil)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "line ") {
		t.Errorf("got %v", err)
	}
	own := errors.New("own")
	if _, err := Read(strings.NewReader(file(t, entryOf(t, "", answered()))), here, func(Entry) error { return own }); !errors.Is(err, own) {
		t.Errorf("got %v", err)
	}
}

type failing struct {
	text string
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	if len(f.text) < 50 {
		return 0, f.err
	}
	n := copy(p, f.text[:50])
	f.text = f.text[50:]
	return n, nil
}
