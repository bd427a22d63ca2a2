package phone

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"net/netip"

	"github.com/emiago/sipgo/sip"
)

// A Party is one end of a call.
type Party string

// Who ended a call.
const (
	Us  Party = "us"
	Far Party = "far"
)

// An End says how a call ended.
type End struct {
	By     Party
	Status int // SIP status of the refusal; 0 if the call was up, or given up by us
	Reason string
}

// A CallError is a call that did not come about.
type CallError struct {
	Target string
	End    End
}

func (e *CallError) Error() string {
	if e.End.Status != 0 {
		return fmt.Sprintf("call %s: refused with %d %s", e.Target, e.End.Status, e.End.Reason)
	}
	return fmt.Sprintf("call %s: %s", e.Target, e.End.Reason)
}

// Times are the moments of a call; zero: not (yet).
type Times struct {
	Placed   time.Time // INVITE sent or received
	Ringing  time.Time // 180 received or sent
	Early    time.Time // first description of early media received
	Answered time.Time // 200 received or sent
	Ended    time.Time
}

type callState int

const (
	calling  callState = iota // outgoing, no final response
	alerting                  // incoming, no final response
	up
	over
)

// A Call is one call at one phone, from either side. All methods are safe for
// concurrent use.
type Call struct {
	site     *Site
	phone    *Phone
	outgoing bool
	target   string // request URI that was dialled, or the far end's number
	number   string
	callID   string
	tag      string // ours
	invite   *sip.Request
	branch   string // of the incoming INVITE

	ringing  chan struct{}
	answered chan struct{}
	done     chan struct{}

	mu     sync.Mutex // owns all below
	state  callState
	times  Times
	end    End
	sound  *stream
	agreed media
	// The dialog.
	from, to   string // header values with tags, as we write them in requests
	remote     string // URI that requests of ours go to
	hop        netip.AddrPort
	routes     []string
	cseq       uint32
	session    uint64
	version    int
	holding    bool
	farHolds   bool
	reinviting bool
	// Our INVITE.
	attempt  *outgoing
	heardOf  bool // a provisional response came, so that it may be cancelled
	giveUp   bool // cancel as soon as that is allowed
	ack      []byte
	ackedTag string
	// Our reply to an INVITE.
	reply         []byte
	replyTo       netip.AddrPort
	replyCSeq     uint32
	replyStatus   int
	replyTimer    *time.Timer
	replyInterval time.Duration
	replyBegan    time.Time
	awaitsAck     bool
	byeAfterAck   bool
	plan          *time.Timer
	linger        *time.Timer
}

func newCall(p *Phone, outgoing bool) *Call {
	return &Call{
		site: p.site, phone: p, outgoing: outgoing,
		ringing: make(chan struct{}), answered: make(chan struct{}), done: make(chan struct{}),
	}
}

// Phone returns the phone that the call is at.
func (c *Call) Phone() *Phone { return c.phone }

// Number returns the far end's number: what was dialled, or who calls.
func (c *Call) Number() string { return c.number }

// ID returns the SIP Call-ID.
func (c *Call) ID() string { return c.callID }

// Header returns the value of a header of an incoming call's INVITE, or "".
func (c *Call) Header(name string) string {
	if c.invite == nil {
		return ""
	}
	if h := c.invite.GetHeader(name); h != nil {
		return h.Value()
	}
	return ""
}

// AsksAutoAnswer reports whether the caller of an incoming call asked for an
// answer without ringing (Call-Info answer-after=0, or Alert-Info alert-autoanswer).
func (c *Call) AsksAutoAnswer() bool {
	return strings.Contains(c.Header("Call-Info"), "answer-after=0") ||
		strings.Contains(c.Header("Alert-Info"), "alert-autoanswer")
}

// Ringing is closed at the first 180, sent or received.
func (c *Call) Ringing() <-chan struct{} { return c.ringing }

// Answered is closed when the call is up. A call that ends before never closes it.
func (c *Call) Answered() <-chan struct{} { return c.answered }

// Done is closed when the call has ended, for whatever reason.
func (c *Call) Done() <-chan struct{} { return c.done }

// Ended returns how the call ended; the zero End while it goes on.
func (c *Call) Ended() End {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// Times returns the moments of the call so far.
func (c *Call) Times() Times {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times
}

// HeldByFar reports whether the far end has put us on hold.
func (c *Call) HeldByFar() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.farHolds
}

// WaitRinging waits for the far end's phone to ring. It returns at once when
// the call is answered without.
func (c *Call) WaitRinging(ctx context.Context) error {
	select {
	case <-c.ringing:
		return nil
	case <-c.answered:
		return nil
	case <-c.done:
		return c.failure()
	case <-ctx.Done():
		return fmt.Errorf("call %s: not ringing: %w", c.target, ctx.Err())
	}
}

// WaitAnswered waits for the call to be up. A refusal is a *CallError.
func (c *Call) WaitAnswered(ctx context.Context) error {
	select {
	case <-c.answered:
		return nil
	case <-c.done:
		select {
		case <-c.answered: // and ended since
			return nil
		default:
			return c.failure()
		}
	case <-ctx.Done():
		return fmt.Errorf("call %s: not answered: %w", c.target, ctx.Err())
	}
}

// WaitEnded waits for the end of the call.
func (c *Call) WaitEnded(ctx context.Context) (End, error) {
	select {
	case <-c.done:
		return c.Ended(), nil
	case <-ctx.Done():
		return End{}, fmt.Errorf("call %s: not ended: %w", c.target, ctx.Err())
	}
}

func (c *Call) failure() error { return &CallError{Target: c.target, End: c.Ended()} }

// Dial places a call and returns at once; see WaitAnswered.
func (p *Phone) Dial(target string, opts CallOptions) (*Call, error) {
	uri, hop, err := p.resolve(target)
	if err != nil {
		return nil, fmt.Errorf("place a call: %w", err)
	}
	tone := opts.Tone
	if tone == (Tone{}) {
		tone = p.cfg.Tone
	}
	sound, err := newStream(p.site.local.Addr(), tone)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", uri, err)
	}
	c := newCall(p, true)
	c.sound, c.target, c.remote, c.hop = sound, uri, uri, hop
	if status := p.take(c, false); status != 0 {
		sound.close()
		return nil, fmt.Errorf("call %s: %w", uri, errClosed)
	}
	if err := c.place(opts); err != nil {
		p.release(c)
		sound.close()
		return nil, fmt.Errorf("call %s: %w", uri, err)
	}
	return c, nil
}

// Call places a call and waits until it is answered. When ctx ends first, the
// call is cancelled.
func (p *Phone) Call(ctx context.Context, target string, opts CallOptions) (*Call, error) {
	c, err := p.Dial(target, opts)
	if err != nil {
		return nil, err
	}
	if err := c.WaitAnswered(ctx); err != nil {
		c.Hangup()
		return nil, err
	}
	return c, nil
}

// Hangup ends the call in whatever state it is: cancels, refuses (603) or says
// BYE. The call is over at once for the phone; the exchange of messages goes on behind.
func (c *Call) Hangup() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case calling:
		c.giveUp = true
		if c.heardOf {
			c.cancel()
		}
		c.finish(End{By: Us, Reason: "given up before the answer"})
	case alerting:
		c.respondInvite(603, nil)
		c.finish(End{By: Us, Status: 603, Reason: reasonOf(603)})
	case up:
		if c.awaitsAck {
			c.byeAfterAck = true // RFC 3261, 15: not before the ACK
			c.site.owe(1)
		} else {
			c.bye()
		}
		c.finish(End{By: Us, Reason: "hung up"})
	}
}

// Answer answers an incoming call that rings on.
func (c *Call) Answer() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != alerting {
		return fmt.Errorf("answer the call of %s: it does not ring", c.phone.cfg.User)
	}
	c.accept()
	return nil
}

// Refuse refuses an incoming call that rings, with a status of 3xx to 6xx.
func (c *Call) Refuse(status int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != alerting {
		return fmt.Errorf("refuse the call of %s: it does not ring", c.phone.cfg.User)
	}
	c.refuse(status)
	return nil
}

// Hold puts the far end on hold, Resume takes it back. Both wait for its consent.
func (c *Call) Hold(ctx context.Context) error { return c.setHold(ctx, true) }

// Resume ends a hold.
func (c *Call) Resume(ctx context.Context) error { return c.setHold(ctx, false) }

// finish marks the end of the call. c.mu is held.
func (c *Call) finish(end End) {
	if c.state == over {
		return
	}
	c.state = over
	c.end = end
	c.times.Ended = time.Now()
	if c.plan != nil {
		c.plan.Stop()
	}
	if c.sound != nil {
		c.sound.close()
	}
	c.phone.release(c)
	c.linger = time.AfterFunc(timerLinger, c.forget)
	close(c.done)
}

// forget takes the call off the site: its retransmissions are over.
func (c *Call) forget() {
	c.site.mu.Lock()
	defer c.site.mu.Unlock()
	delete(c.site.dialogs, c.callID+" "+c.tag)
	if c.branch != "" {
		delete(c.site.invites, c.branch)
	}
}

// drop ends all that the call still has to do; the site is being closed.
func (c *Call) drop() {
	c.mu.Lock()
	c.finish(End{By: Us, Reason: errClosed.Error()})
	c.linger.Stop()
	if c.replyTimer != nil {
		c.replyTimer.Stop()
	}
	sound := c.sound
	c.mu.Unlock()
	if sound != nil {
		<-sound.ended
	}
}
