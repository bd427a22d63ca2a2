package acd_test

import (
	"encoding/json"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// restart lets another engine go on from what is stored, with a configuration.
func (d *desk) restart(cfg acd.Config) error {
	d.t.Helper()
	data, err := json.Marshal(d.e.Save())
	if err != nil {
		d.t.Fatal(err)
	}
	var state acd.State
	if err := json.Unmarshal(data, &state); err != nil {
		d.t.Fatal(err)
	}
	e, err := acd.Restore(cfg, callflow.Standard{}, state)
	if err == nil {
		d.e = e
	}
	return err
}

func TestWhatARestartWithNewRulesDoesIsTold(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Entries[1].Skills = []acd.Requirement{{Skill: "english", Level: 5}}
	})
	d.ready("1", "801")
	d.arrive("a", "9")
	if err := d.restart(site()); err != nil { // now 9 asks for no skill
		t.Fatal(err)
	}
	d.do(acd.Tick{})
	if got := rung(d.last); got != "1" {
		t.Errorf("rung by the switch: %q", got)
	}
	if len(d.last.Changes) == 0 {
		t.Error("the store is told nothing")
	}
	wantCommands(t, d.do(acd.Tick{}), "")
}

func TestWhoLeftTheConfigurationMeanwhileGoesAfterARestart(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.ready("2", "802")
	d.arrive("a", "9")
	d.talk("a", 1, "1")
	less := site()
	less.Agents = less.Agents[2:]
	if err := d.restart(less); err != nil {
		t.Fatal(err)
	}
	d.do(acd.Tick{})
	// Agent 2 was ready: the seat is free at once. Agent 1 talks on.
	if err := d.do(acd.Login{Agent: "3", Seat: "802"}).Err; err != nil {
		t.Error(err)
	}
	d.wantState("1", acd.Talking, "")
	d.after(time.Second, acd.CallGone{Call: "a"})
	d.after(10*time.Second, acd.Tick{})
	for _, a := range d.e.Snapshot(d.now).Agents {
		if a.Agent != "3" {
			t.Errorf("still there: %+v", a)
		}
	}
}

func TestStatesThatCannotBeAreRefused(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.ready("2", "802")
	d.arrive("a", "9")
	d.talk("a", 1, "1")
	d.arrive("b", "9")
	for name, spoil := range map[string]func(*acd.State){
		"two at a seat":         func(s *acd.State) { s.Agents[1].Seat = s.Agents[0].Seat },
		"two calls of an agent": func(s *acd.State) { s.Calls[1].Offers[0].Agent = "1" },
		"unknown agent":         func(s *acd.State) { s.Calls[1].Offers[0].Agent = "9" },
		"unknown queue":         func(s *acd.State) { s.Calls[0].Queue = "x" },
		"nobody's ringing":      func(s *acd.State) { s.Calls[1].Offers = nil },
		"unknown callback":      func(s *acd.State) { s.Calls[1].Callback = "x" },
	} {
		state := d.e.Save()
		spoil(&state)
		if _, err := acd.Restore(site(), callflow.Standard{}, state); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := acd.Restore(site(), callflow.Standard{}, d.e.Save()); err != nil {
		t.Error(err)
	}
}
