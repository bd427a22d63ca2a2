package app

import (
	"context"
	"sync"

	"hotline/internal/acd"
	"hotline/internal/httpapi"
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
	return t.Snapshot(ctx)
}

// Request implements httpapi's Control.
func (d *desk) Request(ctx context.Context, event acd.Event) error {
	t, err := d.now()
	if err != nil {
		return err
	}
	return t.Request(ctx, event)
}

// Ready lists what keeps this controller from serving callers.
func (d *desk) Ready() []error {
	t, err := d.now()
	if err != nil {
		return nil // which the snapshot says
	}
	return t.Ready()
}
