package phone

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// ErrNoResponse means that the far end did not answer a request in time.
var ErrNoResponse = errors.New("the far end does not respond")

// errClosed ends what was still open when a site was closed.
var errClosed = errors.New("the phone is closed")

// A clientTx is a request of ours that waits for its response: it is sent
// again until something comes back (RFC 3261, 17.1).
//
// Locks are taken in the order call, site, transaction; the callbacks run without any.
type clientTx struct {
	site    *Site
	key     string
	to      netip.AddrPort
	message []byte
	invite  bool
	// ackFor builds the ACK to a failure; only of an INVITE.
	ackFor func(res *sip.Response) []byte
	// done receives every response that matters (provisional ones and repeated
	// 2xx of an INVITE included), or nil with an error.
	done func(res *sip.Response, err error)

	settled bool // a final response came; kept only to absorb retransmissions. Owned by site.mu

	mu       sync.Mutex
	timer    *time.Timer
	interval time.Duration
	began    time.Time
	over     bool // no more retransmissions
	final    bool
}

// start sends the request and takes the responses from then on.
func (s *Site) start(tx *clientTx, branch, method string) error {
	tx.site, tx.key = s, branch+" "+method
	tx.interval, tx.began = timerT1, time.Now()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errClosed
	}
	s.sent[tx.key] = tx
	s.mu.Unlock()
	tx.mu.Lock()
	tx.timer = time.AfterFunc(tx.interval, tx.again)
	tx.mu.Unlock()
	// A failed send is repeated like a lost one.
	_ = s.write(tx.message, tx.to)
	return nil
}

// again sends the request once more, or gives up.
func (tx *clientTx) again() {
	tx.mu.Lock()
	if tx.over {
		tx.mu.Unlock()
		return
	}
	if time.Since(tx.began) >= timerGiveUp {
		tx.over = true
		tx.mu.Unlock()
		tx.site.forget(tx)
		tx.done(nil, ErrNoResponse)
		return
	}
	tx.interval *= 2
	if !tx.invite {
		tx.interval = min(tx.interval, timerT2)
	}
	tx.timer.Reset(tx.interval)
	tx.mu.Unlock()
	_ = tx.site.write(tx.message, tx.to)
}

// receive handles a response. It runs on the site's reading goroutine.
func (tx *clientTx) receive(res *sip.Response) {
	tx.mu.Lock()
	repeated := tx.final
	if !res.IsProvisional() {
		tx.final = true
	}
	if tx.invite || tx.final {
		tx.over = true
		tx.timer.Stop()
	}
	tx.mu.Unlock()

	switch {
	case !tx.invite && tx.final:
		tx.site.forget(tx)
	case tx.invite && tx.final && !repeated:
		tx.site.settle(tx)
	}
	if tx.invite && !res.IsProvisional() && !res.IsSuccess() {
		_ = tx.site.write(tx.ackFor(res), tx.to)
	}
	if repeated && !(tx.invite && res.IsSuccess()) {
		return
	}
	if !tx.invite && res.IsProvisional() {
		return
	}
	tx.done(res, nil)
}

func (tx *clientTx) stop() {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.over = true
	if tx.timer != nil {
		tx.timer.Stop()
	}
}

// forget removes a transaction that needs nothing more.
func (s *Site) forget(tx *clientTx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sent, tx.key)
	s.checkDrained()
}

// settle keeps an INVITE that has its final response a while longer, so that a
// repeated response is acknowledged again.
func (s *Site) settle(tx *clientTx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	tx.settled = true
	s.checkDrained()
	tx.mu.Lock()
	tx.timer = time.AfterFunc(timerLinger, func() { s.forget(tx) })
	tx.mu.Unlock()
}
