package traffic

import (
	"cmp"
	"slices"
	"time"

	"hotline/internal/acd"
)

// Peaks are the most calls at one time: in progress, and waiting in queues.
type Peaks struct {
	Calls     int       `json:"calls"`
	CallsAt   time.Time `json:"calls_at,omitzero"` // when that was first reached
	Waiting   int       `json:"waiting"`
	WaitingAt time.Time `json:"waiting_at,omitzero"`
}

// PeakMeter finds the peaks of a period from the records of the calls in it.
type PeakMeter struct {
	from, to       time.Time
	calls, waiting []turn
}

// turn is a moment at which a call comes or goes.
type turn struct {
	at time.Time
	by int
}

// NewPeakMeter makes a meter for a period, its end not included.
func NewPeakMeter(from, to time.Time) *PeakMeter { return &PeakMeter{from: from, to: to} }

// Add adds a call. A call counts from its arrival to its end, and as waiting from
// the queue until it was answered, left the queues, or ended.
func (m *PeakMeter) Add(r acd.CallRecord) {
	m.span(&m.calls, r.Arrived, r.Ended)
	if r.Offered() {
		m.span(&m.waiting, r.Queued, r.Queued.Add(r.Wait()))
	}
}

// Carried is a call that was going on when the period began and counts for an earlier one.
type Carried struct {
	Call         acd.CallID `json:"call"`
	Until        time.Time  `json:"until"`                  // it ended
	WaitingUntil time.Time  `json:"waiting_until,omitzero"` // if it was waiting still
}

// Carry says what of a call of an earlier period lies in this one; false when nothing
// does. It does not add it.
func (m *PeakMeter) Carry(r acd.CallRecord) (Carried, bool) {
	if !r.Ended.After(m.from) {
		return Carried{}, false
	}
	c := Carried{Call: r.Call, Until: r.Ended.UTC()} // see SplitStint
	if end := r.Queued.Add(r.Wait()); r.Offered() && end.After(m.from) {
		c.WaitingUntil = end.UTC()
	}
	return c, true
}

// AddCarried adds a call of an earlier period.
func (m *PeakMeter) AddCarried(c Carried) {
	m.span(&m.calls, m.from, c.Until)
	if !c.WaitingUntil.IsZero() {
		m.span(&m.waiting, m.from, c.WaitingUntil)
	}
}

func (m *PeakMeter) span(turns *[]turn, from, to time.Time) {
	if !from.Before(m.to) || !to.After(m.from) {
		return
	}
	if from.Before(m.from) {
		from = m.from
	}
	*turns = append(*turns, turn{from, 1}, turn{to, -1})
}

// Peaks are those of the calls that were added.
func (m *PeakMeter) Peaks() Peaks {
	var p Peaks
	p.Calls, p.CallsAt = highest(m.calls)
	p.Waiting, p.WaitingAt = highest(m.waiting)
	p.CallsAt, p.WaitingAt = p.CallsAt.UTC(), p.WaitingAt.UTC() // see SplitStint
	return p
}

// highest is the most that are there at one time. Who goes at the moment at which
// another comes is gone.
func highest(turns []turn) (most int, at time.Time) {
	slices.SortFunc(turns, func(a, b turn) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.by, b.by)) })
	present := 0
	for _, t := range turns {
		if present += t.by; present > most {
			most, at = present, t.at
		}
	}
	return most, at
}
