package access

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"regexp"
	"sync"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// Entry is one line of the audit log.
type Entry struct {
	ID     string    `json:"id"` // an entry may be stored twice when Redis falls silent while it is stored
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Via    Via       `json:"via"`
	Role   Role      `json:"role,omitempty"`
	From   string    `json:"from"`         // address
	Action string    `json:"action"`       // login, or method and route
	On     string    `json:"on,omitempty"` // whom or what
	What   string    `json:"what,omitempty"`
	Result string    `json:"result"` // Done, or the code of the refusal
}

// Done is the result of what was carried out.
const Done = "done"

const (
	// AuditKept is how long entries are kept: over the six months for which the
	// Cybersecurity Law of the PRC, article 21, wants logs kept.
	AuditKept = 200 * 24 * time.Hour
	// mostWaiting entries wait for the Store; older ones are then in the log only.
	mostWaiting = 20_000
	auditBatch  = 500
	auditRetry  = 2 * time.Second
	auditFlush  = 2 * time.Second
	// mostFailures are the failed logins that are noted in a minute: who guesses
	// must not be able to fill Redis.
	mostFailures = 60
)

// journal is what waits to be stored.
type journal struct {
	mu       sync.Mutex
	writing  sync.Mutex    // held while entries are stored
	waiting  []Entry       // guarded by mu
	lost     int           // guarded by mu; since it was last told
	minute   time.Time     // guarded by mu; in which failures were counted
	failures failedLogins  // guarded by mu; in that minute
	wake     chan struct{} // holds one token when there is an entry
}

// Note adds an entry. It never waits: the entry is logged at once and stored as soon as
// the Store takes it.
func (g *Guard) Note(e Entry) {
	e.ID, e.At = rand.Text(), g.now()
	g.log.Info("Audit", zap.String("who", e.Who), zap.String("via", string(e.Via)), zap.String("role", string(e.Role)), zap.String("from", e.From),
		zap.String("action", e.Action), zap.String("on", e.On), zap.String("what", e.What), zap.String("result", e.Result))
	if g.store == nil {
		return
	}
	g.audit.mu.Lock()
	if len(g.audit.waiting) >= mostWaiting {
		g.audit.waiting = g.audit.waiting[1:]
		g.audit.lost++
	}
	g.audit.waiting = append(g.audit.waiting, e)
	g.audit.mu.Unlock()
	select {
	case g.audit.wake <- struct{}{}:
	default:
	}
}

// failedLogins are counted apart: a return from an issuer that was made up costs nothing,
// and must not keep guesses at passwords out of the audit log.
type failedLogins struct{ password, issuer int }

// failed notes a failed login; what and result are the entry's. A name that is nobody's
// may be a password in the wrong field and is not kept.
func (g *Guard) failed(user, what, result string, from Origin) {
	minute := g.now().Truncate(time.Minute)
	g.audit.mu.Lock()
	if !g.audit.minute.Equal(minute) {
		g.audit.minute, g.audit.failures = minute, failedLogins{}
	}
	count := &g.audit.failures.password
	if what != "" {
		count = &g.audit.failures.issuer
	}
	*count++
	many := *count > mostFailures
	g.audit.mu.Unlock()
	if user == "" {
		user = "unknown"
	}
	if many {
		g.log.Warn("A login has failed, and so many before it that it is not in the audit log", zap.String("who", user), zap.String("from", from.Address))
		return
	}
	g.Note(Entry{Who: user, Via: BySession, From: from.Address, Action: "login", What: what, Result: result})
}

// Run stores entries of the audit log until ctx is done, and then what waits, for two
// seconds at most.
func (g *Guard) Run(ctx context.Context) error {
	for {
		retry := (<-chan time.Time)(nil)
		if err := g.Flush(ctx); err != nil && ctx.Err() == nil {
			g.log.Warn("The audit log is not stored; its entries wait and are in this log", zap.Error(err))
			retry = time.After(auditRetry)
		}
		if retry != nil {
			select {
			case <-ctx.Done():
			case <-retry:
				continue
			}
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditFlush)
			defer cancel()
			if err := g.Flush(last); err != nil {
				g.log.Error("The last entries of the audit log are in this log only", zap.Error(err))
			}
			return nil
		case <-g.audit.wake:
		}
	}
}

// Flush stores what waits.
func (g *Guard) Flush(ctx context.Context) error {
	g.audit.writing.Lock()
	defer g.audit.writing.Unlock()
	for {
		g.audit.mu.Lock()
		batch := append([]Entry(nil), g.audit.waiting[:min(len(g.audit.waiting), auditBatch)]...)
		lost := g.audit.lost
		g.audit.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := g.append(ctx, batch); err != nil {
			return err
		}
		g.audit.mu.Lock()
		// What was dropped from the front meanwhile was part of the batch.
		g.audit.waiting = g.audit.waiting[max(0, len(batch)-(g.audit.lost-lost)):]
		g.audit.mu.Unlock()
		if lost > 0 {
			g.log.Error("Entries of the audit log are in this log only: too many waited for Redis", zap.Int("entries", lost))
			g.audit.mu.Lock()
			g.audit.lost -= lost
			g.audit.mu.Unlock()
		}
	}
}

func (g *Guard) append(ctx context.Context, batch []Entry) error {
	var texts [][]byte
	for _, e := range batch {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	return g.store.Append(ctx, texts, AuditKept)
}

// AuditEntry is an entry with its place in the log.
type AuditEntry struct {
	Place string // for Audit
	Entry
}

// Audit reads entries, the newest first, from before a place on; empty for the end.
func (g *Guard) Audit(ctx context.Context, before string, limit int) ([]AuditEntry, error) {
	if before != "" && !logPlace.MatchString(before) {
		return nil, refuse(Invalid, "bad_place", "before is the place of an entry that was listed")
	}
	_ = g.Flush(ctx) // so that one sees what one has just done
	ctx, cancel := ask(ctx)
	defer cancel()
	logged, err := g.store.Latest(ctx, before, limit)
	if err != nil {
		return nil, away(err)
	}
	list := make([]AuditEntry, 0, len(logged))
	for _, l := range logged {
		e := AuditEntry{Place: l.ID}
		if err := json.Unmarshal(l.Entry, &e.Entry); err != nil {
			e.Entry = Entry{Action: "unreadable"}
		}
		list = append(list, e)
	}
	return list, nil
}

var (
	logPlace = regexp.MustCompile(`^[0-9]{1,15}-[0-9]{1,10}$`)
	numbers  = regexp.MustCompile(`[0-9]{7,}`)
)

// MaskNumbers masks whatever may be a phone number.
func MaskNumbers(text string) string { return numbers.ReplaceAllStringFunc(text, acd.Mask) }
