package app

import (
	"context"
	"errors"
	"sync"

	"hotline/internal/acd"
	"hotline/internal/alert"
	"hotline/internal/asterisk"
	"hotline/internal/httpapi"
	"hotline/internal/runner"
	"hotline/internal/term"
)

// desk is where the API asks: the term while this controller leads, else nobody.
type desk struct {
	mu   sync.Mutex
	term *term.Term            // guarded by mu; nil while it stands by
	why  *httpapi.StandbyError // guarded by mu; then who leads instead
}

func (d *desk) lead(t *term.Term) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.term, d.why = t, nil
}

func (d *desk) standBy(why *httpapi.StandbyError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.term, d.why = nil, why
}

func (d *desk) now() (*term.Term, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.term == nil {
		return nil, d.why
	}
	return d.term, nil
}

// Snapshot implements httpapi's Control.
func (d *desk) Snapshot(ctx context.Context) (acd.Snapshot, error) {
	t, err := d.now()
	if err != nil {
		return acd.Snapshot{}, err
	}
	s, err := t.Snapshot(ctx)
	return s, d.ended(err)
}

// Request implements httpapi's Control.
func (d *desk) Request(ctx context.Context, event acd.Event) error {
	t, err := d.now()
	if err != nil {
		return err
	}
	return d.ended(t.Request(ctx, event))
}

// ended says of a request that came when the term was just ending who is to be asked.
func (d *desk) ended(err error) error {
	if !errors.Is(err, runner.ErrStopped) {
		return err
	}
	if _, standby := d.now(); standby != nil {
		return standby
	}
	return err
}

// faults are the nodes that take no calls, why what happens is not written to Redis or to
// disk, and whether it is on disk at least.
func (d *desk) faults() (nodes []alert.Node, store error, spools bool) {
	t, err := d.now()
	if err != nil {
		return nil, nil, false // whoever looks is told that it stands by
	}
	for _, p := range t.Problems() {
		if p.Problem != asterisk.Starting {
			nodes = append(nodes, alert.Node{ID: p.Node, Why: p.Error()})
		}
	}
	return nodes, t.Store.Ready(), t.Store.Spools()
}

// Ready lists what keeps this controller from serving callers.
func (d *desk) Ready() []error {
	t, err := d.now()
	if err != nil {
		return nil // which the snapshot says
	}
	return t.Ready()
}
