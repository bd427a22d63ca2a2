package versus

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A log of an agent's SIPp: seat 10001 is rung, and again after 20 ms, seat 10002
// once. The second ring is sent twice, and the last line is cut off.
const log = `2026-11-29	15:09:55.258692	1795964995.258692	R	a@x	CSeq:1 INVITE	INVITE sip:10001@127.0.0.1:31901 SIP/2.0
2026-11-29	15:09:55.258986	1795964995.258986	S	a@x	CSeq:1 INVITE	SIP/2.0 180 Ringing
2026-11-29	15:09:55.300000	1795964995.300000	R	b@x	CSeq:1 INVITE	INVITE sip:10002@127.0.0.1:31901 SIP/2.0
2026-11-29	15:09:55.362863	1795964995.362863	S	a@x	CSeq:1 INVITE	SIP/2.0 200 OK
2026-11-29	15:09:55.362924	1795964995.362924	R	a@x	CSeq:1 ACK	ACK sip:10001@127.0.0.1:31901 SIP/2.0
2026-11-29	15:09:55.900000	1795964995.900000	S	a@x	CSeq:1 BYE	BYE sip:asterisk@127.0.0.1:31902 SIP/2.0
2026-11-29	15:09:55.910000	1795964995.910000	R	a@x	CSeq:1 BYE	SIP/2.0 200 OK
2026-11-29	15:09:55.920000	1795964995.920000	R	c@x	CSeq:7 INVITE	INVITE sip:10001@127.0.0.1:31901 SIP/2.0
2026-11-29	15:09:56.420000	1795964996.420000	R	c@x	CSeq:7 INVITE	INVITE sip:10001@127.0.0.1:31901 SIP/2.0
2026-11-29	15:09:56.430000	1795964996.430000	S	c@x	CSeq:7 INVITE	SIP/2.0 486 Busy`

func TestLogOfThePhonesTellsConversationsAndGaps(t *testing.T) {
	s := &sipp{dir: t.TempDir()}
	if list, err := s.conversations(); err != nil || len(list) != 0 {
		t.Fatalf("without a log: %v, %v", list, err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "messages.log"), []byte(log+"\n2026-11-29\t15:1"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := s.conversations()
	if err != nil || len(list) != 3 {
		t.Fatalf("%d conversations, %v; want 3", len(list), err)
	}
	a, c := list[0], list[2]
	if a.seat != "10001" || !a.complete() || a.answered.Sub(a.invited) != 104171*time.Microsecond || a.resent != 0 {
		t.Errorf("the first: %+v", a)
	}
	if c.complete() || c.status != 486 || c.resent != 1 {
		t.Errorf("the last: %+v", c)
	}
	if n := (conversation{id: "17-4711@127.0.0.2"}).number(); n != "14711017" {
		t.Errorf("number %s", n)
	}
	if n := completed(list); n != 1 {
		t.Errorf("%d complete, want 1", n)
	}
	from := time.Unix(1795964995, 0)
	early := func(conversation) time.Time { return from }
	if got := gaps(list, from, from.Add(time.Second), early); !slices.Equal(got, []time.Duration{20 * time.Millisecond}) {
		t.Errorf("gaps %v, want 20ms", got)
	}
	late := func(conversation) time.Time { return a.hungUp.Add(time.Millisecond) }
	if got := gaps(list, from, from.Add(time.Second), late); len(got) != 0 {
		t.Errorf("gaps %v of an agent for whom nobody waited, want none", got)
	}
	if got := gaps(list, from, from.Add(900*time.Millisecond), early); len(got) != 0 {
		t.Errorf("gaps %v, want none before the second ring", got)
	}
}

func TestProcessTellsItsTimeAndMemory(t *testing.T) {
	begin := time.Now()
	for time.Since(begin) < 50*time.Millisecond { // use some time
	}
	used, err := ProcessorTime(os.Getpid())
	if err != nil || used <= 0 || used > time.Hour {
		t.Errorf("%s, %v", used, err)
	}
	if rss, err := peakRSS(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("%d bytes, %v", rss, err)
	}
}

func TestSpread(t *testing.T) {
	var list []time.Duration
	for i := range 101 {
		list = append(list, time.Duration(100-i)*time.Millisecond)
	}
	if got := spreadOf(list); got != (Spread{N: 101, P50: 50, P99: 99}) {
		t.Errorf("%+v", got)
	}
	if got := spreadOf(nil); got != (Spread{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

func made(round int, side Side, p Point, answered int, cpu, gap float64) Sample {
	s := Sample{Round: round, Side: side, Point: p.Name(), Seconds: 10, Answered: answered, Connected: answered,
		CPU: map[string]float64{"asterisk": cpu}, Memory: map[string]int64{"asterisk": 1 << 20}}
	if p.Kind == Waiting {
		s.Gap = Spread{N: 5, P50: gap, P99: 2 * gap}
	} else {
		s.Placed, s.Completed = answered, answered
	}
	if side == Hotline {
		s.CPU["controller"], s.Requests = 0.5*float64(answered)/1000, 9*float64(answered)
	}
	return s
}

func TestRatiosAreThoseOfEachRound(t *testing.T) {
	rate := Point{Kind: Rate, Agents: 100, Rate: 20}
	queue := Point{Kind: Waiting, Agents: 100, Waiting: 10}
	plan := Plan{Rounds: 3, Sessions: [][]Point{{rate, queue}}}
	var samples []Sample
	for round, factor := range []float64{0.8, 0.9, 0.7} {
		used := float64(round+1) * 0.8 // the machine becomes slower, for both
		samples = append(samples,
			made(round+1, AppQueue, rate, 100, used, 0), made(round+1, Hotline, rate, 100, used*factor-0.05, 0),
			made(round+1, AppQueue, queue, 100, used, 900), made(round+1, Hotline, queue, 90, used, 9))
	}
	r := Evaluate(Machine{}, plan, samples)
	i := slices.IndexFunc(r.Comparisons, func(c Comparison) bool { return c.Point == rate.Name() && c.Measure == cpuMeasure })
	if i < 0 {
		t.Fatalf("no comparison of the processor time: %+v", r.Comparisons)
	}
	if c := r.Comparisons[i]; !near(c.Ratio, 0.8) || !near(c.Least, 0.7) || !near(c.Greatest, 0.9) || !near(c.AppQueue, 16) {
		t.Errorf("%+v", c)
	}
	met := map[string]bool{}
	for _, g := range r.Goals {
		met[g.Text] = g.Met
	}
	for text, want := range map[string]bool{
		"CPU per answered call at 100 agents at most 0.95 of app_queue's": true,
		"idle gap of agents at most 2% of app_queue's median":             true,
		"calls answered a second at least app_queue's":                    false,
		"calls connected at least app_queue's":                            true,
		"controller at most 1 ms CPU per answered call":                   true,
		"at most 9 ARI requests per answered call":                        true,
	} {
		if got, judged := met[text]; !judged || got != want {
			t.Errorf("%s: met %v, judged %v; want %v", text, got, judged, want)
		}
	}
	for _, want := range []string{"0.80 (0.70 to 0.90)", "not met  calls answered", "100 agents, 10 waiting"} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, r)
		}
	}
}

func near(a, b float64) bool { return a > b-1e-6 && a < b+1e-6 }

func TestPlansGoFromFewToMany(t *testing.T) {
	for _, plan := range []Plan{Full(), Quick()} {
		for _, session := range plan.Sessions {
			waiting := 0
			for _, p := range session {
				if p.Agents != session[0].Agents {
					t.Errorf("%s: a session has one number of agents", p.Name())
				}
				if p.Silent != session[0].Silent {
					t.Errorf("%s: a session has music or not", p.Name())
				}
				if p.Waiting < waiting {
					t.Errorf("%s: who waits is there for the next point", p.Name())
				}
				waiting = p.Waiting
			}
		}
	}
	only := Full().Only(regexp.MustCompile(`^100 agents, 20 calls/s$`))
	if len(only.Sessions) != 1 || len(only.Sessions[0]) != 1 {
		t.Errorf("%+v", only)
	}
}
