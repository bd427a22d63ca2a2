package acd

import "time"

// Event is something that happened: at the switch, at an agent's desk, or the
// passing of time. Events are idempotent where the switch may repeat them:
// one that is late, doubled or about a call that has ended changes nothing.
type Event interface{ event() }

// Events from the switch.
type (
	// CallArrived: a caller's channel entered the application.
	CallArrived struct {
		Call   CallID
		Node   NodeID
		Entry  string // the dialled number
		Caller string // the caller's number; may be empty
		// Since is the true time of arrival when the caller was held by
		// the dialplan because no controller was there; zero otherwise.
		Since time.Time
	}
	// TalkFound: when a node was reached, caller and agent, or a partner, were in the
	// call's bridge, and nobody knew of it: the live state was lost, or is older. They
	// go on talking. It is told before NodeReachable, and after what has gone.
	TalkFound struct {
		Call   CallID
		Leg    LegID
		Node   NodeID
		Entry  string // as in CallArrived,
		Caller string // likewise
		Called bool   // the caller was called back
		Seat   SeatID // where the agent's phone is; empty for a partner
		// Arrived is when the caller came, Rung when the leg was made, Answered when
		// they were connected, as far as Asterisk knows.
		Arrived, Rung, Answered time.Time
	}
	// CallPlayed: a Play of the call has ended or failed: which one, or 0 for the last.
	CallPlayed struct {
		Call CallID
		Play int
	}
	// CallGone: the caller's channel has left.
	CallGone struct {
		Call CallID
		// Vanished is set when the channel was found missing after a gap,
		// so that the moment of its end is not known exactly.
		Vanished bool
		// Outcome says why a caller who was called back was not reached.
		Outcome OfferOutcome
	}
	// CallDigit: the caller has pressed a key: 0 to 9, * or #.
	CallDigit struct {
		Call  CallID
		Digit string
	}
	// LegRinging: the agent's phone rings.
	LegRinging struct{ Leg LegID }
	// LegAnswered: the agent has lifted.
	LegAnswered struct{ Leg LegID }
	// LegGone: the agent's leg has ended, or could not be made. Outcome
	// matters only before the leg was answered.
	LegGone struct {
		Leg     LegID
		Outcome OfferOutcome
		// MayRing: whether the phone rings is not known, because the
		// node did not reply. The end of the leg may be told once more.
		MayRing bool
	}
	// LegHeld: the agent holds the caller at the phone. The switch itself lets
	// the caller hear music meanwhile.
	LegHeld struct{ Leg LegID }
	// LegResumed: the agent talks with the caller again.
	LegResumed struct{ Leg LegID }
	// Connected: caller and agent are in one bridge.
	Connected struct {
		Call CallID
		Leg  LegID
	}
	// ConnectFailed: they could not be bridged. What has gone is reported
	// by CallGone and LegGone; those who remain are dealt with here.
	ConnectFailed struct {
		Call CallID
		Leg  LegID
		// NodeFault: the node did not carry it out, nobody else is to blame.
		NodeFault bool
	}
	// SeatDialled: somebody dialled a feature code at a seat's phone.
	SeatDialled struct {
		Channel string // the phone's channel, to answer on
		Node    NodeID
		Seat    SeatID
		Code    string // e.g. *111001
	}
	// NodeDown: a node has lost all its calls (it died or was restarted).
	NodeDown struct{ Node NodeID }
	// NodeUnreachable: a node cannot be commanded for now. Its calls may
	// well go on; NodeReachable follows when what was missed has been told.
	NodeUnreachable struct{ Node NodeID }
	// CallersCaught: because no controller was there, the dialplan of the node holds
	// callers, the first of whom came at Since. They will come within moments, and
	// nobody who came after them is to be served before. Zero: there are none any more.
	CallersCaught struct {
		Node  NodeID
		Since time.Time
	}
	// NodeReachable: the node can be commanded, as at the beginning.
	NodeReachable struct{ Node NodeID }
)

// Requests from people. Step's Output.Err answers them.
type (
	// Login seats an agent at a seat, not ready. Logging in again at the
	// same seat changes nothing.
	Login struct {
		Agent AgentID
		Seat  SeatID
	}
	// Logout takes an agent off duty: at once (this ends wrap-up), or when
	// the present call and its wrap-up have ended.
	Logout struct{ Agent AgentID }
	// SetReady makes an agent ready, ends wrap-up early, or cancels a
	// pending SetNotReady or Logout.
	SetReady struct{ Agent AgentID }
	// SetNotReady makes an agent not ready: at once (this ends wrap-up), or
	// when the present call and its wrap-up have ended.
	SetNotReady struct {
		Agent  AgentID
		Reason string
	}
	// BlockCaller keeps a caller out, with a reason and perhaps an end; a
	// second one replaces the first.
	BlockCaller struct {
		Number string
		Until  time.Time // zero: until UnblockCaller
		Reason string
	}
	// UnblockCaller lets a caller in again.
	UnblockCaller struct{ Number string }
	// Drain lets nobody in any more, because the controller is about to end: new callers
	// hear the prompts and are let go, and nobody is called back. Who is here is served.
	Drain struct{ Prompts []string }
	// SetEmergency lets every caller who comes hear prompts before the
	// greeting; none switches it off.
	SetEmergency struct{ Prompts []string }
	// Reconfigure replaces the configuration, or is refused whole with all
	// reasons. Calls in progress go on.
	Reconfigure struct{ Config Config }
	// AssignSkills lets an agent serve other queues, at other levels and with other skills
	// than the configuration says, all of them, until ResetSkills: also over restarts and
	// logouts. Without Queues and Skills it is ResetSkills.
	AssignSkills struct {
		Agent  AgentID
		Queues map[QueueID]Level // MinLevel to MaxLevel
		Skills map[SkillID]Level // likewise; skills that are missing here the agent has not
	}
	// ResetSkills lets an agent serve by the configuration again.
	ResetSkills struct{ Agent AgentID }
	// Prioritise sets the points of a call that waits, or for which a phone rings, in the
	// place of its entry's: -MaxPriority to MaxPriority.
	Prioritise struct {
		Call     CallID
		Priority int
	}
	// MoveCall leads a call that waits, or for which a phone rings, to another queue. The
	// wait so far counts there.
	MoveCall struct {
		Call  CallID
		Queue QueueID
	}
	// CancelCallback takes a callback off the list.
	CancelCallback struct{ Callback CallbackID }
	// ExtendWrapUp gives an agent in wrap-up more time: by more than 0 and at
	// most MaxWrapUpExtension. (SetReady ends it.)
	ExtendWrapUp struct {
		Agent AgentID
		By    time.Duration
	}
)

// EndRatings ends the calls whose callers are being asked for a rating, so that
// they are recorded before the program ends.
type EndRatings struct{}

// Account tells the time of all agents in their present states up to now, so that
// it can be counted though it goes on.
type Account struct{}

// Tick tells the engine the time, so that what is due happens.
type Tick struct{}

func (CallArrived) event()     {}
func (TalkFound) event()       {}
func (CallPlayed) event()      {}
func (CallGone) event()        {}
func (LegRinging) event()      {}
func (LegAnswered) event()     {}
func (LegGone) event()         {}
func (LegHeld) event()         {}
func (LegResumed) event()      {}
func (Connected) event()       {}
func (ConnectFailed) event()   {}
func (SeatDialled) event()     {}
func (NodeDown) event()        {}
func (NodeUnreachable) event() {}
func (NodeReachable) event()   {}
func (CallersCaught) event()   {}
func (Login) event()           {}
func (Logout) event()          {}
func (SetReady) event()        {}
func (SetNotReady) event()     {}
func (BlockCaller) event()     {}
func (UnblockCaller) event()   {}
func (SetEmergency) event()    {}
func (Drain) event()           {}
func (Reconfigure) event()     {}
func (CallDigit) event()       {}
func (CancelCallback) event()  {}
func (ExtendWrapUp) event()    {}
func (AssignSkills) event()    {}
func (ResetSkills) event()     {}
func (Prioritise) event()      {}
func (MoveCall) event()        {}
func (EndRatings) event()      {}
func (Account) event()         {}
func (Tick) event()            {}

// Command is something that the switch shall do. Commands of one call are
// carried out in order; a command about a channel or bridge that no longer
// exists counts as done.
type Command interface{ command() }

// The commands.
type (
	// Answer answers the caller's channel.
	Answer struct {
		Call CallID
		Node NodeID
	}
	// Play plays prompts one after the other; CallPlayed follows the last.
	Play struct {
		Call    CallID
		Node    NodeID
		Play    int // which of the call's, from 1 on
		Prompts []string
	}
	// StartMusic lets the caller hear hold music of a class until the call
	// is connected. A caller who stands alone in the call's bridge is taken
	// out of it first.
	StartMusic struct {
		Call  CallID
		Node  NodeID
		Class string
	}
	// StartRingback lets the caller hear ringing tone instead of music.
	StartRingback struct {
		Call CallID
		Node NodeID
		Tone int // which of the call's, from 1
	}
	// StopRingback ends the ringing tone; the music is heard again.
	StopRingback struct {
		Call CallID
		Node NodeID
	}
	// Offer rings a seat's phone, or a partner's number, on behalf of a call.
	// LegRinging, LegAnswered and LegGone report what becomes of it.
	Offer struct {
		Call     CallID
		Leg      LegID
		Node     NodeID
		Seat     SeatID
		Number   string // instead of Seat: dialled over the carrier
		CallerID string // shown at the phone; empty: none
		// Timeout after which the switch itself gives up ringing: a bound
		// above the queue's ring timeout in case the controller dies.
		Timeout time.Duration
	}
	// CancelLeg hangs up an agent's leg, ringing or answered.
	CancelLeg struct {
		Call CallID
		Leg  LegID
		Node NodeID
	}
	// Connect bridges the caller with the agent's answered leg and ends
	// what the caller was hearing. Connected or ConnectFailed follows.
	Connect struct {
		Call CallID
		Leg  LegID
		Node NodeID
	}
	// Unbridge takes a caller whose agent has left out of the call's bridge, so
	// that prompts are heard again.
	Unbridge struct {
		Call CallID
		Node NodeID
	}
	// DialOut calls a caller back: it makes the caller's channel, named like
	// the call, and bridges it with the agent's answered leg. Connected
	// follows when the caller has answered, CallGone when not.
	DialOut struct {
		Call     CallID
		Leg      LegID
		Node     NodeID
		Number   string
		CallerID string // shown to the caller: the number that was dialled
		Timeout  time.Duration
	}
	// Release ends the call at the switch: hangs up what remains of caller
	// and agent, and deletes the call's bridge if one was made. It is the
	// last command of every call.
	Release struct {
		Call CallID
		Leg  LegID // empty when no leg is left to hang up
		Node NodeID
		// CallerGone and LegGone spare the request for what has left.
		CallerGone, LegGone bool
	}
	// ReplySeat plays a prompt on the channel that dialled a feature code,
	// and hangs it up.
	ReplySeat struct {
		Channel string
		Node    NodeID
		Prompt  string
	}
)

func (Answer) command()        {}
func (Play) command()          {}
func (StartMusic) command()    {}
func (StartRingback) command() {}
func (StopRingback) command()  {}
func (Offer) command()         {}
func (CancelLeg) command()     {}
func (Connect) command()       {}
func (Unbridge) command()      {}
func (DialOut) command()       {}
func (Release) command()       {}
func (ReplySeat) command()     {}

// Prompts that the engine itself asks for with ReplySeat. Each has a sound
// file of that name.
const (
	PromptLoggedIn  = "agent-logged-in"
	PromptLoggedOut = "agent-logged-out"
	PromptReady     = "agent-ready"
	PromptNotReady  = "agent-not-ready"
	PromptRefused   = "code-refused"
)
