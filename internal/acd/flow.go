package acd

import "time"

// Flow decides what a caller hears before and in the queue. The engine asks
// it at each FlowEvent and carries out its actions in order; internal/callflow
// implements it. A Flow is pure: all its memory of a call is the FlowState.
type Flow interface {
	Next(state FlowState, event FlowEvent, info *FlowInfo) (FlowState, []FlowAction)
}

// FlowInfo is what a Flow may go by. It is the engine's: not to be kept.
type FlowInfo struct {
	Entry *Entry
	Queue *Queue // where the call is, or where its entry leads to
	// Emergency are the prompts of an emergency announcement; empty: none.
	Emergency []string
	// Digit is the key of a FlowDigit: 0 to 9, * or #.
	Digit string
	// Caller is the caller's number; empty when it is not known or withheld.
	Caller string
	// Rating is how a caller is asked, after a conversation; Queue may be nil then.
	Rating *Rating
	// For FlowAnnounce: how many callers wait ahead, and
	// how long it will take, if that is Known.
	Ahead    int
	Expected time.Duration
	Known    bool
}

// FlowState is a Flow's memory of one call; it is kept with the call.
type FlowState string

// FlowEvent is what a Flow is asked about.
type FlowEvent int

// The flow events.
const (
	FlowStart         FlowEvent = iota // the call has arrived
	FlowResume                         // the call was held by the dialplan and has heard its prompt
	FlowPlayed                         // the prompts of the last FlowPlay have ended
	FlowQueued                         // the call has entered the queue
	FlowRinging                        // an agent's phone is being rung
	FlowAnnounce                       // it is time to say where the caller stands
	FlowDigit                          // the caller has pressed FlowInfo.Digit
	FlowMoved                          // the call has come from another queue
	FlowCallbackOffer                  // the queue offers to call back; its prompts are heard
	FlowRingingEnd                     // that offer ended without an answer; the call waits on
	FlowRate                           // the agent has left, and the caller is to be asked for a rating
	FlowSilence                        // since FlowListen nothing was pressed, or a prompt does not end
)

// FlowAction is what a Flow wants.
type FlowAction interface{ flowAction() }

// The flow actions.
type (
	FlowAnswer       struct{}                   // answer the caller's channel
	FlowPlay         struct{ Prompts []string } // play prompts; FlowPlayed follows
	FlowMusic        struct{}                   // the queue's hold music from now on
	FlowRingback     struct{}                   // ringing tone instead of music
	FlowStopRingback struct{}                   // music again
	FlowEnqueue      struct{}                   // enter the entry's queue
	// FlowCallback leaves the queue with a callback, to the caller's own
	// number or to another.
	FlowCallback struct{ Number string }

	// FlowListen, FlowRated and FlowEnd are for callers who are asked for a
	// rating.

	FlowListen struct{ For time.Duration } // FlowSilence follows unless something happens
	FlowRated  struct{ Grade int }         // the caller has given a grade; the first counts
	FlowEnd    struct{}                    // end the call
)

func (FlowAnswer) flowAction()       {}
func (FlowPlay) flowAction()         {}
func (FlowMusic) flowAction()        {}
func (FlowRingback) flowAction()     {}
func (FlowStopRingback) flowAction() {}
func (FlowCallback) flowAction()     {}
func (FlowEnqueue) flowAction()      {}
func (FlowListen) flowAction()       {}
func (FlowRated) flowAction()        {}
func (FlowEnd) flowAction()          {}
