package view

import (
	"testing"
	"time"

	"hotline/internal/acd"
)

// The talk ends with the agent, also while the caller is asked for a rating, and
// a hold that goes on is shown.
func TestTalkAndHold(t *testing.T) {
	answered := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	after := func(s int) time.Time { return answered.Add(time.Duration(s) * time.Second) }
	talking := acd.CallStatus{Phase: acd.PhaseTalking, Answered: answered, Hold: 10 * time.Second, OnHold: after(50)}
	rating := acd.CallStatus{Phase: acd.PhaseRating, Answered: answered, Hold: 10 * time.Second, Rating: &acd.RatingStatus{Since: after(40)}}
	calls := Of(acd.Snapshot{At: after(60), Calls: []acd.CallStatus{talking, rating}}).Calls
	if c := calls[0]; c.Talk != Seconds(time.Minute) || c.Hold != Seconds(20*time.Second) || c.OnHold != after(50) {
		t.Errorf("talking: %+v", c)
	}
	if c := calls[1]; c.Talk != Seconds(40*time.Second) || c.Hold != Seconds(10*time.Second) || !c.OnHold.IsZero() {
		t.Errorf("rating: %+v", c)
	}
}

// An expected wait is as fine as it can be believed.
func TestExpectedWaitIsRounded(t *testing.T) {
	for wait, want := range map[time.Duration]time.Duration{
		0: 0, 2 * time.Second: 0, 3 * time.Second: 5 * time.Second, 57 * time.Second: 55 * time.Second, 59 * time.Second: time.Minute,
		131 * time.Second: 135 * time.Second, 9*time.Minute + 50*time.Second: 9*time.Minute + 45*time.Second, 11*time.Minute + 31*time.Second: 12 * time.Minute,
	} {
		q := Of(acd.Snapshot{Queues: []acd.QueueStatus{{ExpectedWait: &wait, Open: true}}}).Queues[0]
		if q.ExpectedWait == nil || *q.ExpectedWait != Seconds(want) || !q.Open {
			t.Errorf("%v: %+v, want %v", wait, q, want)
		}
	}
	if q := Of(acd.Snapshot{Queues: []acd.QueueStatus{{}}}).Queues[0]; q.ExpectedWait != nil || q.Open {
		t.Errorf("%+v", q)
	}
}
