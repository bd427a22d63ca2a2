package acd_test

import (
	"testing"
	"time"

	"hotline/internal/acd"
)

// Who is here when the hotline drains is served; who comes hears so, and counts.
func TestDrain(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("talks", "9")
	d.talk("talks", 1, "1")
	d.arrive("waits", "9")
	d.do(acd.Drain{Prompts: []string{"busy-later"}})
	d.do(acd.CallArrived{Call: "late", Node: "a1", Entry: "9"})
	if s := d.e.Snapshot(d.now); s.Idle() || len(s.Calls) != 3 {
		t.Errorf("the calls are %+v", s.Calls)
	}
	d.do(acd.CallPlayed{Call: "late"})
	d.wantRecord(acd.Overflowed, acd.Shed, 0, 0)
	d.do(acd.CallGone{Call: "talks"})
	d.after(time.Minute, acd.Tick{})
	d.talk("waits", 1, "1")
	d.do(acd.CallGone{Call: "waits"})
	if s := d.e.Snapshot(d.now); !s.Idle() {
		t.Errorf("left are %+v", s.Calls)
	}
}
