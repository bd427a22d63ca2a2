package phone

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// telephoneEvent is the payload type that our offers give to RFC 4733 digits.
const telephoneEvent = 101

var ourCodecs = []uint8{payloadPCMA, payloadPCMU}

// outgoing is one request of a call together with its answer to a challenge.
type outgoing struct {
	call    *Call
	method  string
	extra   string // further header lines
	body    []byte
	auth    string
	tried   bool // a challenge was answered
	tx      *clientTx
	branch  string
	cseq    uint32
	uri     string
	message []byte
	done    func(res *sip.Response, err error)
	// answered: the final response of this re-INVITE has been dealt with.
	answered bool
	ack      []byte // of this re-INVITE, the same for each repeated 2xx
}

// place sends the INVITE of a new call.
func (c *Call) place(opts CallOptions) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callID, c.tag = sip.GenerateTagN(24), sip.GenerateTagN(12)
	c.session, c.version = rand.Uint64N(1<<53), 1
	user := opts.From
	if user == "" {
		user = c.phone.cfg.Account
	}
	c.from = fmt.Sprintf("<sip:%s@%s>;tag=%s", user, c.site.local.Addr(), c.tag)
	if name := c.phone.cfg.Display; name != "" {
		c.from = fmt.Sprintf("%q %s", name, c.from)
	}
	c.to = "<" + c.target + ">"
	var u sip.Uri
	if sip.ParseUri(c.target, &u) == nil {
		c.number = u.User
	}
	c.cseq = rand.Uint32N(1 << 15)
	extra := ""
	for _, h := range opts.Headers {
		extra += h + "\r\n"
	}
	c.site.mu.Lock()
	if c.site.closing {
		c.site.mu.Unlock()
		return errClosed
	}
	c.site.dialogs[c.callID+" "+c.tag] = c
	c.site.mu.Unlock()
	c.times.Placed = time.Now()
	c.attempt = &outgoing{call: c, method: "INVITE", extra: extra, body: c.offer(sendrecv), done: c.inviteResponse}
	return c.attempt.send()
}

// offer describes our audio. c.mu is held.
func (c *Call) offer(direction string) []byte {
	return describe(c.localMedia(), c.session, c.version, ourCodecs, telephoneEvent, direction)
}

func (c *Call) localMedia() netip.AddrPort {
	return netip.AddrPortFrom(c.site.local.Addr(), uint16(c.sound.port()))
}

// send sends the request with the next sequence number. c.mu is held.
func (o *outgoing) send() error {
	c := o.call
	c.cseq++
	o.cseq, o.branch, o.uri = c.cseq, sip.GenerateBranchN(16), c.remote
	o.message = c.message(o.uri, o.method, o.branch, o.cseq, c.to, o.extra+o.auth, o.body)
	o.tx = &clientTx{to: c.hop, message: o.message, invite: o.method == "INVITE", done: o.response}
	uri, branch, cseq, from, routes := o.uri, o.branch, o.cseq, c.from, c.routes
	o.tx.ackFor = func(res *sip.Response) []byte {
		return write(c, uri, "ACK", branch, cseq, from, res.To().Value(), routes, "", nil)
	}
	return c.site.start(o.tx, o.branch, o.method)
}

// message writes a request of the call. c.mu is held.
func (c *Call) message(uri, method, branch string, cseq uint32, to, extra string, body []byte) []byte {
	return write(c, uri, method, branch, cseq, c.from, to, c.routes, extra, body)
}

func write(c *Call, uri, method, branch string, cseq uint32, from, to string, routes []string, extra string, body []byte) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\n",
		method, uri, c.site.local, branch)
	for _, r := range routes {
		fmt.Fprintf(&b, "Route: %s\r\n", r)
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", from, to, c.callID, cseq, method)
	if method != "CANCEL" {
		fmt.Fprintf(&b, "Contact: <%s>\r\n", c.phone.Contact())
	}
	if method == "INVITE" {
		b.WriteString("Allow: " + allow + "\r\n")
	}
	b.WriteString(extra)
	writeBody(&b, body)
	return []byte(b.String())
}

// response answers a challenge once and passes everything else on.
func (o *outgoing) response(res *sip.Response, err error) {
	if err != nil || o.tried || (res.StatusCode != 401 && res.StatusCode != 407) {
		o.done(res, err)
		return
	}
	c := o.call
	c.mu.Lock()
	if o.method == "INVITE" && c.state == over {
		c.mu.Unlock()
		return // given up before the challenge came
	}
	auth, err := c.phone.authorize(res, o.method, o.uri)
	if err == nil {
		o.tried, o.auth = true, auth
		err = o.send()
	}
	c.mu.Unlock()
	if err != nil {
		o.done(nil, err)
	}
}

// inviteResponse handles every response to the INVITE that placed the call.
func (c *Call) inviteResponse(res *sip.Response, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.finish(End{By: Far, Reason: err.Error()})
	case res.IsProvisional():
		c.progress(res)
	case res.IsSuccess():
		c.connected(res)
	default:
		c.finish(End{By: Far, Status: res.StatusCode, Reason: res.Reason})
	}
}

// progress handles a provisional response. c.mu is held.
func (c *Call) progress(res *sip.Response) {
	first := !c.heardOf
	c.heardOf = true
	if c.giveUp {
		if first {
			c.cancel()
		}
		return
	}
	if c.state != calling {
		return
	}
	if res.StatusCode == 180 && c.times.Ringing.IsZero() {
		c.times.Ringing = time.Now()
		close(c.ringing)
	}
	if m, err := parseMedia(res.Body()); len(res.Body()) > 0 && err == nil {
		if c.times.Early.IsZero() {
			c.times.Early = time.Now()
		}
		c.agreed = m
		c.sound.agree(m, false)
	}
}

// cancel sends CANCEL for our INVITE. c.mu is held.
func (c *Call) cancel() {
	o := c.attempt
	message := c.message(o.uri, "CANCEL", o.branch, o.cseq, "<"+c.target+">", "", nil)
	tx := &clientTx{to: c.hop, message: message, done: func(*sip.Response, error) {}}
	// A site that is closed has ended the call already.
	_ = c.site.start(tx, o.branch, "CANCEL")
	// RFC 3261, 9.1: if no final response follows, the INVITE is over all the same.
	o.tx.mu.Lock()
	defer o.tx.mu.Unlock()
	if !o.tx.final {
		o.tx.timer = time.AfterFunc(timerGiveUp, func() { c.site.forget(o.tx) })
	}
}

// connected handles a 2xx to our INVITE, the first or a repeated one. c.mu is held.
func (c *Call) connected(res *sip.Response) {
	tag, _ := res.To().Params.Get("tag")
	if c.ack != nil {
		if tag == c.ackedTag {
			_ = c.site.write(c.ack, c.hop)
		}
		return
	}
	c.establish(res.To().Value(), res.Contact(), res.GetHeaders("Record-Route"), true)
	c.ackedTag = tag
	c.ack = c.message(c.remote, "ACK", sip.GenerateBranchN(16), c.attempt.cseq, c.to, "", nil)
	_ = c.site.write(c.ack, c.hop)
	if c.state != calling {
		c.bye() // the answer crossed our CANCEL
		return
	}
	m, err := parseMedia(res.Body())
	if err != nil {
		c.bye()
		c.finish(End{By: Us, Reason: err.Error()})
		return
	}
	c.agreed = m
	c.nowUp()
	c.sound.agree(m, true)
}

// nowUp marks the answer. c.mu is held.
func (c *Call) nowUp() {
	c.state = up
	c.times.Answered = time.Now()
	close(c.answered)
}

// establish notes where the requests of the dialog go. to is the far end's
// header value with its tag. c.mu is held.
func (c *Call) establish(to string, contact *sip.ContactHeader, records []sip.Header, reverse bool) {
	c.to = to
	if contact != nil {
		c.remote = contact.Address.String()
		if hop, err := hopOf(c.remote); err == nil {
			c.hop = hop
		}
	}
	c.routes = nil
	for _, r := range records {
		for v := range strings.SplitSeq(r.Value(), ",") {
			c.routes = append(c.routes, strings.TrimSpace(v))
		}
	}
	if reverse {
		slices.Reverse(c.routes)
	}
	if len(c.routes) > 0 {
		first := strings.TrimPrefix(c.routes[0], "<")
		first, _, _ = strings.Cut(first, ">")
		if hop, err := hopOf(first); err == nil {
			c.hop = hop
		}
	}
}

// bye sends BYE. c.mu is held.
func (c *Call) bye() {
	o := &outgoing{call: c, method: "BYE", done: func(*sip.Response, error) {}}
	_ = o.send() // fails only when the site is closed
}

// errPending means that the far end, or we, are still busy with another change.
var errPending = errors.New("another change is under way")

// setHold changes the hold, and tries again when that collides with another change.
func (c *Call) setHold(ctx context.Context, hold bool) error {
	for {
		err := c.tryHold(ctx, hold)
		if errors.Is(err, errPending) {
			// RFC 3261, 14.1: whoever placed the call waits longer.
			pause := rand.N(timerGlare)
			if c.outgoing {
				pause = timerGlare + rand.N(timerGlare)
			}
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
				continue
			case <-ctx.Done():
				timer.Stop()
			}
		}
		if err != nil {
			return fmt.Errorf("call %s: change hold: %w", c.target, err)
		}
		return nil
	}
}

// tryHold sends a re-INVITE and waits for its final response.
func (c *Call) tryHold(ctx context.Context, hold bool) error {
	got := make(chan error, 1)
	c.mu.Lock()
	if c.state != up || c.reinviting || c.awaitsAck {
		defer c.mu.Unlock()
		if c.state != up {
			return errors.New("the call is not up")
		}
		return errPending
	}
	c.reinviting = true
	c.version++
	direction := sendrecv
	if hold {
		direction = sendonly
	}
	o := &outgoing{call: c, method: "INVITE", body: c.offer(direction)}
	o.done = func(res *sip.Response, err error) { c.reinviteResponse(o, hold, got, res, err) }
	err := o.send()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case err := <-got:
		return err
	case <-c.done:
		return errors.New("the call ended")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reinviteResponse handles every response to a re-INVITE of ours.
func (c *Call) reinviteResponse(o *outgoing, hold bool, got chan<- error, res *sip.Response, err error) {
	if err == nil && res.IsProvisional() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && res.IsSuccess() {
		if o.ack == nil {
			o.ack = c.message(c.remote, "ACK", sip.GenerateBranchN(16), o.cseq, c.to, "", nil)
		}
		_ = c.site.write(o.ack, c.hop)
	}
	if o.answered {
		return // a repeated 2xx; another re-INVITE may be under way already
	}
	o.answered, c.reinviting = true, false
	var m media
	switch {
	case err != nil:
	case res.StatusCode == 491:
		err = errPending
	case !res.IsSuccess():
		err = fmt.Errorf("the far end says %d %s", res.StatusCode, res.Reason)
	default:
		m, err = parseMedia(res.Body())
	}
	if err == nil && c.state == up {
		c.holding, c.agreed = hold, m
		c.sound.setHeld(hold)
		c.sound.agree(m, true)
	}
	got <- err
}
