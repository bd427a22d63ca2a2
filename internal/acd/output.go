package acd

import "time"

// Output is what one Step asks for, in order.
type Output struct {
	Commands []Command
	Changes  []Change
	Records  []CallRecord
	Stints   []Stint
	Measures []Measure
	// Err answers a request from a person; nil when it was granted. It is a
	// *RequestError.
	Err error
}

// reset empties the lists and lets go of what stood in them.
func (o *Output) reset() {
	clear(o.Commands)
	clear(o.Changes)
	clear(o.Records)
	clear(o.Stints)
	o.Commands, o.Changes, o.Records = o.Commands[:0], o.Changes[:0], o.Records[:0]
	o.Stints, o.Measures = o.Stints[:0], o.Measures[:0]
	o.Err = nil
}

// CallStatus is a call in progress as others may see it.
type CallStatus struct {
	Call     CallID        `json:"call"`
	Node     NodeID        `json:"node"`
	Entry    string        `json:"entry"`
	Caller   string        `json:"caller"` // unmasked; mask it where the viewer's role demands
	Queue    QueueID       `json:"queue,omitempty"`
	Phase    CallPhase     `json:"phase"`
	Arrived  time.Time     `json:"arrived"`
	Queued   time.Time     `json:"queued,omitzero"`   // when offered to the queue
	Seq      uint64        `json:"seq,omitempty"`     // order among callers who entered at the same instant
	Answered time.Time     `json:"answered,omitzero"` // when connected with the agent
	Visits   []Visit       `json:"visits,omitempty"`  // stays in queues that it has left
	Resumed  time.Time     `json:"resumed,omitzero"`  // the place of a former call that it has taken up
	Agent    AgentID       `json:"agent,omitempty"`
	Seat     SeatID        `json:"seat,omitempty"`
	Leg      LegID         `json:"leg,omitempty"`
	Offers   []OfferRecord `json:"offers,omitempty"`
	OnHold   time.Time     `json:"on_hold,omitzero"`  // the agent holds the caller since then,
	Hold     time.Duration `json:"hold_ns,omitempty"` // and has so long before, in this conversation
	// Priority is what it is served by, in points. Only a Snapshot says so.
	Priority int `json:"priority,omitempty"`

	// What a controller that takes over needs to go on.

	Callback    CallbackID   `json:"callback,omitempty"`  // the callback of which this is an attempt
	Up          bool         `json:"up,omitempty"`        // the channel has been answered
	Held        bool         `json:"held,omitempty"`      // the dialplan held the caller before a controller was there
	Recovered   bool         `json:"recovered,omitempty"` // the conversation was found at the switch; see CallRecord
	Flow        FlowState    `json:"flow,omitempty"`
	Entered     time.Time    `json:"entered,omitzero"`      // the present queue
	Place       time.Time    `json:"place,omitzero"`        // what orders it: Queued, or the place of a former call
	Resumptions int          `json:"resumptions,omitempty"` // how often that place was taken up
	Points      *int         `json:"points,omitempty"`      // the priority that it was given; nil: that of its entry
	Tried       []QueueID    `json:"tried,omitempty"`       // queues that it has come to
	Told        uint32       `json:"told,omitempty"`        // rules of the present queue that were followed, a bit each
	Announce    time.Time    `json:"announce,omitzero"`     // when it is told next where it stands
	Announcing  bool         `json:"announcing,omitempty"`  // prompts are played to it while it waits,
	Next        []string     `json:"next,omitempty"`        // and these after them
	Plays       int          `json:"plays,omitempty"`       // prompts were played so often
	Music       bool         `json:"music,omitempty"`       // hold music was started,
	Tone        int          `json:"tone,omitempty"`        // and over it this ringing tone; 0: none
	Paused      time.Time    `json:"paused,omitzero"`       // not offered until then, after a fault of its node
	Prefers     AgentID      `json:"prefers,omitempty"`     // whom alone it waits for,
	Preferred   time.Time    `json:"preferred,omitzero"`    // until then
	Lifted      time.Time    `json:"lifted,omitzero"`       // when the agent answered who is being connected
	FateResult  Result       `json:"fate_result,omitempty"` // how a call that hears a last word will have ended,
	Outcome     OfferOutcome `json:"outcome,omitempty"`     // why a caller who was called back was not reached
	FateReason  Reason       `json:"fate_reason,omitempty"` // and why
	Referral    *Referral    `json:"referral,omitempty"`    // partners who are asked to take it
	// Rating is set when the agent has left and the caller is asked for one.
	Rating *RatingStatus `json:"rating,omitempty"`
}

// AgentStatus is an agent as others may see it.
type AgentStatus struct {
	Agent      AgentID    `json:"agent"`
	Name       string     `json:"name"`
	Queues     []QueueID  `json:"queues"`
	Seat       SeatID     `json:"seat,omitempty"`
	State      AgentState `json:"state"`
	Since      time.Time  `json:"since,omitzero"`    // in this state since
	Reason     string     `json:"reason,omitempty"`  // why not ready
	Pending    string     `json:"pending,omitempty"` // "logout", or the not-ready reason that follows the present call
	Call       CallID     `json:"call,omitempty"`
	IdleSince  time.Time  `json:"idle_since,omitzero"` // orders the ready agents
	WrapUpEnds time.Time  `json:"wrap_up_ends,omitzero"`
	Answered   int        `json:"answered"` // conversations since login
	// OnContact and Idle are sums since login, without the present state:
	// talk and wrap-up, and ready.
	OnContact time.Duration `json:"on_contact_ns,omitempty"`
	// Accounted is until when the time in the present state has been told as a Stint;
	// before Since: not at all yet.
	Accounted time.Time     `json:"accounted,omitzero"`
	Idle      time.Duration `json:"idle_ns,omitempty"`
	LastOffer uint64        `json:"last_offer,omitempty"` // number of the last offer made to the agent
	// Leaving is the leg that was hung up and may still be at the phone of
	// LeavingSeat; the next offer waits until it has gone, at the latest until LeaveBy.
	Leaving     LegID     `json:"leaving,omitempty"`
	LeavingSeat SeatID    `json:"leaving_seat,omitempty"`
	LeaveBy     time.Time `json:"leave_by,omitzero"`
	// Assigned is what the agent serves in the place of what the configuration says; nil: nothing.
	Assigned *Assignment `json:"assigned,omitempty"`
	// Levels, in all Queues, and Skills are what calls are matched by. Only a Snapshot says
	// so; many share them: they must not be changed, nor does the engine.
	Levels map[QueueID]Level `json:"levels,omitempty"`
	Skills map[SkillID]Level `json:"skills,omitempty"`
}

// QueueStatus is the present state of a queue.
type QueueStatus struct {
	Queue       QueueID            `json:"queue"`
	Title       string             `json:"title"`
	Waiting     int                `json:"waiting"` // including those for whom a phone rings
	LongestWait time.Duration      `json:"longest_wait_ns"`
	Talking     int                `json:"talking"`
	Agents      map[AgentState]int `json:"agents"` // by state, those who serve the queue
	Counts      QueueCounts        `json:"counts"`
	Open        bool               `json:"open"` // by its hours
	// ExpectedWait is how long a caller would wait who came now, as an estimate that changes
	// only when something happens; nil: nobody works, so nobody can say.
	ExpectedWait *time.Duration `json:"expected_wait_ns,omitempty"`
}

// QueueCounts are the engine's own counts since it started. At every moment
// Offered = Answered + Abandoned + Overflowed + waiting.
type QueueCounts struct {
	Offered   uint64 `json:"offered"`
	Answered  uint64 `json:"answered"`
	Abandoned uint64 `json:"abandoned"`
	// Overflowed: left the queue by its rules, for another queue or for good, or was moved.
	Overflowed uint64 `json:"overflowed"`
	RONA       uint64 `json:"rona"`
}

// Snapshot is everything at one moment, ordered by name (calls by arrival).
type Snapshot struct {
	At     time.Time     `json:"at"`
	Queues []QueueStatus `json:"queues"`
	Agents []AgentStatus `json:"agents"`
	Calls  []CallStatus  `json:"calls"`
	// Callbacks that have not ended, in the order in which they are due.
	Callbacks []CallbackStatus `json:"callbacks"`
	Partners  []PartnerStatus  `json:"partners"`  // in the order of the configuration
	Blocks    []Block          `json:"blocks"`    // callers who are kept out, by number
	Emergency []string         `json:"emergency"` // prompts of the emergency announcement; none: it is off
}

// RecordVersion is the version of CallRecord's fields.
const RecordVersion = 1

// CallRecord accounts for one finished call. Queue is the last that it was in;
// Queued is when it entered the first. All times are instants (UTC or
// any zone); all figures that reports print are computed from it.
//
// Wait is Answered-Queued for an answered call, Ended-Queued for an abandoned
// one, and until the last queue was left for an overflowed one. Talk is the time for which caller and agent were connected, from
// Answered to TalkEnded or, without one, to Ended; Hold is a part of it. Greeting and announcements before the queue
// lie between Arrived and Queued and are not wait.
type CallRecord struct {
	Version  int       `json:"v"`
	Call     CallID    `json:"call"`
	Node     NodeID    `json:"node"`
	Entry    string    `json:"entry"`
	Caller   string    `json:"caller"`
	Queue    QueueID   `json:"queue,omitempty"`
	Arrived  time.Time `json:"arrived"`
	Queued   time.Time `json:"queued,omitzero"`   // zero: not offered
	Answered time.Time `json:"answered,omitzero"` // zero: not answered
	// Visits are the stays in queues that the call left by overflow, in order.
	Visits  []Visit   `json:"visits,omitempty"`
	Resumed time.Time `json:"resumed,omitzero"` // the place of a former call that it took up
	Ended   time.Time `json:"ended"`
	// TalkEnded is when the agent left a caller who was asked for a rating then;
	// zero where the conversation ended with the call.
	TalkEnded time.Time     `json:"talk_ended,omitzero"`
	Hold      time.Duration `json:"hold_ns,omitempty"` // for which the agent held the caller, of the talk
	Agent     AgentID       `json:"agent,omitempty"`   // who answered
	Seat      SeatID        `json:"seat,omitempty"`
	// RatingAsked: the agent left first, and the caller was asked for a rating.
	RatingAsked bool `json:"rating_asked,omitempty"`
	Rating      int  `json:"rating,omitempty"` // BestGrade to WorstGrade; 0: the caller gave none
	// Skills are those that the call asked for when it came.
	Skills []SkillID `json:"skills,omitempty"`
	// Recovered: the live state was lost while the conversation went on. What was
	// before it is told as far as Asterisk knew: the call counts as having waited since
	// it came, in the queue of the dialled number.
	Recovered bool `json:"recovered,omitempty"`
	// Direction is Outbound for a call that the hotline placed.
	Direction Direction `json:"direction,omitempty"`
	// Callback, when set, is the callback of which this call was an attempt:
	// the hotline called Caller. Such a call is not offered, has no wait, and
	// Outcome says why the caller was not reached.
	Callback CallbackID    `json:"callback,omitempty"`
	Outcome  OfferOutcome  `json:"outcome,omitempty"`
	Partner  PartnerID     `json:"partner,omitempty"` // who took the caller; they talked from the end of the last visit to Ended
	Result   Result        `json:"result"`
	Reason   Reason        `json:"reason"`
	Offers   []OfferRecord `json:"offers,omitempty"`
}

// OfferRecord accounts for one offer of a call to an agent.
type OfferRecord struct {
	Agent   AgentID      `json:"agent"`
	Seat    SeatID       `json:"seat"`
	Made    time.Time    `json:"made"`
	Rang    time.Time    `json:"rang,omitzero"`
	Ended   time.Time    `json:"ended,omitzero"`
	Outcome OfferOutcome `json:"outcome,omitempty"` // empty while in flight
	// Number is which of the call's offers it is, from 1, where earlier ones are not
	// known; 0: it stands in its place.
	Number int `json:"number,omitempty"`
}

// Direction says who placed a call.
type Direction string

// The directions; a record without one is inbound.
const (
	Inbound  Direction = ""
	Outbound Direction = "outbound"
)

// Offered reports whether the call was offered to a queue.
func (r *CallRecord) Offered() bool { return !r.Queued.IsZero() && r.Direction == Inbound }

// Stint accounts for the time that an agent spent in one state. An agent who is
// logged in is always in one; a stint is told when it ends, and on Account.
type Stint struct {
	Version int        `json:"v"` // RecordVersion
	Agent   AgentID    `json:"agent"`
	Seat    SeatID     `json:"seat"`
	State   AgentState `json:"state"`
	Reason  string     `json:"reason,omitempty"` // why not ready
	From    time.Time  `json:"from"`
	To      time.Time  `json:"to"`
}

// CountsAt is the moment in whose day and quarter-hour the call counts: when it was
// offered, or arrived if it was not.
func (r *CallRecord) CountsAt() time.Time {
	if r.Offered() {
		return r.Queued
	}
	return r.Arrived
}

// Wait is how long the caller waited in the queue; 0 for a call that was not offered.
func (r *CallRecord) Wait() time.Duration {
	switch {
	case !r.Offered():
		return 0
	case r.Result == Answered:
		return r.Answered.Sub(r.Queued)
	case r.Result == Overflowed:
		return r.Visits[len(r.Visits)-1].Left.Sub(r.Queued)
	default:
		return r.Ended.Sub(r.Queued)
	}
}

// Talk is how long caller and agent were connected, also while the agent held the
// caller; 0 for a call that was not answered.
func (r *CallRecord) Talk() time.Duration {
	if r.Result != Answered {
		return 0
	}
	return r.TalkedUntil().Sub(r.Answered)
}

// TalkedUntil is when the conversation of an answered call ended.
func (r *CallRecord) TalkedUntil() time.Time {
	if r.TalkEnded.IsZero() {
		return r.Ended
	}
	return r.TalkEnded
}

// MeasureKind names a duration that the engine observes for the metrics.
type MeasureKind string

// The measures.
const (
	// IdleGap: from the moment an agent became free while callers waited
	// until the agent's phone rang.
	IdleGap MeasureKind = "idle_gap"
	// RingDelay: from a caller's entering the queue while an agent was
	// ready until that agent's phone rang.
	RingDelay MeasureKind = "ring_delay"
	// AnswerToConnect: from the agent's lifting until caller and agent
	// were in one bridge.
	AnswerToConnect MeasureKind = "answer_to_connect"
	// QueueWait and TalkTime are those of the call that was answered or has ended.
	QueueWait MeasureKind = "wait"
	TalkTime  MeasureKind = "talk"
)

// Measure is one observed duration.
type Measure struct {
	Kind  MeasureKind
	Queue QueueID
	Value time.Duration
}
