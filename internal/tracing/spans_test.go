package tracing

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"hotline/internal/acd"
	"hotline/internal/scenario"
	"hotline/internal/sim"
)

var update = flag.Bool("update", false, "write the transcripts of testdata anew")

var arrived = time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("CST", 8*3600))

// s is so many seconds after the call came.
func s(seconds float64) time.Time {
	return arrived.Add(time.Duration(seconds * float64(time.Second)))
}

const caller = "13812345678"

func offer(agent acd.AgentID, made, rang, ended float64, outcome acd.OfferOutcome) acd.OfferRecord {
	o := acd.OfferRecord{Agent: agent, Seat: "8" + acd.SeatID(agent[1:]), Made: s(made), Ended: s(ended), Outcome: outcome}
	if rang > 0 {
		o.Rang = s(rang)
	}
	return o
}

// records are calls of all kinds by name; with what all have in common left out.
var records = map[string]acd.CallRecord{
	"answered": {
		Queue: "general", Queued: s(4), Answered: s(12.5), Ended: s(190), Agent: "1001", Seat: "8001", Hold: 20 * time.Second,
		Skills: []acd.SkillID{"english", "law"}, Result: acd.Answered, Reason: acd.CallerHungUp,
		Offers: []acd.OfferRecord{offer("1001", 10, 10.2, 12.5, acd.OfferAnswered)},
	},
	"rated": {
		Queue: "general", Queued: s(0), Answered: s(5), TalkEnded: s(65), Ended: s(80), Agent: "1001", Seat: "8001",
		RatingAsked: true, Rating: 2, Result: acd.Answered, Reason: acd.AgentHungUp,
		Offers: []acd.OfferRecord{offer("1001", 0, 1, 5, acd.OfferAnswered)},
	},
	"rating not given": {
		Queue: "general", Queued: s(0), Answered: s(5), TalkEnded: s(65), Ended: s(80), Agent: "1001", Seat: "8001",
		RatingAsked: true, Result: acd.Answered, Reason: acd.AgentHungUp,
		Offers: []acd.OfferRecord{offer("1001", 0, 1, 5, acd.OfferAnswered)},
	},
	"abandoned": {
		Queue: "general", Queued: s(4), Ended: s(64), Result: acd.Abandoned, Reason: acd.CallerHungUp, Resumed: s(-90),
	},
	"RONA twice": {
		Queue: "general", Queued: s(1), Answered: s(40), Ended: s(100), Agent: "1003", Seat: "8003", Result: acd.Answered, Reason: acd.AgentHungUp,
		Offers: []acd.OfferRecord{
			offer("1001", 1, 1.5, 16.5, acd.OfferNoAnswer), offer("1002", 16.5, 17, 32, acd.OfferNoAnswer), offer("1003", 32, 33, 40, acd.OfferAnswered),
		},
	},
	"two rung, one away": {
		Queue: "general", Queued: s(1), Ended: s(20), Result: acd.Abandoned, Reason: acd.CallerHungUpRinging,
		Offers: []acd.OfferRecord{
			offer("1001", 2, 0, 2.3, acd.OfferUnreachable), offer("1002", 3, 3.5, 20, acd.OfferWithdrawn), offer("1003", 3, 3.6, 20, acd.OfferWithdrawn),
		},
	},
	"overflow between queues": {
		Queue: "general", Queued: s(2), Answered: s(95), Ended: s(200), Agent: "1003", Seat: "8003", Result: acd.Answered, Reason: acd.CallerHungUp,
		Visits: []acd.Visit{{Queue: "business", Entered: s(2), Left: s(32)}, {Queue: "talent", Entered: s(32), Left: s(62)}},
		Offers: []acd.OfferRecord{
			offer("1001", 5, 6, 20, acd.OfferNoAnswer), offer("1002", 40, 41, 55, acd.OfferBusy), offer("1003", 90, 91, 95, acd.OfferAnswered),
		},
	},
	"refused": {
		Queue: "general", Queued: s(2), Ended: s(10), Result: acd.Overflowed, Reason: acd.Refused, Visits: []acd.Visit{{Queue: "general", Entered: s(2), Left: s(2)}},
	},
	"partner": {
		Queue: "general", Queued: s(2), Ended: s(400), Partner: "xuzhou", Result: acd.Overflowed, Reason: acd.Referred, Visits: []acd.Visit{{Queue: "general", Entered: s(2), Left: s(190)}},
	},
	"callback booked": {
		Queue: "general", Queued: s(2), Ended: s(70), Result: acd.Overflowed, Reason: acd.CallbackRequested, Visits: []acd.Visit{{Queue: "general", Entered: s(2), Left: s(65)}},
	},
	"callback": {
		Call: "callback-1-a1-1795482000.1", Direction: acd.Outbound, Callback: "a1-1795482000.1", Queue: "general", Queued: s(0), Answered: s(30), Ended: s(90),
		Agent: "1001", Seat: "8001", Result: acd.Answered, Reason: acd.CallerHungUp, Offers: []acd.OfferRecord{offer("1001", 10, 11, 30, acd.OfferAnswered)},
	},
	"callback not reached": {
		Call: "callback-2-a1-1795482000.1", Direction: acd.Outbound, Callback: "a1-1795482000.1", Queue: "general", Queued: s(0), Ended: s(50),
		Outcome: acd.OfferNoAnswer, Result: acd.NotReached, Reason: acd.CallerNotReached, Offers: []acd.OfferRecord{offer("1001", 10, 11, 50, acd.OfferWithdrawn)},
	},
	"recovered": {
		Queue: "general", Queued: s(0), Answered: s(40), Ended: s(300), Agent: "1002", Seat: "8002", Recovered: true, Result: acd.Answered, Reason: acd.CallerHungUp,
		Offers: []acd.OfferRecord{{Agent: "1002", Seat: "8002", Made: s(40), Ended: s(40), Outcome: acd.OfferAnswered, Number: 3}},
	},
	"node lost": {
		Queue: "general", Queued: s(4), Ended: s(30), Result: acd.Abandoned, Reason: acd.NodeLost,
		Offers: []acd.OfferRecord{{Agent: "1001", Seat: "8001", Made: s(20), Rang: s(21)}},
	},
	"hung up in the greeting": {Ended: s(3), Result: acd.NotOffered, Reason: acd.CallerHungUp},
	"unknown entry":           {Entry: "05188888888", Ended: s(1), Result: acd.NotOffered, Reason: acd.UnknownEntry},
	"clock set back":          {Queue: "general", Queued: s(4), Ended: s(-30), Result: acd.Abandoned, Reason: acd.CallerHungUp},
	"odd caller":              {Caller: "a张三x", Ended: s(1), Result: acd.NotOffered, Reason: acd.Blocked},
}

// record is one of records, whole.
func record(name string) acd.CallRecord {
	r := records[name]
	r.Version, r.Node, r.Arrived = acd.RecordVersion, "a1", arrived
	if r.Call == "" {
		r.Call = acd.CallID("a1-1795482000." + fmt.Sprint(len(name)))
	}
	if r.Entry == "" {
		r.Entry = "12345"
	}
	if r.Caller == "" {
		r.Caller = caller
	}
	return r
}

// TestSpans compares what becomes of calls of all kinds with testdata.
func TestSpans(t *testing.T) {
	for name := range records {
		t.Run(name, func(t *testing.T) {
			spans := newBuilder(Options{Site: "test", Version: "v1", Instance: "i"}).build([]acd.CallRecord{record(name)})
			got := transcript(spans)
			path := filepath.Join("testdata", strings.NewReplacer(" ", "_", ",", "").Replace(name)+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// transcript is a line for each span, children below their parents, with the times in
// seconds after the call came.
func transcript(spans []sdktrace.ReadOnlySpan) string {
	var b strings.Builder
	after := func(t time.Time) string { return fmt.Sprintf("%.1f", t.Sub(arrived).Seconds()) }
	var below func(parent trace.SpanID, indent string)
	below = func(parent trace.SpanID, indent string) {
		for _, s := range spans {
			if s.Parent().SpanID() != parent {
				continue
			}
			fmt.Fprintf(&b, "%s%s (%v) %s to %s", indent, s.Name(), s.SpanKind(), after(s.StartTime()), after(s.EndTime()))
			for _, e := range s.Events() {
				fmt.Fprintf(&b, ", %s at %s", e.Name, after(e.Time))
			}
			if status := s.Status(); status.Description != "" {
				fmt.Fprintf(&b, ", %v: %s", status.Code, status.Description)
			}
			for _, l := range s.Links() {
				fmt.Fprintf(&b, ", linked to %v", l.SpanContext.TraceID())
			}
			b.WriteByte('\n')
			for _, a := range s.Attributes() {
				fmt.Fprintf(&b, "%s    %s = %v\n", indent, a.Key, a.Value.String())
			}
			below(s.SpanContext().SpanID(), indent+"  ")
		}
	}
	below(trace.SpanID{}, "")
	return b.String()
}

// TestOneCallIsOneTrace: the ids come from the call's, so that a call that is told twice
// is the same trace, and docs/operations.md can say how to find it.
func TestOneCallIsOneTrace(t *testing.T) {
	// printf %s a1-1795482000.12 | sha256sum | cut -c 1-32
	if got, want := TraceID("a1-1795482000.12").String(), "7c5ec9db8fb5aa94980171ce1c4f8889"; got != want {
		t.Errorf("the trace of the documented call is %s, want %s", got, want)
	}
	r := record("overflow between queues")
	first := newBuilder(Options{}).build([]acd.CallRecord{r})
	second := newBuilder(Options{}).build([]acd.CallRecord{record("answered"), r})[4:]
	seen := make(map[trace.SpanID]bool)
	for i, s := range first {
		if s.SpanContext().TraceID() != TraceID(r.Call) || !s.SpanContext().Equal(second[i].SpanContext()) || seen[s.SpanContext().SpanID()] {
			t.Errorf("span %d, %s: %v, and told again %v", i, s.Name(), s.SpanContext(), second[i].SpanContext())
		}
		seen[s.SpanContext().SpanID()] = true
	}
	// The link of a callback is the root of the call of which it came.
	r.Call = record("callback").Callback
	root := newBuilder(Options{}).build([]acd.CallRecord{r})[0]
	if link := newBuilder(Options{}).build([]acd.CallRecord{record("callback")})[0].Links()[0]; !link.SpanContext.Equal(root.SpanContext()) {
		t.Errorf("the callback is linked to %v, and the call is %v", link.SpanContext, root.SpanContext())
	}
}

// TestSpansLieWithinTheirParents, of all calls whose clock was not set back.
func TestSpansLieWithinTheirParents(t *testing.T) {
	for name := range records {
		spans := spansOf(record(name))
		for i, s := range spans {
			if s.parent >= i || (s.parent < 0) != (i == 0) {
				t.Errorf("%s: %s is below the span %d", name, s.name, s.parent)
				continue
			}
			if i == 0 || name == "clock set back" {
				continue
			}
			if p := spans[s.parent]; s.from.Before(p.from) || s.to.After(p.to) {
				t.Errorf("%s: %s is from %v to %v, and %s from %v to %v", name, s.name, s.from, s.to, p.name, p.from, p.to)
			}
		}
	}
}

// TestSpansOfASimulatedStorm: whatever the engine records of crowded queues, callbacks and
// redials becomes spans that lie within each other, without a caller's full number.
func TestSpansOfASimulatedStorm(t *testing.T) {
	all, err := scenario.LoadVariants("storm")
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]int)
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	_, err = sim.Run(ctx, all[len(all)-1], sim.Options{Seed: 1, Record: func(r acd.CallRecord) {
		spans := spansOf(r)
		if kinds["callback"] > 20 {
			enough()
		}
		for i, s := range spans {
			first, _, _ := strings.Cut(s.name, " ")
			kinds[first]++
			if p := spans[max(0, s.parent)]; s.from.IsZero() || i > 0 && (s.parent >= i || s.from.Before(p.from) || s.to.After(p.to)) {
				t.Fatalf("%s is from %v to %v, %s from %v to %v, in %+v", s.name, s.from, s.to, p.name, p.from, p.to, r)
			}
			for _, a := range s.attrs {
				if len(r.Caller) > 6 && strings.Contains(a.Value.String(), r.Caller) {
					t.Fatalf("%s = %v holds the number of the caller", a.Key, a.Value.String())
				}
			}
		}
	}})
	if err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	t.Log(kinds)
	for _, kind := range []string{"call", "callback", "queue", "offer", "talk"} {
		if kinds[kind] < 20 {
			t.Errorf("only %d spans %s", kinds[kind], kind)
		}
	}
}
