package faults

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotline/internal/acd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// caller dialled at a second, was rung at the second by an agent who lifted, and talked soon after.
func caller(number string, dialled, rung float64) *person {
	at := func(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }
	a := &agent{id: "1001"}
	r := &ring{agent: a, from: at(rung), to: at(rung + 5), answered: true}
	return &person{number: number, placed: at(dialled), rings: []*ring{r}, talk: &talk{agent: a, from: at(rung + 1), to: at(rung + 5)}, fate: served, ended: at(rung + 5)}
}

func crowdOf(people ...*person) *crowd {
	return &crowd{order: people, faulted: noon}
}

func record(p *person) acd.CallRecord {
	return acd.CallRecord{Caller: p.number, Node: "a1", Arrived: p.placed, Result: acd.Answered, Reason: acd.CallerHungUp}
}

func recordsOf(people ...*person) map[string][]acd.CallRecord {
	found := map[string][]acd.CallRecord{}
	for _, p := range people {
		found[p.number] = append(found[p.number], record(p))
	}
	return found
}

func TestWhoIsOvertakenHasLostThePlace(t *testing.T) {
	first, second := caller("13051800000", 0, 10), caller("13051800001", 2, 5)
	r := Result{}
	crowdOf(first, second).account(recordsOf(first, second), excuse{Silent: time.Second}, &r)
	if r.LostPlace != 1 || !strings.Contains(strings.Join(r.Notes, "\n"), "was overtaken") {
		t.Errorf("%+v", r)
	}
	// Whose phone is being rung for when the other's agent is free is not overtaken, nor
	// who was rung for in vain at that moment.
	first.rings = append([]*ring{{agent: first.talk.agent, from: noon.Add(4 * time.Second), to: noon.Add(6 * time.Second)}}, first.rings...)
	r = Result{}
	crowdOf(first, second).account(recordsOf(first, second), excuse{Silent: time.Second}, &r)
	if r.LostPlace != 0 {
		t.Errorf("rung for: %+v", r)
	}
	// Who came at the same time is equal.
	third, fourth := caller("13051800002", 0, 10), caller("13051800003", 0.2, 5)
	r = Result{}
	crowdOf(third, fourth).account(recordsOf(third, fourth), excuse{Silent: time.Second}, &r)
	if r.LostPlace != 0 {
		t.Errorf("at the same time: %+v", r)
	}
}

func TestEveryCallHasOneRecord(t *testing.T) {
	people := []*person{caller("13051800000", 0, 10), caller("13051800001", 1, 11), caller("13051800002", 2, 12), caller("13051800003", 3, 13)}
	found := recordsOf(people[1], people[1], people[2], people[3])
	found["13051800002"][0].Result = acd.Abandoned
	found["13051800003"][0].Arrived = noon.Add(20 * time.Second)
	r := Result{Limit: time.Second}
	crowdOf(people...).account(found, excuse{Silent: time.Second}, &r)
	if r.RecordsLost != 1 || r.RecordsDouble != 1 || r.RecordsWrong != 1 || r.LostPlace != 1 || r.Served != 4 {
		t.Errorf("%+v", r)
	}
	if r.judge(); r.OK {
		t.Error("it counts as ok")
	}
	// What Redis has forgotten may be missing.
	r = Result{}
	crowdOf(people[0]).account(nil, excuse{Silent: time.Second, Forgotten: noon.Add(time.Minute)}, &r)
	if r.RecordsLost != 0 {
		t.Errorf("forgotten: %+v", r)
	}
}

func TestCallsOfADeadNodeMayBeDropped(t *testing.T) {
	p := caller("13051800000", 0, 10)
	p.fate, p.why = torn, "gone"
	died := excuse{Silent: time.Second, Deaths: []death{{"a1", noon.Add(12 * time.Second)}}}
	for _, c := range []struct {
		ex            excuse
		dropped, died int
	}{
		{excuse{Silent: time.Second}, 1, 0},
		{died, 0, 1},
		{excuse{Silent: time.Second, Deaths: []death{{"a2", noon.Add(12 * time.Second)}}}, 1, 0},
		{excuse{Silent: time.Second, Deaths: []death{{"a1", noon.Add(time.Minute)}}}, 1, 0},
	} {
		r := Result{}
		crowdOf(p).account(recordsOf(p), c.ex, &r)
		if r.Dropped != c.dropped || r.Died != c.died {
			t.Errorf("%+v: %+v", c.ex, r)
		}
	}
}

func TestSilenceAndGaps(t *testing.T) {
	p := caller("13051800000", 0, 10)
	p.talk.silent = 2 * time.Second
	c := crowdOf(p)
	c.gaps = []gap{{"1001", time.Second, noon}, {"1002", 3 * time.Second, noon}, {"1003", 2 * time.Second, noon}}
	c.usual = 5 * time.Second
	r := Result{Limit: 2500 * time.Millisecond}
	c.account(recordsOf(p), excuse{Silent: 3 * time.Second}, &r)
	if r.judge(); r.AudioBroken != 0 || r.Resumed != 3*time.Second || !r.OK {
		t.Errorf("with one second allowed for a busy machine: %+v", r)
	}
	r = Result{Limit: 1500 * time.Millisecond}
	c.account(recordsOf(p), excuse{Silent: time.Second}, &r)
	if r.judge(); r.AudioBroken != 1 || r.OK {
		t.Errorf("%+v", r)
	}
}

// A node that could not be reached: who was there could not be served or heard
// meanwhile, and nobody else is excused.
func TestAbsenceOfANode(t *testing.T) {
	gone := func(node acd.NodeID, from, to float64) excuse {
		at := func(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }
		return excuse{Silent: time.Second, Absences: []absence{{node, at(from), at(to)}}}
	}
	for _, c := range []struct {
		ex            excuse
		silent        time.Duration // of the first
		place, broken int
	}{
		// The second came 2 s later and was rung at 5 s, the first at 10 s.
		{excuse{Silent: time.Second}, 4 * time.Second, 1, 1},
		{gone("a1", 3, 9), 8 * time.Second, 0, 0},
		{gone("a1", 3, 9), 10 * time.Second, 0, 1},
		{gone("a1", 0, 3), 4 * time.Second, 0, 0},
		{gone("a1", 0, 1), 4 * time.Second, 1, 0},
		{gone("a1", 6, 9), 4 * time.Second, 1, 0},
		{gone("a2", 3, 9), 4 * time.Second, 1, 1},
	} {
		first, second := caller("13051800000", 0, 10), caller("13051800001", 2, 5)
		first.talk.silent = c.silent
		r := Result{}
		crowdOf(first, second).account(recordsOf(first, second), c.ex, &r)
		if r.LostPlace != c.place || r.AudioBroken != c.broken {
			t.Errorf("%+v: lost place %d, audio broken %d, want %d and %d", c.ex.Absences, r.LostPlace, r.AudioBroken, c.place, c.broken)
		}
	}
}

// Where there can be no hosts, rows on them say why they are not run.
func TestRowsOnHostsAreSkipped(t *testing.T) {
	var got []Result
	err := Run(t.Context(), Options{Names: []string{"leader-host-cut"}, NoHosts: "not permitted"}, func(r Result) { got = append(got, r) })
	if err != nil || len(got) != 1 || got[0].Skipped != "not permitted" || !got[0].OK {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestRowsAreDescribed: every row has what it needs, and a name of its own.
func TestRowsAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Name == "" || r.Fault == "" || r.Limit <= 0 || r.Inject == nil || seen[r.Name] || r.Setup.Hosts && (r.Setup.RedisWire || r.Setup.ARIWire) {
			t.Errorf("row %+v", r.Name)
		}
		seen[r.Name] = true
	}
	if err := Run(t.Context(), Options{Names: []string{"nosuch"}}, nil); err == nil || !strings.Contains(err.Error(), "kill-standby") {
		t.Errorf("an unknown row: %v", err)
	}
}
