package acd_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
)

// The stints of an agent follow each other without gap or overlap, from login to
// logout, however often they are accounted for in between.
func TestStintsCoverTheTimeOnDuty(t *testing.T) {
	d := newDesk(t)
	var told []string
	var next time.Time
	note := func(out acd.Output) {
		for _, s := range out.Stints {
			if s.Agent != "1" || s.Seat != "801" {
				t.Fatalf("%+v", s)
			}
			if !next.IsZero() && !s.From.Equal(next) {
				t.Errorf("a stint begins at %v, the one before ended at %v", s.From, next)
			}
			next = s.To
			told = append(told, fmt.Sprintf("%s%s %v", s.State, s.Reason, s.To.Sub(s.From)))
		}
	}
	note(d.do(acd.Login{Agent: "1", Seat: "801"}))
	note(d.after(10*time.Second, acd.SetReady{Agent: "1"}))
	note(d.after(5*time.Second, acd.Account{}))
	note(d.do(acd.Account{}))
	note(d.after(15*time.Second, acd.CallArrived{Call: "a", Node: "a1", Entry: "9"}))
	leg := acd.NewLegID("a", 1, "1")
	note(d.after(time.Second, acd.LegRinging{Leg: leg}))
	note(d.after(2*time.Second, acd.LegAnswered{Leg: leg}))
	note(d.do(acd.Connected{Call: "a", Leg: leg}))
	note(d.after(time.Minute, acd.Account{}))
	note(d.after(time.Minute, acd.CallGone{Call: "a"}))
	note(d.after(3*time.Second, acd.Logout{Agent: "1"}))
	note(d.after(time.Hour, acd.Account{}))
	want := "not_readylogin 10s, ready 5s, ready 15s, ringing 3s, talking 1m0s, talking 1m0s, wrap_up 3s"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("told: %s\nwant: %s", got, want)
	}
}
