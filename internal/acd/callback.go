package acd

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Callback says how a queue calls back those who asked for it, or gave up.
type Callback struct {
	// Attempts is how often a caller is called; 0: there are no callbacks.
	Attempts int
	// Spacing is the time between two attempts. More than 0 with 2 or more.
	Spacing time.Duration
	// RingTimeout bounds how long the caller's phone rings. More than 0.
	RingTimeout time.Duration
	// Within is how long a callback is good for, from when it was asked for. More than 0.
	Within time.Duration
	// Missed: who gave up after MissedAfter in the queue or more is called
	// back too, without having asked (漏接电话回拨).
	Missed      bool
	MissedAfter time.Duration
	// BookedPrompts are heard when a callback has been booked; may be empty.
	BookedPrompts []string
}

// CallbackID names a callback: it is the call from which it came.
type CallbackID = CallID

// CallbackState is where a callback stands.
type CallbackState string

// The states of a callback.
const (
	// CallbackWaiting: it waits for an agent, in the caller's place.
	CallbackWaiting CallbackState = "waiting"
	// CallbackCalling: an agent has been found, and the caller is called.
	CallbackCalling CallbackState = "calling"
	// CallbackSpaced: an attempt has failed; the next comes later.
	CallbackSpaced CallbackState = "spaced"
	// The ends.
	CallbackReached   CallbackState = "reached"   // the caller talked with an agent
	CallbackFailed    CallbackState = "failed"    // all attempts have failed
	CallbackExpired   CallbackState = "expired"   // it took too long
	CallbackCancelled CallbackState = "cancelled" // a person took it off the list
	CallbackCalledIn  CallbackState = "called_in" // the caller called again and was answered
)

// Over reports whether a callback in this state has ended.
func (s CallbackState) Over() bool {
	switch s {
	case CallbackWaiting, CallbackCalling, CallbackSpaced:
		return false
	}
	return true
}

// CallbackStatus is a callback as others may see it.
type CallbackStatus struct {
	ID        CallbackID    `json:"callback"`
	Number    string        `json:"number"` // whom to call; mask it where the viewer's role demands
	Queue     QueueID       `json:"queue"`
	Entry     string        `json:"entry"`
	Node      NodeID        `json:"node"`             // of the call; an attempt is made from there if that can be reached
	Missed    bool          `json:"missed,omitempty"` // the caller gave up and did not ask for it
	Requested time.Time     `json:"requested"`
	Place     time.Time     `json:"place"` // what orders it among callers
	State     CallbackState `json:"state"`
	Since     time.Time     `json:"since"`             // in this state
	Attempts  int           `json:"attempts"`          // made so far, those left out at which the caller was not the reason
	Calls     int           `json:"calls"`             // begun so far, also those that came to nothing before the caller was called
	Next      time.Time     `json:"next,omitzero"`     // when the next attempt may begin, if spaced
	Last      OfferOutcome  `json:"last,omitempty"`    // how the last attempt failed
	Call      CallID        `json:"call,omitempty"`    // the attempt under way
	Expires   time.Time     `json:"expires,omitzero"`  // when it is too late
	Resumed   int           `json:"resumed,omitempty"` // how often its place was taken up
}

type callback struct {
	CallbackStatus
	call *call
	due  timer // of the next attempt, or of the end
}

// booked makes a callback of a call that gives up its turn, or has given up.
// It returns nil when the queue has none, the number cannot be called, or the
// caller is on the list already.
func (e *Engine) booked(c *call, q *queue, number string, missed bool) *callback {
	if q.Callback.Attempts <= 0 || !dialable(number) || e.callbackOf(number, q) != nil {
		return nil
	}
	b := &callback{CallbackStatus: CallbackStatus{
		ID: c.Call, Number: number, Queue: q.ID, Entry: c.Entry, Node: c.Node, Missed: missed,
		Requested: e.now, Place: c.Place, Resumed: c.Resumptions, Expires: e.now.Add(q.Callback.Within),
	}}
	if missed {
		b.Place = e.now // who left gave up the turn; who redials in time has it still
	}
	b.due = timer{kind: callbackTimer, callback: b, pos: -1}
	e.listCallback(b)
	e.beginAttempt(b)
	return b
}

// missed lists a caller who gave up, to be called back.
func (e *Engine) missed(c *call) {
	if q := c.queue; q.Callback.Missed && e.now.Sub(c.Entered) >= q.Callback.MissedAfter {
		e.booked(c, q, c.Caller, true)
	}
}

// callbackOf finds the callback of a caller in a queue that has not ended.
func (e *Engine) callbackOf(number string, q *queue) *callback {
	return e.promised[promise{number, q.ID}]
}

// promise is whom a queue calls back; each caller has one callback there.
type promise struct {
	number string
	queue  QueueID
}

func (e *Engine) listCallback(b *callback) {
	e.callbacks[b.ID] = b
	e.promised[promise{b.Number, b.Queue}] = b
}

// attemptPrefix begins the name of an attempt's call, before its number and the callback.
const attemptPrefix = "callback-"

// beginAttempt puts the callback into the queue, in the caller's place: as a
// call of its own, whose channel is made when an agent has lifted.
func (e *Engine) beginAttempt(b *callback) {
	q := e.queues[b.Queue]
	if q == nil {
		e.callbackOver(b, CallbackCancelled)
		return
	}
	e.seq++
	b.Calls++
	c := newCall(CallStatus{
		Call: CallID(attemptPrefix + strconv.Itoa(b.Calls) + "-" + string(b.ID)), Callback: b.ID,
		Node: b.Node, Entry: b.Entry, Caller: b.Number, Phase: PhaseWaiting,
		Queue: q.ID, Arrived: e.now, Queued: e.now, Entered: e.now, Place: b.Place, Seq: e.seq,
	})
	c.callback, c.queue, b.call, b.Call = b, q, c, c.Call
	c.entry = e.entryOf(c)
	c.rank = e.rankOf(c)
	e.calls[c.Call] = c
	e.callbackMoves(b, CallbackWaiting, time.Time{})
	e.startTimer(&b.due, b.Expires)
	e.wait(c)
}

// callbackMoves brings a callback to a state and tells the store. next is when
// the next attempt begins; zero unless it is spaced.
func (e *Engine) callbackMoves(b *callback, state CallbackState, next time.Time) {
	b.State, b.Since, b.Next = state, e.now, next
	status := b.CallbackStatus
	e.change(Change{Callback: &status})
}

// dialCallback calls the caller, whose agent has lifted.
func (e *Engine) dialCallback(c *call) {
	c.callback.Attempts++
	e.callbackMoves(c.callback, CallbackCalling, time.Time{})
	e.command(e.dialOutOf(c))
}

// dialOutOf is the command by which the caller of an attempt is called.
func (e *Engine) dialOutOf(c *call) DialOut {
	return DialOut{
		Call: c.Call, Leg: c.Leg, Node: c.Node, Number: c.Caller, CallerID: c.Entry, Timeout: c.queue.Callback.RingTimeout,
	}
}

// attemptEnded looks what comes after an attempt whose call has just ended. One
// that failed through no doing of the caller is not counted, and made again soon.
func (e *Engine) attemptEnded(b *callback, reached bool, outcome OfferOutcome, ours bool) {
	b.call, b.Call = nil, ""
	q := e.queues[b.Queue]
	if ours && !reached && b.State == CallbackCalling {
		b.Attempts--
	}
	soon := ours || b.State == CallbackWaiting // the caller was not called
	switch {
	case reached:
		e.callbackOver(b, CallbackReached)
	case q == nil || b.State.Over():
	case b.Attempts >= q.Callback.Attempts:
		b.Last = outcome
		e.callbackOver(b, CallbackFailed)
	default:
		b.Last = outcome
		next := e.now.Add(q.Callback.Spacing)
		if soon {
			next = e.now.Add(nodePause)
		}
		if !next.Before(b.Expires) {
			e.callbackOver(b, CallbackExpired)
			return
		}
		e.callbackMoves(b, CallbackSpaced, next)
		e.startTimer(&b.due, next)
	}
}

// callbackDue begins the next attempt, or ends a callback that took too long.
func (e *Engine) callbackDue(b *callback) {
	if !e.now.Before(b.Expires) {
		e.dropAttempt(b, CallbackExpired)
		return
	}
	e.beginAttempt(b)
}

// dropAttempt ends a callback whose caller has not been called at present. One
// who is just being called, or talks, is not disturbed.
func (e *Engine) dropAttempt(b *callback, state CallbackState) bool {
	if c := b.call; c != nil {
		if c.Phase != PhaseWaiting && c.Phase != PhaseRinging {
			return false
		}
		e.callbackOver(b, state)
		e.endCall(c, NotReached, CallerNotReached, Release{CallerGone: true})
		return true
	}
	e.callbackOver(b, state)
	return true
}

func (e *Engine) callbackOver(b *callback, state CallbackState) {
	e.timers.remove(&b.due)
	delete(e.callbacks, b.ID)
	delete(e.promised, promise{b.Number, b.Queue})
	e.callbackMoves(b, state, time.Time{})
}

// calledIn ends the callbacks of a caller who has called again and talks now, in
// all queues to which the call has come. A phone that is being called back at this
// moment stops ringing.
func (e *Engine) calledIn(c *call) {
	if len(e.callbacks) == 0 || c.callback != nil {
		return
	}
	for _, id := range c.Tried {
		q := e.queues[id]
		if q == nil {
			continue // has left the configuration
		}
		b := e.callbackOf(c.Caller, q)
		if b == nil || e.dropAttempt(b, CallbackCalledIn) {
			continue
		}
		if attempt := b.call; attempt.Phase == PhaseAnswered {
			e.callbackOver(b, CallbackCalledIn)
			attempt.Outcome = OfferWithdrawn
			e.endCall(attempt, NotReached, CallerNotReached, Release{})
		}
	}
}

func (e *Engine) cancelCallback(id CallbackID) *RequestError {
	b := e.callbacks[id]
	if b == nil {
		return refuse("unknown_callback", "there is no callback %s on the list", id)
	}
	if !e.dropAttempt(b, CallbackCancelled) {
		return refuse("callback_under_way", "the caller of %s is being called now", id)
	}
	return nil
}

// Callbacks lists those that have not ended, in the order in which they are due.
func (e *Engine) Callbacks() []CallbackStatus {
	var list []CallbackStatus
	for _, b := range e.callbacks {
		list = append(list, b.CallbackStatus)
	}
	slices.SortFunc(list, func(a, b CallbackStatus) int { return cmp.Or(a.Place.Compare(b.Place), cmp.Compare(a.ID, b.ID)) })
	return list
}

// callDigit hands a key that the caller has pressed to the call flow.
func (e *Engine) callDigit(ev CallDigit) {
	c := e.calls[ev.Call]
	switch {
	case c == nil || c.callback != nil:
		return
	case c.Phase != PhaseWaiting && c.Phase != PhaseRinging && c.Phase != PhaseRating:
		return
	}
	e.digit = ev.Digit
	e.runFlow(c, FlowDigit)
	e.digit = ""
	e.touchCall(c)
}

// bookFor leaves the queue with a callback in the same place. The number is
// the caller's own unless another is given.
func (e *Engine) bookFor(c *call, number string) {
	if number = cmp.Or(number, c.Caller); c.Phase != PhaseWaiting || !dialable(number) {
		return // a phone rings for the caller: that is better than a callback
	}
	q := c.queue
	if b := e.callbackOf(number, q); b != nil || e.booked(c, q, number, false) != nil {
		e.leaveFor(c)
		c.Announcing, c.Next = false, nil // the key ends the offer's prompts
		e.dismiss(c, Overflowed, CallbackRequested, q.Callback.BookedPrompts)
	}
}

// dialable reports whether text is a number that may be called back: digits,
// perhaps after a +.
func dialable(number string) bool {
	digits := strings.TrimPrefix(number, "+")
	return len(digits) >= 5 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}
