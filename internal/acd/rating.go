package acd

import (
	"fmt"
	"time"
)

// Rating says how callers are asked to rate the service when the agent has left
// and they are still there. Who hangs up first is not asked.
type Rating struct {
	// Prompts say which keys to press; none: callers are not asked.
	Prompts []string `json:"prompts"`
	// Thanks are heard at the end, with or without a grade; may be empty.
	Thanks []string `json:"thanks,omitempty"`
	// Attempts is how often the prompts are heard at most. At least 1.
	Attempts int `json:"attempts"`
	// Timeout is how long a key is waited for after the prompts. More than 0.
	Timeout time.Duration `json:"timeout_ns"`
}

// The grades: 非常满意 1, 满意 2, 基本满意 3, 不满意 4, 非常不满意 5.
const (
	BestGrade  = 1
	WorstGrade = 5
)

// RatingStatus is what is known of a caller who is asked for a rating.
type RatingStatus struct {
	Rules Rating    `json:"rules"` // of the queue when the agent left: a change is for those who come later
	Agent AgentID   `json:"agent"` // who has left,
	Seat  SeatID    `json:"seat"`  // from where,
	Since time.Time `json:"since"` // and when: the conversation's end
	Grade int       `json:"grade,omitempty"`
	Due   time.Time `json:"due"` // when silence is noticed
}

// rating is a RatingStatus at work.
type rating struct {
	RatingStatus
	due timer
}

// longestPrompts bounds how long prompts are waited for whose end is not told.
const longestPrompts = time.Minute

// legHeld notes that the agent holds the caller at the phone.
func (e *Engine) legHeld(leg LegID) {
	c, _ := e.current(leg)
	if c == nil || !c.OnHold.IsZero() || c.Phase != PhaseTalking && c.Phase != PhaseAnswered {
		return
	}
	c.OnHold = e.now
	e.touchCall(c)
}

func (e *Engine) legResumed(leg LegID) {
	if c, _ := e.current(leg); c != nil {
		e.resume(c)
	}
}

// resume ends a hold. One from before the conversation is not counted.
func (e *Engine) resume(c *call) {
	if c.OnHold.IsZero() {
		return
	}
	if c.Phase == PhaseTalking {
		c.Hold += e.now.Sub(c.OnHold)
	}
	c.OnHold = time.Time{}
	e.touchCall(c)
}

// conversed accounts for a conversation that ends now, and a hold with it.
func (e *Engine) conversed(c *call) {
	e.resume(c)
	e.measure(TalkTime, c.queue, e.now.Sub(c.Answered))
	e.rememberTalk(c.number(), c.CallStatus.Agent)
}

// askRating keeps a caller whose agent has hung up, to be asked for a rating.
// The conversation is over, for the queue and for the agent: who goes on to
// wrap-up and has nothing more to do with the call.
func (e *Engine) askRating(c *call) {
	q, a, attempt := c.queue, c.rings[0].agent, c.callback
	e.conversed(c)
	c.rating = &rating{
		RatingStatus: RatingStatus{Rules: q.Rating, Agent: a.Agent, Seat: c.Seat, Since: e.now},
		due:          timer{kind: ratingTimer, call: c, pos: -1},
	}
	c.Rating = &c.rating.RatingStatus
	e.leaveQueue(c)
	c.Phase, c.FateResult, c.FateReason = PhaseRating, Answered, AgentHungUp
	c.queue, c.callback, c.rings = nil, nil, nil
	a.call, a.Call = nil, ""
	e.showOffer(c)
	e.touchCall(c)
	e.command(Unbridge{Call: c.Call, Node: c.Node})
	e.runFlow(c, FlowRate)
	e.goesOn(c)
	e.startWrapUp(a, q)
	if attempt != nil {
		e.attemptEnded(attempt, true, "", false)
	}
}

// listen waits for a key.
func (e *Engine) listen(c *call, silence time.Duration) {
	if c.rating != nil {
		c.rating.Due = e.now.Add(silence)
		e.startTimer(&c.rating.due, c.rating.Due)
		e.touchCall(c)
	}
}

// boundPrompts sees to it that prompts whose end is never told do not keep a
// caller for ever who is asked for a rating.
func (e *Engine) boundPrompts(c *call) { e.listen(c, longestPrompts) }

func (e *Engine) ratingDue(c *call) {
	e.runFlow(c, FlowSilence)
	e.goesOn(c)
}

// goesOn ends a call for which the flow has nothing more to say.
func (e *Engine) goesOn(c *call) {
	if c.Phase == PhaseRating && !c.ended && c.rating.due.pos < 0 {
		e.ratingOver(c)
	}
}

func (e *Engine) rated(c *call, grade int) {
	if c.rating != nil && c.rating.Grade == 0 && grade >= BestGrade && grade <= WorstGrade {
		c.rating.Grade = grade
		e.touchCall(c)
	}
}

func (e *Engine) ratingOver(c *call) {
	if c.Phase == PhaseRating {
		e.endCall(c, c.FateResult, c.FateReason, Release{})
	}
}

// endRatings lets all callers go who are being asked.
func (e *Engine) endRatings() {
	for _, c := range e.callsByArrival() {
		e.ratingOver(c)
	}
}

func (e *Engine) restoreRating(c *call) error {
	if c.Rating == nil || c.Rating.Due.IsZero() {
		return fmt.Errorf("call %s is asked for a rating, and nothing says how", c.Call)
	}
	c.rating = &rating{RatingStatus: *c.Rating, due: timer{kind: ratingTimer, call: c, pos: -1}}
	c.CallStatus.Rating = &c.rating.RatingStatus
	e.startTimer(&c.rating.due, c.rating.Due)
	return nil
}
