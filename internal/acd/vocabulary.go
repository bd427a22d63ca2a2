package acd

import (
	"fmt"
	"strconv"
	"strings"
)

// Identifiers. All of them are opaque, case-sensitive and never empty.
type (
	// CallID names a call. It is the caller's Asterisk channel id, so that
	// a controller that starts can find a call by listing channels.
	CallID string
	// LegID names an agent's leg of one offer; see NewLegID. It is the
	// leg's Asterisk channel id.
	LegID string
	// AgentID is an agent's work number (工号).
	AgentID string
	// SeatID names a seat: a SIP phone at which an agent sits down. The
	// endpoint in Asterisk is PJSIP/seat-<SeatID>.
	SeatID string
	// QueueID names a queue.
	QueueID string
	// NodeID names an Asterisk node; it is the node's systemname.
	NodeID string
)

const (
	legPrefix    = "leg_"
	bridgePrefix = "bridge_"
)

// NewLegID names the agent's leg of the n-th offer (from 1) of a call.
func NewLegID(call CallID, offer int, agent AgentID) LegID {
	return LegID(legPrefix + strconv.Itoa(offer) + "_" + string(agent) + "_" + string(call))
}

// Parse takes a leg's name apart. It reports false for a channel id that is
// not an agent's leg.
func (l LegID) Parse() (call CallID, offer int, agent AgentID, ok bool) {
	rest, found := strings.CutPrefix(string(l), legPrefix)
	if !found {
		return "", 0, "", false
	}
	number, rest, _ := strings.Cut(rest, "_")
	who, id, _ := strings.Cut(rest, "_")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || who == "" || id == "" {
		return "", 0, "", false
	}
	return CallID(id), n, AgentID(who), true
}

// BridgeID names the Asterisk bridge of a call.
func BridgeID(call CallID) string { return bridgePrefix + string(call) }

// ParseBridgeID is the inverse of BridgeID; it reports false for a bridge
// that is not one of ours.
func ParseBridgeID(id string) (CallID, bool) {
	call, ok := strings.CutPrefix(id, bridgePrefix)
	return CallID(call), ok && call != ""
}

// Result says how a call ended. Every call ends exactly once, with one result
// and one reason.
type Result string

// The results.
const (
	// Answered: the caller and an agent were connected.
	Answered Result = "answered"
	// Abandoned: the call was offered to a queue and ended before an agent
	// and the caller were connected.
	Abandoned Result = "abandoned"
	// Overflowed: the call was offered to a queue and the hotline itself sent
	// it away, to somewhere that is not ours or for good.
	Overflowed Result = "overflowed"
	// NotReached: a callback ended without a conversation. It does not count
	// as offered.
	NotReached Result = "not_reached"
	// NotOffered: the call ended before it entered a queue. It does not
	// count as offered.
	NotOffered Result = "not_offered"
)

// Reason says why a call ended with its result.
type Reason string

// The reasons. Beside each stand the results with which it occurs.
const (
	// CallerHungUp: the caller ended the call (answered: while talking;
	// abandoned: while waiting; not offered: during the greeting).
	CallerHungUp Reason = "caller_hung_up"
	// CallerHungUpRinging: the caller gave up while an agent's phone rang
	// (abandoned).
	CallerHungUpRinging Reason = "caller_hung_up_ringing"
	// CallerHungUpAtAnswer: the caller gave up after an agent had lifted
	// and before both were connected (abandoned).
	CallerHungUpAtAnswer Reason = "caller_hung_up_at_answer"
	// AgentHungUp: the agent ended the conversation (answered), or put down
	// before the caller had answered a callback (not reached).
	AgentHungUp Reason = "agent_hung_up"
	// NodeLost: the Asterisk node that carried the call died (any result).
	NodeLost Reason = "node_lost"
	// Recovered: the call had vanished when a controller took over or
	// reconnected; its end lies between the last sign of life and then
	// (any result).
	Recovered Reason = "recovered"
	// Refused: the rules of a queue ended the call (overflowed).
	Refused Reason = "refused"
	// Shed: the call came in a storm and was not taken on (overflowed).
	Shed Reason = "shed"
	// Referred: a partner took the caller (overflowed).
	Referred Reason = "referred"
	// CallbackRequested: the caller left the queue to be called back (overflowed).
	CallbackRequested Reason = "callback_requested"
	// CallerNotReached: the caller did not answer the callback, or the agent
	// hung up before (not reached); the record's Outcome says why.
	CallerNotReached Reason = "caller_not_reached"
	// ClosedHours: the queue was closed, and no rule led elsewhere (not offered).
	ClosedHours Reason = "closed_hours"
	// Blocked: the caller is blocked (not offered).
	Blocked Reason = "blocked"
	// UnknownEntry: the dialled number is not configured (not offered).
	UnknownEntry Reason = "unknown_entry"
)

// OfferOutcome says how an offer of a call to an agent ended.
type OfferOutcome string

// The outcomes of an offer.
const (
	OfferAnswered    OfferOutcome = "answered"
	OfferNoAnswer    OfferOutcome = "no_answer"   // RONA: rang, not answered in time
	OfferRefused     OfferOutcome = "refused"     // the agent declined at the phone
	OfferBusy        OfferOutcome = "busy"        // the phone was busy
	OfferUnreachable OfferOutcome = "unreachable" // the phone is not registered or does not reply
	OfferFailed      OfferOutcome = "failed"      // the switch could not ring the phone
	OfferNodeFault   OfferOutcome = "node_fault"  // the call's node could not be commanded; the agent stays ready
	OfferTaken       OfferOutcome = "taken"       // of several who were rung, another agent was first
	OfferWithdrawn   OfferOutcome = "withdrawn"   // the caller left while the phone rang
)

// AgentState is what an agent is doing.
type AgentState string

// The states of an agent; see docs/states.md for the diagram.
const (
	LoggedOut AgentState = "logged_out"
	NotReady  AgentState = "not_ready"
	Ready     AgentState = "ready"   // idle, may be offered a call
	Ringing   AgentState = "ringing" // one offer is at the agent's phone
	Talking   AgentState = "talking"
	WrapUp    AgentState = "wrap_up" // after-call work
)

// CallPhase is where a call stands.
type CallPhase string

// The phases of a call; see docs/states.md for the diagram.
const (
	PhaseGreeting CallPhase = "greeting" // before the queue
	PhaseWaiting  CallPhase = "waiting"  // in a queue, no agent found yet
	PhaseRinging  CallPhase = "ringing"  // in a queue, an agent's phone rings
	PhaseAnswered CallPhase = "answered" // an agent has lifted, the bridge is being made
	PhaseTalking  CallPhase = "talking"
	PhaseRating   CallPhase = "rating"  // the agent has left, and the caller is asked to rate the service
	PhaseJoining  CallPhase = "joining" // in a queue, a partner has lifted, the bridge is being made
	PhaseAway     CallPhase = "away"    // with a partner
	PhaseClosing  CallPhase = "closing" // will not be served, and hears why
)

// inHand reports whether agents are rung for a call in this phase, or one has it.
func (p CallPhase) inHand() bool {
	return p == PhaseRinging || p == PhaseAnswered || p == PhaseTalking
}

// Reasons for which the engine itself makes an agent not ready. Sites add
// their own (break, meal, training, …) in the configuration.
const (
	ReasonLogin       = "login"       // just logged in
	ReasonRONA        = "rona"        // did not answer an offer
	ReasonRefused     = "refused"     // declined an offer
	ReasonBusy        = "busy"        // the phone was busy
	ReasonUnreachable = "unreachable" // the phone could not be reached
	ReasonFailed      = "failed"      // the switch could not ring the phone
)

// ReservedReasons may not be used as names of a site's own reasons.
var ReservedReasons = []string{
	ReasonLogin, ReasonRONA, ReasonRefused, ReasonBusy, ReasonUnreachable, ReasonFailed, pendingLogout,
}

// Mask hides all but the first three and the last two digits of a phone
// number: what logs and shared screens may show. Short numbers are hidden
// whole.
func Mask(number string) string {
	if len(number) < 7 {
		return strings.Repeat("*", len(number))
	}
	return number[:3] + strings.Repeat("*", len(number)-5) + number[len(number)-2:]
}

// RequestError is the answer to a request that the engine refuses. Its text
// is one sentence for the person who asked.
type RequestError struct {
	Code string // stable, for programs: unknown_agent, seat_taken, …
	Text string
}

func (e *RequestError) Error() string { return e.Text }

func refuse(code, format string, args ...any) *RequestError {
	return &RequestError{Code: code, Text: fmt.Sprintf(format, args...)}
}
