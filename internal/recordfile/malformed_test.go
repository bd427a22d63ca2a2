package recordfile

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

// with is a good line of a call, changed.
func with(t testing.TB, change func(*acd.CallRecord)) Entry {
	t.Helper()
	r := answered()
	change(&r)
	return entryOf(t, "", r)
}

func withStint(t testing.TB, change func(*acd.Stint)) Entry {
	t.Helper()
	s := stint()
	change(&s)
	return entryOf(t, "", s)
}

func TestRecordsThatAreWrong(t *testing.T) {
	zero := time.Time{}
	for want, e := range map[string]Entry{
		"v is missing":                          with(t, func(r *acd.CallRecord) { r.Version = 0 }),
		"version 7, this program knows up to 1": with(t, func(r *acd.CallRecord) { r.Version = 7 }),
		"call is missing":                       with(t, func(r *acd.CallRecord) { r.Call = "" }),
		"node is missing":                       with(t, func(r *acd.CallRecord) { r.Node = "" }),
		"queue is missing":                      with(t, func(r *acd.CallRecord) { r.Queue = "" }),
		"arrived is missing":                    with(t, func(r *acd.CallRecord) { r.Arrived = zero }),
		"ended is missing":                      with(t, func(r *acd.CallRecord) { r.Ended = zero }),
		`result "lost" is not known`:            with(t, func(r *acd.CallRecord) { r.Result = "lost" }),
		`result "" is not known`:                with(t, func(r *acd.CallRecord) { r.Result = "" }),
		`reason "bored" is not known`:           with(t, func(r *acd.CallRecord) { r.Reason = "bored" }),
		`direction "up" is not known`:           with(t, func(r *acd.CallRecord) { r.Direction = "up" }),
		`direction "inbound" is not known; write outbound, or leave it out for an inbound call`: with(t, func(r *acd.CallRecord) { r.Direction = "inbound" }),
		`outcome of offer 1 "x" is not known`:                                                   with(t, func(r *acd.CallRecord) { r.Offers[0].Outcome = "x" }),
		`outcome "x" is not known`:                                                              with(t, func(r *acd.CallRecord) { r.Outcome = "x" }),
		"agent of offer 1 is missing":                                                           with(t, func(r *acd.CallRecord) { r.Offers[0].Agent = "" }),
		`reason of visit 1 "pushed" is not known; it is one of [moved]`: with(t, func(r *acd.CallRecord) {
			r.Visits = []acd.Visit{{Queue: "a", Entered: at("09:00:05"), Left: at("09:00:06"), Reason: "pushed"}}
		}),
		"queue of visit 1 is missing":                            with(t, func(r *acd.CallRecord) { r.Visits = []acd.Visit{{}} }),
		"answered, of an answered call, is missing":              with(t, func(r *acd.CallRecord) { r.Answered = zero }),
		"agent, of an answered call, is missing":                 with(t, func(r *acd.CallRecord) { r.Agent = "" }),
		"has a time in answered, and the result":                 with(t, func(r *acd.CallRecord) { r.Result = acd.Abandoned }),
		`result not_reached does not go with`:                    with(t, func(r *acd.CallRecord) { r.Result, r.Answered = acd.NotReached, zero }),
		`with the direction "outbound"`:                          with(t, func(r *acd.CallRecord) { r.Result, r.Answered, r.Direction = acd.Abandoned, zero, acd.Outbound }),
		"has a time in queued, and the result":                   with(t, func(r *acd.CallRecord) { r.Result, r.Answered = acd.NotOffered, zero }),
		"queued, of a call with the result answered, is missing": with(t, func(r *acd.CallRecord) { r.Queued = zero }),
		"visits, of an overflowed call, is missing":              with(t, func(r *acd.CallRecord) { r.Result, r.Answered = acd.Overflowed, zero }),
		"queued is before arrived":                               with(t, func(r *acd.CallRecord) { r.Queued = at("08:59:59") }),
		"answered is before queued":                              with(t, func(r *acd.CallRecord) { r.Answered = at("09:00:04") }),
		"ended is before answered":                               with(t, func(r *acd.CallRecord) { r.Ended = at("09:00:10") }),
		"rang of offer 1 is before made of offer 1":              with(t, func(r *acd.CallRecord) { r.Offers[0].Rang = at("09:00:04") }),
		"ended of offer 1 is before rang of offer 1":             with(t, func(r *acd.CallRecord) { r.Offers[0].Ended = at("09:00:05") }),
		"left of visit 1 is before entered of visit 1": with(t, func(r *acd.CallRecord) {
			r.Visits = []acd.Visit{{Queue: "a", Entered: at("09:00:07"), Left: at("09:00:06")}}
		}),
		"has hold_ns, rating_asked, rating or talk_ended, and the result abandoned": with(t, func(r *acd.CallRecord) {
			r.Result, r.Answered, r.Hold = acd.Abandoned, zero, time.Second
		}),
		"hold_ns is -1; it is 0 to":               with(t, func(r *acd.CallRecord) { r.Hold = -1 }),
		"hold_ns is longer than the conversation": with(t, func(r *acd.CallRecord) { r.Hold = r.Talk() + 1 }),
		"rating_asked and talk_ended go":          with(t, func(r *acd.CallRecord) { r.RatingAsked = true }),
		"has a rating, and not rating_asked":      with(t, func(r *acd.CallRecord) { r.Rating = 2 }),
		"the rating is 6; it is 1 to 5":           with(t, func(r *acd.CallRecord) { r.RatingAsked, r.TalkEnded, r.Rating = true, r.Ended, 6 }),
		"talk_ended is before answered":           with(t, func(r *acd.CallRecord) { r.RatingAsked, r.TalkEnded = true, r.Answered.Add(-1) }),
		"ended is before talk_ended":              with(t, func(r *acd.CallRecord) { r.RatingAsked, r.TalkEnded = true, r.Ended.Add(1) }),
		"belongs to 2026-11-25, and the file is from 2026-11-24 to 2026-11-24": with(t, func(r *acd.CallRecord) {
			// Arrived before midnight, offered after it.
			r.Arrived, r.Queued, r.Answered, r.Ended = at("23:59:59"), at("23:59:59").Add(time.Second), at("23:59:59").Add(time.Minute), at("23:59:59").Add(time.Hour)
		}),
		"reason \"a|b\" has other than":           withStint(t, func(s *acd.Stint) { s.State, s.Reason = acd.NotReady, "a|b" }),
		"the year 9999 is not possible":           withStint(t, func(s *acd.Stint) { s.To = s.To.AddDate(7973, 0, 0) }),
		"holds control characters":                withStint(t, func(s *acd.Stint) { s.Seat = "8001\x1b[31m" }),
		"agent is missing":                        withStint(t, func(s *acd.Stint) { s.Agent = "" }),
		"from is missing":                         withStint(t, func(s *acd.Stint) { s.From = zero }),
		"to is missing":                           withStint(t, func(s *acd.Stint) { s.To = zero }),
		"to is not after from":                    withStint(t, func(s *acd.Stint) { s.To = s.From }),
		"in the same millisecond":                 withStint(t, func(s *acd.Stint) { s.To = s.From.Add(time.Microsecond) }),
		`state "logged_out" is not known`:         withStint(t, func(s *acd.Stint) { s.State = acd.LoggedOut }),
		"reaches from 2026-11-24 into 2026-11-25": withStint(t, func(s *acd.Stint) { s.To = s.From.Add(24 * time.Hour) }),
		"belongs to 2026-11-23":                   withStint(t, func(s *acd.Stint) { s.From, s.To = s.From.AddDate(0, 0, -1), s.To.AddDate(0, 0, -1) }),
		`unknown field "mood"`:                    {Kind: Call, Text: []byte(`{"mood":1}`)},
		"v cannot be a string":                    {Kind: Stint, Text: []byte(`{"v":"1"}`)},
		"a time is not written as in":             {Kind: Stint, Text: []byte(`{"from":"13812345678"}`)},
		"record is missing":                       {Kind: Stint, Text: []byte(`null`)},
	} {
		t.Run(want, func(t *testing.T) {
			text := file(t, entryOf(t, "", answered()), e, entryOf(t, "", stint()))
			visited, _, err := read(text, here)
			var malformed *MalformedError
			if !errors.As(err, &malformed) || len(malformed.Problems) != 1 || malformed.Problems[0].Line != 3 || !strings.Contains(malformed.Problems[0].Text, want) {
				t.Fatalf("got %v, want that line 3 %s", err, want)
			}
			if strings.Contains(err.Error(), "138") {
				t.Errorf("%v tells a number", err)
			}
			if len(visited) != 1 {
				t.Errorf("%d entries were visited, want the one before", len(visited))
			}
		})
	}
}

func TestClockThatWasSetBack(t *testing.T) {
	text := file(t, with(t, func(r *acd.CallRecord) { r.Ended = at("08:00:00") }))
	want := here
	want.ClockSteps = true
	if _, _, err := read(text, want); err != nil {
		t.Errorf("with ClockSteps: %v", err)
	}
}

func TestFilesThatAreWrong(t *testing.T) {
	good := file(t, entryOf(t, "", answered()), entryOf(t, "", stint()))
	lines := strings.SplitAfter(good, "\n") // head, call, stint, end, ""
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the file has no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, c := range map[string]struct {
		text string
		want []string // problems; of the last line alone where there is one only
	}{
		"empty":             {"", []string{"line 1: the file is empty"}},
		"no head":           {strings.Join(lines[1:], ""), []string{`line 1: is not the first line of a file of records: unknown field "record"`}},
		"of something else": {replace(`"hotline records"`, `"tax returns"`), []string{"line 1: is not the first line of a file of records"}},
		"a poem":            {"Two roads\ndiverged\n", []string{"line 1: is not the first line of a file of records: is not JSON: invalid character 'T'"}},
		"newer format":      {replace(`"v":1,"site"`, `"v":2,"site"`), []string{"line 1: the format has version 2, this program knows 1"}},
		"no site":           {replace(`"lyg"`, `""`), []string{"line 1: site is missing"}},
		"another site":      {replace(`"lyg"`, `"nj"`), []string{`line 1: the records are of the site "nj", not of "lyg"`}},
		"another zone":      {replace("Asia/Shanghai", "Asia/Tokyo"), []string{`line 1: days begin in the time zone "Asia/Tokyo"`}},
		"no day":            {replace(`"from":"2026-11-24"`, `"from":"2026-11-31"`), []string{"line 1: from and to are not"}},
		"days reversed":     {replace(`"from":"2026-11-24"`, `"from":"2026-11-25"`), []string{"line 1: from and to are not"}},
		"unknown in head":   {replace(`"site"`, `"town"`), []string{`line 1: is not the first line of a file of records: unknown field "town"`}},
		"not JSON":          {replace(`{"kind":"call"`, `{kind:"call"`), []string{"line 2: is not JSON: invalid character"}},
		"half a line":       {lines[0] + lines[1][:50] + "\n" + lines[2] + lines[3], []string{"line 2: is not JSON: invalid character"}},
		"two on one line":   {replace("}\n{\"kind\":\"stint\"", "}{\"kind\":\"stint\""), []string{"line 2: is not JSON: invalid character"}},
		"empty line":        {replace("\n", "\n\n"), []string{"line 2: is empty"}},
		"unknown kind":      {replace(`"kind":"stint"`, `"kind":"stunt"`), []string{`line 3: the kind "stunt" is not known`}},
		"no kind":           {replace(`"kind":"stint",`, ``), []string{`line 3: the kind "" is not known`}},
		"unknown field":     {replace(`"kind":"stint",`, `"kind":"stint","x":1,`), []string{`line 3: unknown field "x"`}},
		"no record":         {lines[0] + `{"kind":"call"}` + "\n" + lines[2] + lines[3], []string{"line 2: record is missing"}},
		"cut off":           {strings.Join(lines[:3], ""), []string{"line 4: the last line, of the kind end, is missing"}},
		"something after":   {good + "more", []string{"line 5: stands after the last line"}},
		"a record after":    {good + lines[1], []string{"line 5: stands after the last line"}},
		"a line is missing": {lines[0] + lines[2] + lines[3], []string{"line 3: gives the numbers of calls and stints as 1 and 1, and there are 0 and 1", "line 3: the SHA-256"}},
		"a line is doubled": {lines[0] + lines[1] + lines[1] + lines[2] + lines[3], []string{`line 3: the call "a1-1" is in line 2 already`, "line 5: gives the numbers of calls and stints as 1 and 1, and there are 2 and 1", "line 5: the SHA-256"}},
		"a digit differs":   {replace("13812345678", "13812345679"), []string{"line 4: the SHA-256 of the lines before is"}},
		"wrong checksum":    {replace(`"sha256":"`, `"sha256":"0`), []string{"line 4: the SHA-256 of the lines before is"}},
		"wrong end":         {replace(`"sha256":`, `"sum":`), []string{`line 4: unknown field "sum"`}},
		"several":           {replace(`"v":1,"call"`, `"v":9,"call"`)[:len(good)-len(lines[3])], []string{"line 2: the record has version 9", "line 4: the last line"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := read(c.text, here)
			var malformed *MalformedError
			if !errors.As(err, &malformed) {
				t.Fatalf("got %v", err)
			}
			problems := malformed.Problems
			if alien := strings.Contains(problems[0].Text, "is not the first line"); alien && len(problems) > 1 {
				t.Errorf("other lines are told of a file that is something else: %q", problems)
			}
			if len(c.want) == 1 && len(problems) > 1 { // that the checksum or number is wrong then goes without saying
				problems = problems[:1]
			}
			if len(problems) != len(c.want) {
				t.Fatalf("got %q, want %q", problems, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(problems[i].String(), want) {
					t.Errorf("got %q, want %q", problems[i], want)
				}
			}
		})
	}
}

func TestIDsOfStoredRecordsAreNeeded(t *testing.T) {
	want := here
	want.Stored = true
	if _, _, err := read(file(t, entryOf(t, "", answered())), want); err == nil || !strings.Contains(err.Error(), "line 2: id is missing") {
		t.Errorf("got %v", err)
	}
}

func TestLineThatIsTooLong(t *testing.T) {
	good := file(t, entryOf(t, "", answered()))
	lines := strings.SplitAfter(good, "\n")
	long := strings.Repeat(" ", longestLine) + lines[1]
	_, _, err := read(lines[0]+long+lines[1]+lines[2], here)
	var malformed *MalformedError
	if !errors.As(err, &malformed) || malformed.Problems[0].String() != "line 2: is longer than 16 MB" {
		t.Errorf("got %v", err)
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	var list []Entry
	for i := range 250 {
		list = append(list, with(t, func(r *acd.CallRecord) { r.Call, r.Result = acd.CallID(fmt.Sprint(i)), "" }))
	}
	_, _, err := read(file(t, list...), here)
	var malformed *MalformedError
	if !errors.As(err, &malformed) || len(malformed.Problems) != Shown || malformed.More != 150 || malformed.Problems[99].Line != 101 {
		t.Fatalf("got %v", err)
	}
	if want := "250 problems, the first in line 2: "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %q, want %q", err, want)
	}
}

// What would count twice is found, in whatever order it stands.
func TestCallsAndStintsThatAreThereTwice(t *testing.T) {
	span := func(agent acd.AgentID, from, to string) Entry {
		return withStint(t, func(s *acd.Stint) { s.Agent, s.From, s.To = agent, at(from), at(to) })
	}
	call := func(id acd.CallID) Entry { return with(t, func(r *acd.CallRecord) { r.Call = id }) }
	shifted := func(e Entry, by time.Duration) Entry {
		s := decodedStint(t, e)
		s.From = s.From.Add(by)
		return entryOf(t, "", s)
	}
	nine := span("1001", "09:00:00", "09:15:00")
	for name, c := range map[string]struct {
		entries []Entry
		want    []string
		steps   []string // with ClockSteps
	}{
		"each once":          {[]Entry{call("a"), call("b"), nine, span("1001", "09:15:00", "09:30:00"), span("1002", "09:00:00", "09:15:00")}, nil, nil},
		"not in order":       {[]Entry{span("1001", "10:00:00", "10:15:00"), nine, span("1001", "09:30:00", "10:00:00"), span("1001", "09:15:00", "09:30:00")}, nil, nil},
		"less than a ms":     {[]Entry{nine, shifted(span("1001", "09:15:00", "09:30:00"), -time.Microsecond+time.Millisecond)}, nil, nil},
		"a call":             {[]Entry{call("a"), call("b"), call("a"), call("a")}, []string{`line 4: the call "a" is in line 2 already`, `line 5: the call "a" is in line 2 already`}, []string{`line 4: the call "a" is in line 2`, `line 5: the call "a" is in line 2`}},
		"a stint":            {[]Entry{nine, nine}, []string{`line 3: the stint of agent "1001" from then on is in line 2 already`}, []string{`line 3: the stint of agent "1001" from then`}},
		"a longer one":       {[]Entry{nine, span("1001", "09:00:00", "09:20:00")}, []string{`line 3: the stint of agent "1001" from then on is in line 2`}, []string{`line 3: the stint of agent "1001" from then`}},
		"overlap at the end": {[]Entry{nine, span("1001", "09:14:59", "09:20:00")}, []string{`line 3: overlaps the stint of agent "1001" in line 2`}, nil},
		"at the beginning":   {[]Entry{nine, span("1001", "08:50:00", "09:00:01")}, []string{`line 3: overlaps the stint of agent "1001" in line 2`}, nil},
		"within":             {[]Entry{nine, span("1001", "09:05:00", "09:06:00")}, []string{`line 3: overlaps the stint of agent "1001" in line 2`}, nil},
		"around":             {[]Entry{span("1001", "07:00:00", "07:15:00"), nine, span("1001", "08:00:00", "10:00:00")}, []string{`line 4: overlaps the stint of agent "1001" in line 3`}, nil},
		"each of two":        {[]Entry{nine, span("1001", "09:01:00", "09:02:00"), span("1001", "09:03:00", "09:04:00")}, []string{`line 3: overlaps`, `line 4: overlaps`}, nil},
	} {
		for _, steps := range []bool{false, true} {
			want, expected := here, c.want
			if steps {
				want.ClockSteps, expected = true, c.steps
			}
			_, _, err := read(file(t, c.entries...), want)
			var malformed *MalformedError
			errors.As(err, &malformed)
			if (err != nil) != (malformed != nil) || (malformed != nil) != (len(expected) > 0) {
				t.Errorf("%s, %v: got %v, want %q", name, steps, err, expected)
				continue
			}
			for i, text := range expected {
				if len(malformed.Problems) != len(expected) || !strings.HasPrefix(malformed.Problems[i].String(), text) {
					t.Errorf("%s, %v: got %q, want %q", name, steps, malformed.Problems, expected)
				}
			}
		}
	}
}

func decodedStint(t testing.TB, e Entry) (s acd.Stint) {
	t.Helper()
	if err := strict(e.Text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Overlaps are found as comparing each stint with each other finds them.
func TestOverlapsAreFoundAsByComparingAll(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var list []Entry
		var taken []acd.Stint
		overlap := map[int]bool{} // by line
		for i := range rapid.IntRange(0, 30).Draw(rt, "stints") {
			s := stint()
			s.Agent = acd.AgentID(rapid.SampledFrom([]string{"1001", "1002"}).Draw(rt, "agent"))
			s.From = at("09:00:00").Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, "from")) * time.Second)
			s.To = s.From.Add(time.Duration(rapid.IntRange(1, 20).Draw(rt, "length")) * time.Second)
			list = append(list, entryOf(rt, "", s))
			for _, other := range taken {
				if other.Agent == s.Agent && other.From.Before(s.To) && s.From.Before(other.To) {
					overlap[i+2] = true
				}
			}
			if !overlap[i+2] {
				taken = append(taken, s)
			}
		}
		_, _, err := read(file(t, list...), here)
		var malformed *MalformedError
		if errors.As(err, &malformed); malformed == nil {
			malformed = &MalformedError{}
		}
		got := map[int]bool{}
		for _, p := range malformed.Problems {
			got[p.Line] = true
		}
		if !maps.Equal(got, overlap) {
			rt.Fatalf("found in lines %v, want %v", got, overlap)
		}
	})
}
