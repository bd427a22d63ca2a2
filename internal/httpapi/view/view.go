// Package view is the JSON of the API: what internal/httpapi writes and
// internal/apiclient reads. The engine's types enter, with phone numbers
// masked and durations in seconds they leave. It imports acd and alert only.
package view

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/alert"
)

// Seconds is a duration that JSON shows as seconds with three decimals.
type Seconds time.Duration

// MarshalJSON writes for example 12.500.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', 3, 64), nil
}

// UnmarshalJSON reads a number of seconds.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	var f float64
	if err := json.Unmarshal(data, &f); err != nil {
		return fmt.Errorf("seconds: %w", err)
	}
	*s = Seconds(math.Round(f*1000)) * Seconds(time.Millisecond)
	return nil
}

// Duration is the value for computing.
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// Snapshot is everything at one moment.
type Snapshot struct {
	At        time.Time           `json:"at"`
	Queues    []Queue             `json:"queues"`
	Agents    []Agent             `json:"agents"`
	Calls     []Call              `json:"calls"`
	Callbacks []Callback          `json:"callbacks"`
	Partners  []acd.PartnerStatus `json:"partners"`
	Blocked   []Blocked           `json:"blocked"`
	Emergency []string            `json:"emergency"` // prompts; none: there is no emergency announcement
	Alerts    []alert.Alert       `json:"alerts"`    // none, unless who has made the snapshot adds them
}

// Callback is a callback that has not ended.
type Callback struct {
	ID        acd.CallbackID    `json:"callback"`
	Number    string            `json:"number"` // masked
	Queue     acd.QueueID       `json:"queue"`
	State     acd.CallbackState `json:"state"`
	Missed    bool              `json:"missed"` // gave up, and did not ask for it
	Requested time.Time         `json:"requested"`
	Waits     Seconds           `json:"waits"` // since it was requested
	Attempts  int               `json:"attempts"`
	Next      time.Time         `json:"next,omitzero"`
	Expires   time.Time         `json:"expires,omitzero"`
	Last      acd.OfferOutcome  `json:"last,omitempty"` // how the last attempt failed
	Call      acd.CallID        `json:"call,omitempty"`
}

// Blocked is a caller who is kept out.
type Blocked struct {
	Number string    `json:"number"` // masked
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // missing: until it is lifted
}

// Emergency is the announcement that every caller hears first.
type Emergency struct {
	Prompts []string `json:"prompts"`
}

// PromptName reports whether text can name a prompt.
func PromptName(text string) bool {
	return text != "" && len(text) <= 64 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Queue is a queue now.
type Queue struct {
	ID          acd.QueueID `json:"queue"`
	Title       string      `json:"title"`
	Waiting     int         `json:"waiting"` // including those for whom a phone rings
	LongestWait Seconds     `json:"longest_wait"`
	// WaitingSince is when the longest wait began.
	WaitingSince time.Time              `json:"waiting_since,omitzero"`
	Talking      int                    `json:"talking"`
	Agents       map[acd.AgentState]int `json:"agents"` // by state
	// SinceStart counts since the controller started; the day's figures are
	// those of traffic/today.
	SinceStart acd.QueueCounts `json:"since_start"`
	Open       bool            `json:"open"` // by its hours
	// ExpectedWait is that of somebody who came now, rounded; nil: nobody works.
	ExpectedWait *Seconds `json:"expected_wait"`
}

// Agent is an agent now.
type Agent struct {
	ID         acd.AgentID    `json:"agent"`
	Name       string         `json:"name"`
	Queues     []acd.QueueID  `json:"queues"`
	Seat       acd.SeatID     `json:"seat,omitempty"`
	State      acd.AgentState `json:"state"`
	Since      time.Time      `json:"since,omitzero"`
	InState    Seconds        `json:"in_state"` // how long in this state; 0 when unknown
	Reason     string         `json:"reason,omitempty"`
	Pending    string         `json:"pending,omitempty"`
	Call       acd.CallID     `json:"call,omitempty"`
	WrapUpEnds time.Time      `json:"wrap_up_ends,omitzero"`
	Answered   int            `json:"answered"` // since login
	// Levels, in all Queues, and Skills are what callers are matched by.
	Levels   map[acd.QueueID]acd.Level `json:"levels"`
	Skills   map[acd.SkillID]acd.Level `json:"skills"`
	Assigned bool                      `json:"assigned"` // by a supervisor, in the place of what the configuration says
}

// Call is a call in progress.
type Call struct {
	ID       acd.CallID    `json:"call"`
	Node     acd.NodeID    `json:"node"`
	Entry    string        `json:"entry"`
	Caller   string        `json:"caller"` // masked
	Queue    acd.QueueID   `json:"queue,omitempty"`
	Phase    acd.CallPhase `json:"phase"`
	Arrived  time.Time     `json:"arrived"`
	Queued   time.Time     `json:"queued,omitzero"`
	Answered time.Time     `json:"answered,omitzero"`
	Wait     Seconds       `json:"wait"`             // in the queue, until answered
	Talk     Seconds       `json:"talk"`             // until the agent left
	OnHold   time.Time     `json:"on_hold,omitzero"` // the agent holds the caller since then
	Hold     Seconds       `json:"hold,omitzero"`    // of the talk, also now
	Agent    acd.AgentID   `json:"agent,omitempty"`
	Seat     acd.SeatID    `json:"seat,omitempty"`
	Priority int           `json:"priority"`          // points: those that it was given, or its entry's
	Offers   int           `json:"offers"`            // how many agents it was offered to
	Partner  acd.PartnerID `json:"partner,omitempty"` // who is rung for it or has it
}

// Traffic is the part of /api/v1/traffic/today and /api/v1/traffic/days/{day}
// that live displays and accounts need.
type Traffic struct {
	Day  string  `json:"day"`
	Site Figures `json:"site"`
}

// Figures are those of the finished calls of a day. A rate or average keeps the
// decimals with which it is published, and is nil when it has no denominator.
type Figures struct {
	Offered     int64        `json:"offered"`
	Answered    int64        `json:"answered"`
	Abandoned   int64        `json:"abandoned"`
	NotOffered  int64        `json:"not_offered"`  // ended before they entered a queue
	RONA        int64        `json:"rona"`         // offers, not calls
	ConnectRate *json.Number `json:"connect_rate"` // per cent
	AverageWait *json.Number `json:"average_wait"` // seconds
	AverageTalk *json.Number `json:"average_talk"` // seconds
}

// Problem is an error as RFC 9457 defines it, with a code for programs and,
// where several things are wrong, the reasons.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Instance is a URN of this one answer; the program's log has it, too.
	Instance string   `json:"instance,omitempty"`
	Code     string   `json:"code"`
	Reasons  []string `json:"reasons,omitempty"`
}

// Of shows a snapshot of the engine.
func Of(s acd.Snapshot) Snapshot {
	out := Snapshot{
		At:        s.At,
		Queues:    make([]Queue, 0, len(s.Queues)),
		Agents:    make([]Agent, 0, len(s.Agents)),
		Calls:     make([]Call, 0, len(s.Calls)),
		Callbacks: make([]Callback, 0, len(s.Callbacks)),
		Partners:  append([]acd.PartnerStatus{}, s.Partners...),
		Blocked:   make([]Blocked, 0, len(s.Blocks)),
		Emergency: append([]string{}, s.Emergency...),
		Alerts:    []alert.Alert{},
	}
	for _, q := range s.Queues {
		out.Queues = append(out.Queues, queue(q, s.At))
	}
	for _, a := range s.Agents {
		out.Agents = append(out.Agents, agent(a, s.At))
	}
	for _, c := range s.Calls {
		out.Calls = append(out.Calls, call(c, s.At))
	}
	for _, b := range s.Callbacks {
		out.Callbacks = append(out.Callbacks, Callback{
			ID: b.ID, Number: acd.Mask(b.Number), Queue: b.Queue, State: b.State, Missed: b.Missed, Requested: b.Requested,
			Waits: between(b.Requested, s.At), Attempts: b.Attempts, Next: b.Next, Expires: b.Expires, Last: b.Last, Call: b.Call,
		})
	}
	for _, b := range s.Blocks {
		out.Blocked = append(out.Blocked, Blocked{Number: acd.Mask(b.Number), Reason: b.Reason, Since: b.Since, Until: b.Until})
	}
	return out
}

func queue(q acd.QueueStatus, at time.Time) Queue {
	var since time.Time
	if q.LongestWait > 0 {
		since = at.Add(-q.LongestWait).Round(0)
	}
	return Queue{
		ID: q.Queue, Title: q.Title, Waiting: q.Waiting, LongestWait: Seconds(q.LongestWait), WaitingSince: since, Talking: q.Talking,
		Agents: q.Agents, SinceStart: q.Counts, Open: q.Open, ExpectedWait: roundly(q.ExpectedWait),
	}
}

// roundly rounds an expected wait to what it can say: to 5 s below a minute, to 15 s below
// ten minutes, to minutes from then on.
func roundly(wait *time.Duration) *Seconds {
	if wait == nil {
		return nil
	}
	step := time.Minute
	switch {
	case *wait < time.Minute:
		step = 5 * time.Second
	case *wait < 10*time.Minute:
		step = 15 * time.Second
	}
	rounded := Seconds(wait.Round(step))
	return &rounded
}

// levels are never null in JSON.
func levels[K comparable](m map[K]acd.Level) map[K]acd.Level {
	if m == nil {
		return map[K]acd.Level{}
	}
	return m
}

func agent(a acd.AgentStatus, at time.Time) Agent {
	return Agent{
		ID: a.Agent, Name: a.Name, Queues: a.Queues, Seat: a.Seat, State: a.State, Since: a.Since, InState: between(a.Since, at),
		Reason: a.Reason, Pending: a.Pending, Call: a.Call, WrapUpEnds: a.WrapUpEnds, Answered: a.Answered,
		Levels: levels(a.Levels), Skills: levels(a.Skills), Assigned: a.Assigned != nil,
	}
}

func call(c acd.CallStatus, at time.Time) Call {
	waitEnds := at
	if !c.Answered.IsZero() {
		waitEnds = c.Answered
	}
	var partner acd.PartnerID
	if c.Referral != nil {
		partner = c.Referral.Partner
	}
	if n := len(c.Visits); n > 0 && (c.Phase == acd.PhaseAway || c.Phase == acd.PhaseClosing) {
		waitEnds = c.Visits[n-1].Left
	}
	talkEnds, hold := at, Seconds(c.Hold)
	if c.Rating != nil {
		talkEnds = c.Rating.Since
	}
	if c.Phase == acd.PhaseTalking {
		hold += between(c.OnHold, at)
	}
	return Call{
		ID: c.Call, Node: c.Node, Entry: c.Entry, Caller: acd.Mask(c.Caller), Queue: c.Queue, Phase: c.Phase,
		Arrived: c.Arrived, Queued: c.Queued, Answered: c.Answered,
		Wait: between(c.Queued, waitEnds), Talk: between(c.Answered, talkEnds), OnHold: c.OnHold, Hold: hold,
		Agent: c.Agent, Seat: c.Seat, Priority: c.Priority, Offers: len(c.Offers), Partner: partner,
	}
}

// between is 0 when the beginning is unknown or lies ahead.
func between(from, to time.Time) Seconds {
	if from.IsZero() {
		return 0
	}
	return Seconds(max(to.Sub(from), 0))
}
