package phone

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// invited begins an incoming call. It runs on the site's reading goroutine.
func (p *Phone) invited(req *sip.Request, from netip.AddrPort, branch string) {
	c := newCall(p, false)
	c.callID, c.tag, c.branch, c.invite = req.CallID().Value(), sip.GenerateTagN(12), branch, req
	c.number = req.From().Address.User
	c.target = "from " + mask(c.number)
	c.state = alerting
	c.session, c.version = rand.Uint64N(1<<53), 1
	c.from = req.To().Value() + ";tag=" + c.tag
	c.hop = from
	c.replyTo, c.replyCSeq = from, req.CSeq().SeqNo
	c.times.Placed = time.Now()
	c.cseq = rand.Uint32N(1 << 15)
	c.establish(req.From().Value(), req.Contact(), req.GetHeaders("Record-Route"), false)
	c.site.mu.Lock()
	c.site.dialogs[c.callID+" "+c.tag] = c
	c.site.invites[branch] = c
	c.site.mu.Unlock()

	status := p.take(c, true)
	if status == 0 && len(req.Body()) > 0 {
		if m, err := parseMedia(req.Body()); err != nil {
			status = 488
		} else {
			c.agreed = m
		}
	}
	if status != 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refuse(status)
		return
	}
	p.mu.Lock()
	decide := p.onInvite
	p.mu.Unlock()
	c.follow(decide(c))
}

// mask hides the middle of a telephone number.
func mask(number string) string {
	if len(number) < 7 {
		return number
	}
	return number[:3] + "****" + number[len(number)-2:]
}

// follow carries out the plan of a call that comes in.
func (c *Call) follow(plan Plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != alerting {
		return
	}
	act := c.accept
	if plan.Status >= 300 {
		act = func() { c.refuse(plan.Status) }
	}
	if plan.Status != 0 && plan.After <= 0 {
		act()
		return
	}
	c.times.Ringing = time.Now()
	close(c.ringing)
	c.respondInvite(180, nil)
	if plan.Status == 0 {
		return
	}
	c.plan = time.AfterFunc(plan.After, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.state == alerting {
			act()
		}
	})
}

// accept answers with 200. c.mu is held.
func (c *Call) accept() {
	sound, err := newStream(c.site.local.Addr(), c.phone.Tone())
	if err != nil {
		c.refuse(500)
		return
	}
	c.sound = sound
	body := c.offer(sendrecv)
	late := len(c.invite.Body()) == 0
	if !late {
		body = c.answerTo(c.agreed)
	}
	c.respondInvite(200, body)
	c.nowUp()
	if !late {
		c.sound.agree(c.agreed, true)
	}
}

// answerTo describes our audio in answer to an offer. c.mu is held.
func (c *Call) answerTo(offer media) []byte {
	direction := offer.answer()
	if c.holding {
		direction = inactive
		if offer.farReceives() {
			direction = sendonly
		}
	}
	return describe(c.localMedia(), c.session, c.version, []uint8{offer.codec}, offer.events, direction)
}

// refuse ends an incoming call with a status. c.mu is held.
func (c *Call) refuse(status int) {
	c.respondInvite(status, nil)
	c.finish(End{By: Us, Status: status, Reason: reasonOf(status)})
}

// respondInvite responds to the INVITE that is open, and repeats a final
// response until it is acknowledged. c.mu is held.
func (c *Call) respondInvite(status int, body []byte) {
	extra := ""
	if status < 300 {
		extra = fmt.Sprintf("Contact: <%s>\r\n", c.phone.Contact())
	}
	c.reply, c.replyStatus = respond(c.invite, status, c.tag, extra, body), status
	// What is lost is repeated.
	_ = c.site.write(c.reply, c.replyTo)
	if status < 200 {
		return
	}
	c.awaitsAck = true
	c.replyInterval, c.replyBegan = timerT1, time.Now()
	c.replyTimer = time.AfterFunc(c.replyInterval, c.repeatReply)
}

// repeatReply sends the final response again that the far end has not acknowledged.
func (c *Call) repeatReply() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.awaitsAck {
		return
	}
	if time.Since(c.replyBegan) >= timerGiveUp {
		c.awaitsAck = false
		if c.byeAfterAck {
			c.byeOwed()
		} else if c.replyStatus < 300 {
			c.bye() // RFC 3261, 13.3.1.4
			c.finish(End{By: Us, Reason: "our answer was never acknowledged"})
		}
		return
	}
	c.replyInterval = min(2*c.replyInterval, timerT2)
	c.replyTimer.Reset(c.replyInterval)
	_ = c.site.write(c.reply, c.replyTo)
}

// byeOwed sends the BYE that waited for the ACK. c.mu is held.
func (c *Call) byeOwed() {
	c.byeAfterAck = false
	c.bye()
	c.site.owe(-1)
}

// request handles a request of the dialog, or a repetition of what began it.
// It runs on the site's reading goroutine.
func (c *Call) request(req *sip.Request, from netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch req.Method {
	case sip.INVITE:
		c.invitedAgain(req, from)
	case sip.ACK:
		c.acknowledged(req)
	case sip.CANCEL:
		c.site.reply(req, from, 200, c.tag)
		if c.state == alerting {
			c.respondInvite(487, nil)
			c.finish(End{By: Far, Status: 487, Reason: "the caller gave up"})
		}
	case sip.BYE:
		c.site.reply(req, from, 200, c.tag)
		if c.state == alerting {
			c.respondInvite(487, nil)
		}
		c.finish(End{By: Far, Reason: "hung up"})
	case sip.OPTIONS, sip.INFO, sip.NOTIFY, sip.MESSAGE:
		c.site.reply(req, from, 200, c.tag)
	default:
		c.site.reply(req, from, 405, c.tag)
	}
}

// acknowledged handles an ACK. c.mu is held.
func (c *Call) acknowledged(req *sip.Request) {
	if !c.awaitsAck || req.CSeq().SeqNo != c.replyCSeq {
		return
	}
	c.awaitsAck = false
	c.replyTimer.Stop()
	if c.byeAfterAck {
		c.byeOwed()
		return
	}
	if c.state == up && len(c.invite.Body()) == 0 {
		// Our 200 held the offer; this is the answer.
		m, err := parseMedia(req.Body())
		if err != nil {
			c.bye()
			c.finish(End{By: Us, Reason: err.Error()})
			return
		}
		c.changeTo(m)
	}
}

// invitedAgain handles a repeated INVITE or a re-INVITE. c.mu is held.
func (c *Call) invitedAgain(req *sip.Request, from netip.AddrPort) {
	if c.reply != nil && req.CSeq().SeqNo == c.replyCSeq {
		_ = c.site.write(c.reply, c.replyTo)
		return
	}
	switch {
	case c.state != up:
		c.site.reply(req, from, 481, c.tag)
		return
	case c.reinviting || c.awaitsAck:
		c.site.reply(req, from, 491, c.tag)
		return
	}
	var offer media
	var err error
	if len(req.Body()) > 0 {
		if offer, err = parseMedia(req.Body()); err != nil {
			c.site.reply(req, from, 488, c.tag)
			return
		}
	}
	c.invite, c.replyTo, c.replyCSeq = req, from, req.CSeq().SeqNo
	if contact := req.Contact(); contact != nil {
		c.remote = contact.Address.String() // target refresh, RFC 3261, 12.2.2
	}
	c.version++
	if len(req.Body()) == 0 {
		direction := sendrecv
		if c.holding {
			direction = sendonly
		}
		c.respondInvite(200, c.offer(direction))
		return
	}
	c.respondInvite(200, c.answerTo(offer))
	c.changeTo(offer)
}

// changeTo takes over what the far end says about its audio. c.mu is held.
func (c *Call) changeTo(m media) {
	c.agreed = m
	c.farHolds = m.direction == sendonly || m.direction == inactive
	c.sound.agree(m, true)
}
