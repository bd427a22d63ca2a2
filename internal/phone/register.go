package phone

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// leaveWait bounds how long a phone that is closed waits for its unregistration.
const leaveWait = time.Second

// registration is the phone's standing with its registrar.
type registration struct {
	mu      sync.Mutex // one REGISTER at a time
	callID  string
	tag     string
	cseq    uint32
	refresh *time.Timer
	ended   bool
}

// Register registers the phone at its server and keeps it registered until
// Close or Unregister.
func (p *Phone) Register(ctx context.Context) error {
	p.registration.mu.Lock()
	p.registration.ended = false
	p.registration.mu.Unlock()
	if err := p.register(ctx, p.cfg.Expires); err != nil {
		return fmt.Errorf("register phone %s at %s: %w", p.cfg.User, p.serverAddr(), err)
	}
	return nil
}

// Unregister takes the phone's contact off the registrar.
func (p *Phone) Unregister(ctx context.Context) error {
	p.registration.mu.Lock()
	p.registration.ended = true
	p.registration.mu.Unlock()
	if err := p.register(ctx, 0); err != nil {
		return fmt.Errorf("unregister phone %s at %s: %w", p.cfg.User, p.serverAddr(), err)
	}
	return nil
}

// leaveRegistrar unregisters if the phone is registered. A registrar that does
// not answer forgets the contact when it expires.
func (p *Phone) leaveRegistrar() {
	p.registration.mu.Lock()
	registered := p.registration.refresh != nil
	p.registration.mu.Unlock()
	if !registered {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveWait)
	defer cancel()
	_ = p.Unregister(ctx)
}

// register sends one REGISTER, answers a challenge, and plans the next.
func (p *Phone) register(ctx context.Context, expires time.Duration) error {
	r := &p.registration
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refresh != nil {
		r.refresh.Stop()
		r.refresh = nil
	}
	if r.callID == "" {
		r.callID, r.tag = sip.GenerateTagN(24), sip.GenerateTagN(12)
	}
	auth := ""
	for attempt := range 3 {
		res, err := p.sendRegister(ctx, expires, auth)
		if err != nil {
			return err
		}
		switch {
		case res.IsSuccess():
			if expires > 0 && !r.ended {
				// Well before the registrar forgets; a failed refresh is tried again soon.
				r.refresh = time.AfterFunc(granted(res, expires)*3/4, p.refresh)
			}
			return nil
		case (res.StatusCode == 401 || res.StatusCode == 407) && attempt < 2:
			if auth, err = p.authorize(res, "REGISTER", "sip:"+p.serverAddr()); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the server says %d %s", res.StatusCode, res.Reason)
		}
	}
	return errors.New("the server does not accept the password")
}

// granted is for how long the registrar keeps the phone: at most as long as asked
// for (RFC 3261, 10.3).
func granted(res *sip.Response, asked time.Duration) time.Duration {
	text := ""
	if contact := res.Contact(); contact != nil {
		text, _ = contact.Params.Get("expires")
	}
	if h := res.GetHeader("Expires"); text == "" && h != nil {
		text = h.Value()
	}
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return min(asked, time.Duration(seconds)*time.Second)
	}
	return asked
}

// refresh renews the registration, from the timer's goroutine.
func (p *Phone) refresh() {
	ctx, cancel := context.WithTimeout(context.Background(), p.cfg.Expires/8+time.Second)
	defer cancel()
	p.registration.mu.Lock()
	ended := p.registration.ended
	p.registration.mu.Unlock()
	if ended || p.register(ctx, p.cfg.Expires) == nil {
		return
	}
	p.registration.mu.Lock()
	defer p.registration.mu.Unlock()
	if !p.registration.ended {
		p.registration.refresh = time.AfterFunc(p.cfg.Expires/8, p.refresh)
	}
}

// sendRegister sends a REGISTER and waits for its response. registration.mu is held.
func (p *Phone) sendRegister(ctx context.Context, expires time.Duration, auth string) (*sip.Response, error) {
	uri, hop, err := p.resolve("sip:" + p.serverAddr())
	if err != nil {
		return nil, err
	}
	r := &p.registration
	r.cseq++
	branch := sip.GenerateBranchN(16)
	aor := fmt.Sprintf("<sip:%s@%s>", p.cfg.Account, hop.Addr())
	var b strings.Builder
	fmt.Fprintf(&b, "REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\n", uri, p.site.local, branch)
	fmt.Fprintf(&b, "From: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d REGISTER\r\n", aor, r.tag, aor, r.callID, r.cseq)
	fmt.Fprintf(&b, "Contact: <%s>\r\nExpires: %d\r\n%s", p.Contact(), int(expires.Seconds()), auth)
	writeBody(&b, nil)

	type result struct {
		res *sip.Response
		err error
	}
	got := make(chan result, 1)
	tx := &clientTx{to: hop, message: []byte(b.String()), done: func(res *sip.Response, err error) {
		got <- result{res, err}
	}}
	if err := p.site.start(tx, branch, "REGISTER"); err != nil {
		return nil, err
	}
	select {
	case r := <-got:
		return r.res, r.err
	case <-ctx.Done():
		tx.stop()
		p.site.forget(tx)
		return nil, fmt.Errorf("no answer: %w", ctx.Err())
	}
}

// authorize returns the header line that answers the challenge of a 401 or 407.
func (p *Phone) authorize(res *sip.Response, method, uri string) (string, error) {
	if p.cfg.Password == "" {
		return "", errors.New("the server asks for a password and the phone has none")
	}
	challenge, answer := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		challenge, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	for _, h := range res.GetHeaders(challenge) {
		c, err := digest.ParseChallenge(h.Value())
		if err != nil || !digest.CanDigest(c) {
			continue
		}
		cred, err := digest.Digest(c, digest.Options{
			Method: method, URI: uri, Username: p.cfg.Account, Password: p.cfg.Password, Count: 1,
		})
		if err != nil {
			return "", fmt.Errorf("answer the server's challenge: %w", err)
		}
		return answer + ": " + cred.String() + "\r\n", nil
	}
	return "", fmt.Errorf("the server's challenge (%s) is of no known kind", challenge)
}
