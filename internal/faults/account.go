package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hotline/internal/acd"
	"hotline/internal/lab"
	"hotline/internal/recordfile"
)

const (
	// arrivalTolerance is by how much a record's time of arrival may differ from that
	// of the caller's phone.
	arrivalTolerance = time.Second
	// orderTolerance: who dialled closer together than this, or was rung, came at the
	// same time.
	orderTolerance = 300 * time.Millisecond
)

// records are the call records in Redis by caller's number.
func records(ctx context.Context, l *lab.Lab) (map[string][]acd.CallRecord, error) {
	days := l.Days()
	path := filepath.Join(l.Dir, "records.ndjson")
	if err := os.RemoveAll(path); err != nil {
		return nil, err
	}
	if _, err := l.Hotline(ctx, "calls", "export", path, "--from", days[0].String(), "--to", days[len(days)-1].String()); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found := map[string][]acd.CallRecord{}
	_, err = recordfile.Read(file, recordfile.Want{Location: l.Config.Location}, func(e recordfile.Entry) error {
		if e.Call != nil {
			found[e.Call.Caller] = append(found[e.Call.Caller], *e.Call)
		}
		return nil
	})
	return found, err
}

// excuse says what a row allows beyond what every row does.
type excuse struct {
	// Deaths of nodes: calls that were there may be dropped.
	Deaths []death
	// Forgotten: records of calls that ended before may be lost, with the data of Redis.
	Forgotten time.Time
	// Shed: callers may be turned away with this reason.
	Shed bool
	// Order, where above orderTolerance, is how close together callers may come to be
	// taken as equal.
	Order time.Duration
	// Silent is how long a conversation may be without audio.
	Silent time.Duration
	// Absences of nodes: nobody there is heard meanwhile, nor can be served.
	Absences []absence
}

// absence is a time in which a node could not be reached, and went on by itself.
type absence struct {
	node     acd.NodeID
	from, to time.Time
}

// backSoon is how long after an absence the hotline may take to go on with who is there.
const backSoon = 3 * time.Second

// silent is how long a conversation may be without audio.
func (ex excuse) silent(list []acd.CallRecord) time.Duration {
	allowed := ex.Silent
	for _, a := range ex.Absences {
		if len(list) > 0 && list[0].Node == a.node {
			allowed = max(allowed, a.to.Sub(a.from)+backSoon)
		}
	}
	return allowed
}

// outOfReach reports whether a call was at a node that could not be reached at that moment.
func (ex excuse) outOfReach(list []acd.CallRecord, at time.Time) bool {
	return len(list) > 0 && slices.ContainsFunc(ex.Absences, func(a absence) bool {
		return a.node == list[0].Node && at.After(a.from) && at.Before(a.to.Add(backSoon))
	})
}

// death is a moment at which a node was killed.
type death struct {
	node acd.NodeID
	at   time.Time
}

// died reports whether a call was at a node that was killed.
func (ex excuse) died(p *person, list []acd.CallRecord) bool {
	return len(list) > 0 && slices.ContainsFunc(ex.Deaths, func(d death) bool {
		return d.node == list[0].Node && p.placed.Before(d.at.Add(diesSoon)) && (p.ended.IsZero() || p.ended.After(d.at))
	})
}

// diesSoon is how long after a node was killed a call may have been placed that it had
// taken before.
const diesSoon = 500 * time.Millisecond

// account compares what the phones have seen with the records, and fills in the result.
func (c *crowd) account(found map[string][]acd.CallRecord, ex excuse, r *Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.order {
		list := found[p.number]
		c.accountCall(p, list, ex, r)
		c.accountRecord(p, list, ex, r)
	}
	for _, late := range c.overtaken(found, ex) {
		r.LostPlace++
		r.note("%s", late)
	}
	for _, g := range c.gaps {
		if g.took > r.Resumed {
			r.Resumed = g.took
			r.resumedAt, r.resumedAgent = g.at, g.agent
		}
	}
	r.Usual = c.usual
	if r.Resumed > 0 {
		r.note("the longest gap was that of agent %s, rung %s after the fault", r.resumedAgent, c.sinceFault(r.resumedAt))
	}
	r.Notes = append(r.Notes, c.notes...)
}

// accountCall looks at what became of a call as its phone saw it.
func (c *crowd) accountCall(p *person, list []acd.CallRecord, ex excuse, r *Result) {
	died := ex.died(p, list)
	turnedAway := ex.Shed && (p.extra && p.fate == refused || len(list) > 0 && list[0].Reason == acd.Shed)
	switch p.fate {
	case served:
		r.Served++
	case torn, dropped, mute, refused:
		switch {
		case died:
			r.Died++
		case turnedAway && p.talk == nil:
			r.Shed++
		default:
			r.Dropped++
			r.note("caller %s was dropped %s after dialling (%s after the fault): %s", acd.Mask(p.number), p.ended.Sub(p.placed).Round(time.Millisecond), c.sinceFault(p.ended), p.why)
		}
	case left:
		if p.talk == nil && !p.extra {
			r.Unserved++
			r.note("caller %s, who dialled %s after the fault, was not served until the end", acd.Mask(p.number), c.sinceFault(p.placed))
		}
	}
	if t := p.talk; t != nil && !died && p.fate != torn && (t.during || t.from.After(c.faulted)) && t.silent > ex.silent(list) {
		r.AudioBroken++
		r.note("a conversation of agent %s had no audio one way for %s", t.agent.id, t.silent.Round(time.Millisecond))
	}
}

func (c *crowd) sinceFault(at time.Time) time.Duration {
	return at.Sub(c.faulted).Round(10 * time.Millisecond)
}

// accountRecord looks for the one record of a call.
func (c *crowd) accountRecord(p *person, list []acd.CallRecord, ex excuse, r *Result) {
	switch {
	case len(list) > 1:
		r.RecordsDouble++
		r.note("caller %s has %d records", acd.Mask(p.number), len(list))
	case len(list) == 0:
		if p.fate == refused || !p.ended.IsZero() && p.ended.Before(ex.Forgotten) {
			return
		}
		r.RecordsLost++
		r.note("caller %s, whose call ended %s after the fault (%s), has no record", acd.Mask(p.number), c.sinceFault(p.ended), p.fate)
	}
	for _, record := range list[:min(1, len(list))] {
		talked := p.talk != nil
		if talked != (record.Result == acd.Answered) && p.fate == served {
			r.RecordsWrong++
			r.note("caller %s talked with an agent, and the record says %s (%s)", acd.Mask(p.number), record.Result, record.Reason)
		}
		if off := record.Arrived.Sub(p.placed); off.Abs() > max(arrivalTolerance, ex.Order) {
			r.LostPlace++
			r.note("caller %s dialled %s after the fault, and the record says %s later", acd.Mask(p.number), c.sinceFault(p.placed), off.Round(time.Millisecond))
		}
	}
}

// overtaken lists the callers who were waiting, not being rung, when somebody who came
// later was rung and then answered. The crowd's mu is held.
func (c *crowd) overtaken(found map[string][]acd.CallRecord, ex excuse) (late []string) {
	tolerance := max(ex.Order, orderTolerance)
	for i, p := range c.order {
		if p.talk == nil {
			continue // told otherwise
		}
		var by *person
		for _, q := range c.order[i+1:] {
			if q.placed.After(p.talk.from) {
				break // and so came everybody after
			}
			if at := q.final(); at != nil && q.placed.Sub(p.placed) > tolerance && p.waitsAt(at.from, tolerance) && !ex.outOfReach(found[p.number], at.from) {
				by = q
				break
			}
		}
		if by != nil {
			late = append(late, fmt.Sprintf("caller %s, who dialled %s after the fault, was overtaken by %s, who dialled %s later and was rung %s after the fault",
				acd.Mask(p.number), c.sinceFault(p.placed), acd.Mask(by.number), by.placed.Sub(p.placed).Round(time.Millisecond), c.sinceFault(by.final().from)))
		}
	}
	return late
}

// final is the offer that was answered; nil when there was none.
func (p *person) final() *ring {
	if p.talk == nil {
		return nil
	}
	for _, r := range slices.Backward(p.rings) {
		if r.answered && r.agent == p.talk.agent {
			return r
		}
	}
	return nil
}

// waitsAt reports whether the caller waited at a moment, beyond doubt, and was not rung for.
func (p *person) waitsAt(at time.Time, tolerance time.Duration) bool {
	if at.Before(p.placed.Add(tolerance)) {
		return false
	}
	if !p.ended.IsZero() && p.ended.Before(at.Add(tolerance)) {
		return false
	}
	if p.talk != nil && p.talk.from.Before(at) {
		return false
	}
	for _, r := range p.rings {
		to := r.to
		if to.IsZero() {
			to = at.Add(time.Hour)
		}
		if !at.Before(r.from.Add(-tolerance)) && !at.After(to.Add(tolerance)) {
			return false
		}
	}
	return true
}
