package acd_test

import (
	"fmt"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// takeOver lets another engine go on after a gap in which no controller was there.
func (d *desk) takeOver(gap time.Duration) {
	d.t.Helper()
	state := d.e.Save()
	state.Alive, state.CutOff = d.now, []acd.NodeID{"a1"}
	d.now = d.now.Add(gap)
	state.At = d.now
	e, err := acd.Restore(site(), callflow.Standard{}, state)
	if err != nil {
		d.t.Fatal(err)
	}
	d.e = e
}

// What vanished while no controller was there ended at some moment in between; it
// counts as ended at the beginning. What ends later ends when it does.
func TestVanishedCallsEndAtTheLastSignOfLife(t *testing.T) {
	for _, confirmed := range []bool{false, true} {
		d := newDesk(t)
		d.ready("1", "801")
		d.arrive("a", "9")
		d.talk("a", 1, "1")
		d.after(time.Minute, acd.Tick{})
		d.arrive("b", "9")
		d.after(20*time.Second, acd.Tick{})
		d.takeOver(time.Hour)
		talk, wait := 80*time.Second, 20*time.Second
		if confirmed {
			d.do(acd.NodeReachable{Node: "a1"}) // both are still there
			talk, wait = talk+time.Hour, wait+time.Hour
		}
		d.do(acd.CallGone{Call: "a", Vanished: true})
		d.wantRecord(acd.Answered, acd.Recovered, 0, talk)
		d.do(acd.CallGone{Call: "b", Vanished: true})
		d.wantRecord(acd.Abandoned, acd.Recovered, wait, 0)
	}
}

// A call that came after the last sign of life did not end before it came.
func TestNoCallEndsBeforeItCame(t *testing.T) {
	d := newDesk(t)
	d.arrive("a", "9")
	state := d.e.Save()
	state.Alive = d.now.Add(-time.Minute)
	e, err := acd.Restore(site(), callflow.Standard{}, state)
	if err != nil {
		t.Fatal(err)
	}
	d.e = e
	d.after(time.Second, acd.CallGone{Call: "a", Vanished: true})
	d.wantRecord(acd.Abandoned, acd.Recovered, 0, 0)
}

// Who lifted while no controller could note it talks on: what the node tells of it comes
// before the time is up for which the phone may ring, however long ago that was.
func TestNodesTellWhoLiftedBeforeRingingEnds(t *testing.T) {
	const leg = "leg_1_1_a"
	for _, lifted := range []bool{true, false} {
		d := newDesk(t)
		d.ready("1", "801")
		d.arrive("a", "9")
		d.do(acd.LegRinging{Leg: leg})
		d.takeOver(10 * time.Minute)
		for _, c := range d.do(acd.Tick{}).Commands {
			if cancels, ok := c.(acd.CancelLeg); ok {
				t.Errorf("a phone is silenced before the node has told whether somebody lifted: %+v", cancels)
			}
		}
		d.do(acd.NodeReachable{Node: "a1"})
		if lifted {
			d.do(acd.LegAnswered{Leg: leg})
			d.do(acd.Connected{Call: "a", Leg: leg})
			d.after(3*time.Second, acd.Tick{})
			d.wantState("1", acd.Talking, "")
			continue
		}
		d.after(3*time.Second, acd.Tick{})
		d.wantState("1", acd.NotReady, "rona")
	}
}

// expected is what the engine says that the switch has of a call, as one line.
func expected(t *testing.T, e *acd.Engine, call acd.CallID) string {
	t.Helper()
	for _, x := range e.Expect() {
		if x.Call != call {
			continue
		}
		text := fmt.Sprintf("play %d music %v %s tone %d joined %q joins %q alone %v fresh %v", x.Play, x.Music, x.Class, x.Tone, x.Joined, x.Joins, x.Alone, x.Fresh)
		for _, leg := range x.Legs {
			text += fmt.Sprintf(" leg %s at %s rings %v lifted %v", leg.Offer.Leg, leg.Offer.Seat, leg.Rings, leg.Lifted)
		}
		return text
	}
	t.Fatalf("nothing is expected of call %s", call)
	return ""
}

func TestWhatTheSwitchHasIsTold(t *testing.T) {
	d := newDesk(t)
	step := func(want string) {
		t.Helper()
		if got := expected(t, d.e, "a"); got != want {
			t.Errorf("expected\n%s, want\n%s", got, want)
		}
	}
	const leg = "leg_1_2_a"
	d.arrive("a", "8")
	step(`play 0 music true default tone 0 joined "" joins "" alone false fresh true`)
	d.after(time.Minute, acd.Tick{})
	step(`play 0 music true default tone 0 joined "" joins "" alone false fresh false`)
	d.ready("2", "802")
	step(`play 0 music true default tone 1 joined "" joins "" alone false fresh false leg ` + leg + ` at 802 rings false lifted false`)
	d.do(acd.LegRinging{Leg: leg})
	step(`play 0 music true default tone 1 joined "" joins "" alone false fresh false leg ` + leg + ` at 802 rings true lifted false`)
	d.do(acd.LegAnswered{Leg: leg})
	step(`play 0 music false default tone 0 joined "" joins "` + leg + `" alone false fresh true leg ` + leg + ` at 802 rings true lifted true`)
	d.do(acd.Connected{Call: "a", Leg: leg})
	step(`play 0 music false default tone 0 joined "` + leg + `" joins "" alone false fresh true leg ` + leg + ` at 802 rings true lifted true`)
	d.arrive("b", "12345")
	if got, want := expected(t, d.e, "b"), `play 1 music false  tone 0 joined "" joins "" alone false fresh true`; got != want {
		t.Errorf("in the greeting: expected\n%s, want\n%s", got, want)
	}
}
