package faults

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"hotline/internal/acd"
)

// Options say what Run does.
type Options struct {
	Binary string // the program under test
	Next   string // the same of another version, for the upgrade; empty: that row is skipped
	Dir    string // for everything that is written
	Names  []string
	Seed   uint64
	Quick  bool // shorter faults
	// NoHosts, when not empty, is why this process cannot make networks of hosts: rows
	// that need one are skipped.
	NoHosts string
	// LogLevel is that of the controllers; info if empty.
	LogLevel string
}

// Result is what became of one row. OK is the verdict.
type Result struct {
	Name    string `json:"name"`
	Fault   string `json:"fault"`
	OK      bool   `json:"ok"`
	Skipped string `json:"skipped,omitempty"` // why it was not run

	Injected   time.Time `json:"injected,omitzero"`
	InProgress int       `json:"in_progress"` // calls when the fault was injected
	Talking    int       `json:"talking"`     // of these
	Served     int       `json:"served"`      // calls in the whole run that talked and were ended by one of the two
	Dropped    int       `json:"dropped"`
	Died       int       `json:"died"`     // calls of an Asterisk that was killed
	Shed       int       `json:"shed"`     // turned away in an overload
	Unserved   int       `json:"unserved"` // still waiting at the end
	LostPlace  int       `json:"lost_place"`

	RecordsLost   int `json:"records_lost"`
	RecordsDouble int `json:"records_double"`
	RecordsWrong  int `json:"records_wrong"`
	AudioBroken   int `json:"audio_broken"`

	// Resumed is the longest time, from the fault on, for which an agent was free and
	// not rung while callers waited; Usual is the longest before the fault. Limit is what
	// the row allows beyond what is usual on this machine, of which usualAtMost counts.
	Resumed time.Duration `json:"resumed_ns"`
	Usual   time.Duration `json:"usual_ns"`
	Limit   time.Duration `json:"limit_ns"`

	Notes []string `json:"notes,omitempty"`
	Wrong []string `json:"wrong,omitempty"` // why it is not OK, apart from the figures

	resumedAt    time.Time
	resumedAgent string
}

const (
	steadyWithin = 40 * time.Second
	// settle is how long the load goes on after the fault at least, and at most until
	// all agents have been rung.
	settle, settleAtMost = 5 * time.Second, 30 * time.Second
	drainWithin          = 60 * time.Second
	// rowTimeout bounds a row in any case.
	rowTimeout = 5 * time.Minute
	mostNotes  = 12
	// usualAtMost bounds the allowance for a machine that is busy with the phones.
	usualAtMost = time.Second
)

func (r *Result) note(format string, args ...any) {
	if len(r.Notes) < mostNotes {
		r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
	}
}

func (r *Result) wrong(format string, args ...any) {
	r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
}

// judge gives the verdict.
func (r *Result) judge() {
	r.OK = r.Dropped == 0 && r.Unserved == 0 && r.LostPlace == 0 && r.RecordsLost == 0 && r.RecordsDouble == 0 &&
		r.RecordsWrong == 0 && r.AudioBroken == 0 && r.Resumed <= r.Limit+min(r.Usual, usualAtMost) && len(r.Wrong) == 0
}

// Run runs the rows that are named, all when none is, and tells each result. The error
// says that a name is unknown.
func Run(ctx context.Context, o Options, told func(Result)) error {
	for _, name := range o.Names {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.Name == name }) {
			return fmt.Errorf("there is no fault %q; there are %v", name, Names())
		}
	}
	for _, r := range rows {
		if len(o.Names) > 0 && !slices.Contains(o.Names, r.Name) {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		told(r.run(ctx, o))
	}
	return nil
}

// Names are those of all rows.
func Names() (names []string) {
	for _, r := range rows {
		names = append(names, r.Name)
	}
	return names
}

// run runs one row in a hotline of its own.
func (w row) run(ctx context.Context, o Options) Result {
	result := Result{Name: w.Name, Fault: w.Fault, Limit: w.Limit}
	if w.Skip != nil {
		result.Skipped = w.Skip(o)
	}
	if w.Setup.Hosts && result.Skipped == "" {
		result.Skipped = o.NoHosts
	}
	if result.Skipped != "" {
		result.OK = true
		return result
	}
	ctx, cancel := context.WithTimeout(ctx, rowTimeout)
	defer cancel()
	if err := w.measure(ctx, o, &result); err != nil {
		result.wrong("%v", err)
	} else if w.Shed && result.Shed == 0 {
		result.wrong("nobody was turned away")
	}
	result.judge()
	return result
}

func (w row) measure(ctx context.Context, o Options, result *Result) error {
	s := w.Setup
	if s.Load == (load{}) {
		s.Load = ordinary
	}
	return inHouse(ctx, filepath.Join(o.Dir, w.Name), o, s, result, func(ctx context.Context, h *house) error {
		return w.Inject(ctx, h, o, result)
	})
}

// inHouse brings everything up, fills the house, lets something break, and reckons what
// has become of the calls when all have been served.
func inHouse(ctx context.Context, dir string, o Options, s setup, result *Result, breaks func(context.Context, *house) error) (err error) {
	h, err := openHouse(ctx, dir, o, s)
	if err != nil {
		return fmt.Errorf("bring it up: %w", err)
	}
	defer func() { err = errors.Join(err, h.close()) }()
	h.excuse = excuse{Silent: 1500 * time.Millisecond}
	calling, stopCalling := context.WithCancel(ctx)
	called := make(chan struct{})
	go func() { defer close(called); h.crowd.run(calling) }()
	defer func() { stopCalling(); <-called }()
	if err := until(ctx, steadyWithin, "all agents talk and callers wait", func(context.Context) bool { return h.crowd.steady() }); err != nil {
		return fmt.Errorf("%w: %+v", err, h.crowd.count())
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	n := h.crowd.fault()
	result.Injected, result.InProgress, result.Talking = time.Now(), n.calls, n.talking
	if err := breaks(ctx, h); err != nil {
		result.wrong("%v", err)
	}
	if err := pause(ctx, settle); err != nil {
		return err
	}
	_ = until(ctx, settleAtMost, "all agents are rung", func(context.Context) bool { return h.crowd.allOffered() }) // the gaps tell
	stopCalling()
	<-called
	draining, cancel := context.WithTimeout(ctx, drainWithin)
	h.crowd.drain(draining)
	cancel()
	return h.reckon(ctx, result)
}

// reckon compares everything when all have hung up.
func (h *house) reckon(ctx context.Context, result *Result) error {
	if err := until(ctx, 15*time.Second, "somebody leads and has no calls", func(ctx context.Context) bool {
		api := h.api(ctx)
		if api == nil {
			return false
		}
		live, err := api.Snapshot(ctx)
		return err == nil && len(live.Calls) == 0
	}); err != nil {
		result.wrong("%v", err)
	}
	for _, kind := range []string{"channels", "bridges"} {
		if err := until(ctx, 10*time.Second, "Asterisk has no "+kind, func(ctx context.Context) bool {
			n, err := h.left(ctx, kind)
			return err == nil && n == 0
		}); err != nil {
			result.wrong("%v", err)
		}
	}
	h.agentsReady(ctx, result)
	// Records are written behind; what is not there in time is lost.
	_ = until(ctx, 10*time.Second, "all calls have records", func(ctx context.Context) bool {
		found, err := records(ctx, h.lab)
		return err == nil && len(found) >= h.crowd.reached()
	})
	h.breaches(ctx, result)
	if err := h.stopServing(ctx); err != nil {
		result.wrong("%v", err)
	}
	found, err := records(ctx, h.lab)
	if err != nil {
		return fmt.Errorf("read the records: %w", err)
	}
	h.crowd.account(found, h.excuse, result)
	result.note("%d calls were served, %d turned away", result.Served, result.Shed)
	if text, err := h.lab.Verify(ctx); err != nil {
		result.wrong("hotline traffic verify: %v %s", err, text)
	}
	return nil
}

// agentsReady notes the agents who would not be rung any more.
func (h *house) agentsReady(ctx context.Context, result *Result) {
	api := h.api(ctx)
	if api == nil {
		return
	}
	live, err := api.Snapshot(ctx)
	if err != nil {
		return
	}
	for _, a := range live.Agents {
		if a.State != acd.Ready {
			result.note("agent %s is %s %s at the end", a.ID, a.State, a.Reason)
		}
	}
}
