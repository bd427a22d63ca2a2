package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Scenario is what happens round the engine. Probabilities are 0 to 1.
type Scenario struct {
	Name     string
	Title    string // for people
	Routing  acd.Config
	Traffic  traffic.Options // what the figures go by, unless Options have definitions
	Location *time.Location

	// From is the first day, Days how many there are.
	From calendar.Day
	Days int
	// WarmUp is cut off the beginning of the figures: whole quarter-hours.
	WarmUp time.Duration

	Arrivals []Arrivals
	Callers  Callers
	Switch   Switch
	Agents   Agents
	Partners Partners
	Shifts   []Shift
	// Duties are times of work besides those of the shifts.
	Duties []Duty
}

// Arrivals are callers who dial one entry. Exactly one of CallsPerDay,
// PerSecond and Times is given.
type Arrivals struct {
	Entry string // the number that is dialled

	// CallsPerDay is the mean number of callers on an average day: a Poisson
	// process whose rate follows the weights. Weights are relative; none
	// means that all are alike.
	CallsPerDay float64
	Hours       []float64 // 24 weights of hours, or 96 of quarter-hours
	Weekdays    []float64 // 7, Monday first
	Months      []float64 // 12
	// DayCV varies whole days: the coefficient of variation of a factor
	// with mean 1 (gamma) that is drawn for each day.
	DayCV float64

	// PerSecond is a constant rate between two instants, counted from the
	// beginning of the scenario.
	PerSecond float64
	Begin     time.Duration
	End       time.Duration

	// Times are recorded arrivals, counted from the beginning of the
	// scenario, in order.
	Times []time.Duration
}

// Callers is how callers behave.
type Callers struct {
	// Patience is how long a caller waits in the queue before giving up.
	Patience Distribution
	// Talk is how long caller and agent talk.
	Talk Distribution
	// HangsUpFirst is the share of conversations that the caller ends.
	HangsUpFirst float64
	// LeavesInGreeting is the share of callers who hang up while the
	// greeting is played.
	LeavesInGreeting float64
	Redial           Redial
	Callback         CalledBack
}

// Redial is what callers do who gave up, or found the lines busy. They call
// from the same number.
type Redial struct {
	Probability float64
	// Refused is the probability for those whom the hotline sent away: by the
	// rules of a queue, outside its hours, or because the storm is too strong.
	Refused float64
	Delay   Distribution // nil when both are 0
	// Most bounds how often one caller dials again.
	Most int
}

// CalledBack is what callers do when a callback is offered to them, and when
// their phone rings for it.
type CalledBack struct {
	// Takes is the share of those to whom a callback is offered who press the
	// key for it. They do so Delay after the offer begins, if they still wait.
	Takes float64
	Delay Distribution // nil when Takes is 0
	// Answers is the share of attempts that the person answers, after Lifts.
	// A person who is calling the hotline at that moment is busy.
	Answers float64
	Lifts   Distribution // nil: at once
}

// Switch is how long Asterisk and the lines to it take.
type Switch struct {
	// RingDelay: from the engine's offer until the phone rings.
	RingDelay time.Duration
	// ConnectDelay: from the engine's command until both are in one bridge.
	ConnectDelay time.Duration
	// HangUpDelay: from the engine's command until a channel has gone.
	HangUpDelay time.Duration
	// Prompt is the length of a prompt that Prompts does not name.
	Prompt  time.Duration
	Prompts map[string]time.Duration
	// Lines is how many callers the trunk carries at once; further ones
	// find it busy. 0: any number.
	Lines int
}

// Agents is how agents behave.
type Agents struct {
	// Answer is how long an agent lets the phone ring. Longer than the
	// queue's ring timeout is no answer.
	Answer Distribution
	// NoAnswer, Refuse and Unreachable are the shares of offers that the
	// agent does not hear, declines, or whose phone does not reply.
	NoAnswer    float64
	Refuse      float64
	Unreachable float64
	// Back is how long an agent whom the engine set aside takes to become
	// ready again.
	Back Distribution
	// ReadyAfterLogin is the time between login and ready.
	ReadyAfterLogin time.Duration
}

// Shift is when agents work. Each one logs in at a free seat.
type Shift struct {
	Name   string
	Agents []acd.AgentID
	// Begin and End are times of the day. An end not after the begin is
	// that of the following day; both 0 is the whole day.
	Begin, End time.Duration
	// Weekdays on which the shift begins, Monday first.
	Weekdays [7]bool
	Breaks   []Break
}

// Duty is a time of work of one agent, counted from the scenario's beginning.
// The agent logs in at a free seat, and works on where two duties touch.
type Duty struct {
	Agent      acd.AgentID
	Begin, End time.Duration
}

// Break is a time not ready within a shift.
type Break struct {
	Reason string // one of the routing's reasons for not ready
	// After is when it begins, from the begin of the shift; each agent's
	// begins up to Spread later.
	After, Spread time.Duration
	Length        time.Duration
}

// length is how long the shift lasts.
func (s Shift) length() time.Duration {
	if s.End > s.Begin {
		return s.End - s.Begin
	}
	return s.End + 24*time.Hour - s.Begin
}

// MostDays is how long a scenario may be.
const MostDays = 3660

// Check says what makes the scenario impossible to run. Whoever reads a
// scenario from a file finds most mistakes before, with their places.
func (s *Scenario) Check() error {
	if s.Location == nil || s.From.IsZero() {
		return errors.New("a scenario needs a time zone and a first day")
	}
	if s.Days < 1 || s.Days > MostDays {
		return fmt.Errorf("%d days are out of range (1 to %d)", s.Days, MostDays)
	}
	if s.WarmUp < 0 || s.WarmUp%calendar.IntervalLength != 0 || s.WarmUp >= time.Duration(s.Days)*24*time.Hour {
		return fmt.Errorf("a warm-up of %v is not possible: whole quarter-hours, less than the scenario", s.WarmUp)
	}
	for i := range s.Arrivals {
		if err := s.Arrivals[i].check(); err != nil {
			return fmt.Errorf("arrivals of %s: %w", s.Arrivals[i].Entry, err)
		}
		if !slices.ContainsFunc(s.Routing.Entries, func(e acd.Entry) bool { return e.Number == s.Arrivals[i].Entry }) {
			return fmt.Errorf("arrivals dial %s, which the routing does not have", s.Arrivals[i].Entry)
		}
	}
	if err := errors.Join(s.checkPeople(), s.checkSwitch()); err != nil {
		return err
	}
	return s.checkShifts()
}

func (a *Arrivals) check() error {
	given := 0
	for _, is := range []bool{a.CallsPerDay != 0, a.PerSecond != 0, a.Times != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("exactly one of calls a day, calls a second and recorded times is needed")
	}
	if !(a.CallsPerDay >= 0 && a.CallsPerDay <= 1e8) || !(a.PerSecond >= 0 && a.PerSecond <= 10_000) || !(a.DayCV >= 0 && a.DayCV <= 10) {
		return errors.New("a rate or variation is out of range")
	}
	if a.PerSecond > 0 && !(0 <= a.Begin && a.Begin < a.End) {
		return errors.New("the end is not after the begin")
	}
	if !slices.IsSorted(a.Times) {
		return errors.New("the recorded times are not in order")
	}
	if n := len(a.Hours); n != 0 && n != 24 && n != 96 {
		return fmt.Errorf("%d weights of the day: 24 or 96 are needed", n)
	}
	if n := len(a.Weekdays); n != 0 && n != 7 {
		return fmt.Errorf("%d weights of weekdays: 7 are needed", n)
	}
	if n := len(a.Months); n != 0 && n != 12 {
		return fmt.Errorf("%d weights of months: 12 are needed", n)
	}
	for _, weights := range [][]float64{a.Hours, a.Weekdays, a.Months} {
		sum := 0.0
		for _, w := range weights {
			if !(w >= 0 && w <= 1e9) {
				return fmt.Errorf("a weight of %v is out of range", w)
			}
			sum += w
		}
		if len(weights) > 0 && sum == 0 {
			return errors.New("all weights are 0")
		}
	}
	return nil
}

func (s *Scenario) checkPeople() error {
	c, a := s.Callers, s.Agents
	for _, d := range []struct {
		what string
		d    Distribution
	}{
		{"callers' patience", c.Patience}, {"talk", c.Talk}, {"redial delay", c.Redial.Delay},
		{"callback delay", c.Callback.Delay}, {"callback answer", c.Callback.Lifts},
		{"partners' answer", s.Partners.Answer}, {"agents' answer", a.Answer}, {"agents' coming back", a.Back},
	} {
		if d.d == nil {
			switch {
			case d.what == "redial delay" && c.Redial.Probability == 0 && c.Redial.Refused == 0,
				d.what == "callback delay" && c.Callback.Takes == 0,
				d.what == "partners' answer" && s.Partners.Takes == 0,
				d.what == "callback answer":
				continue
			}
			return fmt.Errorf("%s: a distribution is needed", d.what)
		}
		if err := d.d.check(); err != nil {
			return fmt.Errorf("%s: %w", d.what, err)
		}
	}
	for _, p := range []float64{s.Partners.Takes, c.HangsUpFirst, c.LeavesInGreeting, c.Redial.Probability, c.Redial.Refused, c.Callback.Takes, c.Callback.Answers, a.NoAnswer, a.Refuse, a.Unreachable, a.NoAnswer + a.Refuse + a.Unreachable} {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("a probability of %v is out of range (0 to 1)", p)
		}
	}
	if c.Redial.Most < 0 || a.ReadyAfterLogin < 0 {
		return errors.New("a bound of redials or a time before ready is negative")
	}
	return nil
}

func (s *Scenario) checkSwitch() error {
	w := s.Switch
	for _, d := range []time.Duration{w.RingDelay, w.ConnectDelay, w.HangUpDelay, w.Prompt} {
		if err := notNegative(d); err != nil {
			return fmt.Errorf("switch: %w", err)
		}
	}
	if w.Lines < 0 {
		return errors.New("switch: a negative number of lines")
	}
	return nil
}

func (s *Scenario) checkShifts() error {
	for _, d := range s.Duties {
		if !s.hasAgent(d.Agent) {
			return fmt.Errorf("a duty: the routing has no agent %s", d.Agent)
		}
		if d.Begin < 0 || d.End <= d.Begin {
			return fmt.Errorf("a duty of agent %s ends before it begins, or begins before the scenario", d.Agent)
		}
	}
	for _, shift := range s.Shifts {
		if shift.Begin < 0 || shift.Begin >= 24*time.Hour || shift.End < 0 || shift.End > 24*time.Hour {
			return fmt.Errorf("shift %s: begin and end are times of the day", shift.Name)
		}
		for _, id := range shift.Agents {
			if !s.hasAgent(id) {
				return fmt.Errorf("shift %s: the routing has no agent %s", shift.Name, id)
			}
		}
		for _, b := range shift.Breaks {
			if !slices.ContainsFunc(s.Routing.NotReadyReasons, func(r acd.NotReadyReason) bool { return r.Name == b.Reason }) {
				return fmt.Errorf("shift %s: the routing has no reason %q for not ready", shift.Name, b.Reason)
			}
			if b.After < 0 || b.Spread < 0 || b.Length <= 0 || b.After+b.Spread >= shift.length() {
				return fmt.Errorf("shift %s: the break %s does not lie within the shift", shift.Name, b.Reason)
			}
		}
	}
	return nil
}

func (s *Scenario) hasAgent(id acd.AgentID) bool {
	return slices.ContainsFunc(s.Routing.Agents, func(a acd.Agent) bool { return a.ID == id })
}
