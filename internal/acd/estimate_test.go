package acd

import (
	"math"
	"testing"
	"time"
)

// TestWaitIsTheSum holds the estimate, which adds up long queues by an
// integral, against the sum itself.
func TestWaitIsTheSum(t *testing.T) {
	for _, leave := range []float64{0, 1e-9, 1e-4, 0.01, 0.3} {
		for _, ahead := range []int{0, 1, 99, 100, 101, 2500, 100_000} {
			p := Pulse{Handle: 180, Handled: 50, Left: leave * 1000, Waited: 1000}
			got, ok := p.wait(ahead, 75)
			want := 0.0
			for i := range ahead + 1 {
				want += 1 / (75.0/180 + float64(i)*leave)
			}
			if off := math.Abs(got.Seconds()-want) / want; !ok || off > 1e-4 {
				t.Errorf("%d ahead, %v leave a second each: got %v, the sum is %.3f s", ahead, leave, got, want)
			}
		}
	}
	if _, ok := (&Pulse{}).wait(3, 0); ok {
		t.Error("nobody works, and a wait is told")
	}
}

// BenchmarkExpectedWait is what one announcement costs among many who wait.
func BenchmarkExpectedWait(b *testing.B) {
	e, c := longQueue(b, 20_000)
	b.ResetTimer()
	for range b.N {
		e.expectedWait(c.queue, c)
	}
}

// TestAheadOfVeryMany: the count is exact up to a bound, and close beyond.
func TestAheadOfVeryMany(t *testing.T) {
	for _, n := range []int{10, 5000, 25_000} {
		e, c := longQueue(t, n)
		if got := e.ahead(c); math.Abs(float64(got-n)) > float64(n)/100 || n < looksAt && got != n {
			t.Errorf("%d callers are ahead, and %d are counted", n, got)
		}
	}
}

// silent lets callers straight into the queue.
type silent struct{}

func (silent) Next(s FlowState, event FlowEvent, _ *FlowInfo) (FlowState, []FlowAction) {
	if event == FlowStart {
		return s, []FlowAction{FlowEnqueue{}}
	}
	return s, nil
}

// longQueue has so many callers ahead of one in the middle.
func longQueue(tb testing.TB, ahead int) (*Engine, *call) {
	tb.Helper()
	e, err := NewEngine(Config{
		Entries: []Entry{{Number: "1", Queue: "q"}}, Queues: []Queue{{ID: "q", RingTimeout: time.Second}},
	}, silent{})
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	for i := range ahead + 1 + ahead/2 {
		e.Step(now.Add(time.Duration(i)*time.Millisecond), CallArrived{Call: CallID(NewLegID("c", i+1, "x")), Entry: "1"})
	}
	return e, e.calls[CallID(NewLegID("c", ahead+1, "x"))]
}
