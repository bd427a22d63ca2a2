package versus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hotline/internal/devstack"
)

// Options are those of a run.
type Options struct {
	Plan   Plan
	Dir    string    // for everything that is written; made if need be
	Binary string    // the program hotline
	Sides  []Side    // those measured; none: both
	Out    io.Writer // gets a line for each measurement
}

// Run measures every point on both sides in all rounds; the sides take turns. The
// samples that there are come with an error too.
func Run(ctx context.Context, o Options) ([]Sample, error) {
	var samples []Sample
	began, longest := time.Now(), time.Duration(0)
	for round := range o.Plan.Rounds {
		if round > 0 && o.Plan.Limit > 0 && time.Since(began)+longest > o.Plan.Limit {
			fmt.Fprintf(o.Out, "no time for more than %d rounds\n", round)
			break
		}
		start := time.Now()
		list, err := runRound(ctx, o, round)
		for n := range list {
			list[n].Round = round + 1
		}
		samples = append(samples, list...)
		if err != nil {
			return samples, fmt.Errorf("round %d, %w", round+1, err)
		}
		longest = max(longest, time.Since(start))
	}
	return samples, nil
}

func runRound(ctx context.Context, o Options, round int) (samples []Sample, err error) {
	sides := slices.Clone(o.Sides)
	if len(sides) == 0 {
		sides = Sides()
	}
	if round%2 == 1 {
		slices.Reverse(sides)
	}
	for i, points := range o.Plan.Sessions {
		for _, side := range sides {
			dir := filepath.Join(o.Dir, fmt.Sprintf("round%d-%d-%s", round+1, i+1, side))
			list, err := runSession(ctx, o, side, points, dir)
			samples = append(samples, list...)
			if err != nil {
				return samples, fmt.Errorf("%s: %w", side, err)
			}
		}
	}
	return samples, nil
}

// session is one start of a side and the phones that are in use.
type session struct {
	running
	side  Side
	dir   string
	phone uint16 // port of the agents' phones
	// Of points of the kind Waiting: the phones stay from one to the next.
	agents  *sipp
	callers []*sipp
	held    int // calls that callers keep up together
}

// startLimit bounds how long a side may take to be ready.
const startLimit = time.Minute

func runSession(ctx context.Context, o Options, side Side, points []Point, dir string) (samples []Sample, err error) {
	port, err := devstack.FreePorts(1)
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	starting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	r, err := side.start(starting, dir, o.Binary, points[0], port[0])
	if err != nil {
		return nil, err
	}
	s := &session{running: r, side: side, dir: dir, phone: port[0]}
	defer func() {
		s.endPhones()
		if late := s.stop(); late != nil {
			fmt.Fprintln(o.Out, late) // what was measured stands, however it ends
		}
	}()
	for i, p := range points {
		phones := filepath.Join(dir, fmt.Sprintf("phones%d", i+1))
		var one Sample
		var err error
		if p.Kind == Waiting {
			one, err = s.waiting(ctx, p, phones)
		} else {
			one, err = s.rate(ctx, p, phones)
		}
		if err != nil {
			return samples, fmt.Errorf("%s: %w", p.Name(), err)
		}
		one.Side, one.Point = side, p.Name()
		samples = append(samples, one)
		fmt.Fprintln(o.Out, one)
	}
	return samples, nil
}

// endPhones ends all phones. Callers who wait are not hung up: what they are
// waiting in ends next.
func (s *session) endPhones() {
	for _, c := range s.callers {
		c.kill()
	}
	if s.agents != nil {
		s.agents.end()
	}
	s.callers, s.agents = nil, nil
}

// reading is what the processes have used up to a moment.
type reading struct {
	at        time.Time
	cpu       map[string]time.Duration
	counts    counts
	connected int
}

// read takes a reading; first says that the time of the processes begins with it,
// so that asking them is not part of what they are asked about.
func (s *session) read(ctx context.Context, first bool) (reading, error) {
	r := reading{cpu: map[string]time.Duration{}}
	used := func() (err error) {
		r.at = time.Now()
		for name, pid := range s.pids() {
			if r.cpu[name], err = ProcessorTime(pid); err != nil {
				return err
			}
		}
		return nil
	}
	asked := func() (err error) {
		if r.counts, err = s.counts(ctx); err != nil {
			return err
		}
		r.connected, err = s.connected(ctx)
		return err
	}
	if first {
		return r, errors.Join(asked(), used())
	}
	return r, errors.Join(used(), asked())
}

func (s *session) forgetPeaks() {
	for _, pid := range s.pids() {
		_ = forgetPeak(pid) // without the right to, the peak is that since the start
	}
}

const (
	// settle is how long the accounts may take after the last call.
	settle = 5 * time.Second
	// patience is by how much a point may take longer than planned.
	patience = 20 * time.Second
	look     = 100 * time.Millisecond
)

// rate lets a fixed number of callers come, and measures from before the first
// until after the last.
func (s *session) rate(ctx context.Context, p Point, dir string) (Sample, error) {
	agents, err := agentsPhones(ctx, filepath.Join(dir, "agents"), s.phone, p)
	if err != nil {
		return Sample{}, err
	}
	s.agents = agents
	s.forgetPeaks()
	total := int(p.Window.Seconds() * float64(p.Rate))
	var heard *ears
	var numbers []numbered
	if p.Kind == Audio {
		if heard, err = listenAs(total); err != nil {
			return Sample{}, err
		}
		defer func() { _ = heard.close() }()
		numbers = heard.callers
	}
	before, err := s.read(ctx, true)
	if err != nil {
		return Sample{}, err
	}
	callers, err := callersPhones(filepath.Join(dir, "callers"), s.sip(), p.Rate, total, total, numbers)
	if err != nil {
		return Sample{}, err
	}
	s.callers = []*sipp{callers}
	bounded, cancel := context.WithTimeout(ctx, p.Window+patience)
	defer cancel()
	if err := callers.wait(bounded); ctx.Err() != nil {
		return Sample{}, err
	}
	after, err := s.settled(ctx, before.connected+total)
	if err != nil {
		return Sample{}, err
	}
	sample := s.sample(before, after)
	s.endPhones()
	talks, err := agents.conversations()
	if err != nil {
		return Sample{}, err
	}
	placed, err := callers.conversations()
	if err != nil {
		return Sample{}, err
	}
	sample.Placed, sample.Answered = len(placed), completed(talks)
	sample.Completed, sample.Resent = completed(placed), resent(placed)
	sample.Seconds = lastEnd(placed).Sub(placed[0].invited).Seconds()
	if heard != nil {
		shown, err := agents.notes()
		if err != nil {
			return Sample{}, err
		}
		delays, spoken := heard.delays(talks, shown)
		sample.Audio, sample.Spoken = spreadOf(delays), spoken
	}
	return sample, nil
}

// settled takes a reading when so many calls are accounted for, or in vain.
func (s *session) settled(ctx context.Context, connected int) (reading, error) {
	r, err := s.read(ctx, false)
	for end := time.Now().Add(settle); err == nil && r.connected < connected && time.Now().Before(end); {
		time.Sleep(look)
		// What is looked for later is not part of the time that was used.
		r.connected, err = s.running.connected(ctx)
	}
	return r, err
}

// waiting fills the queue to so many callers, and measures while each who is
// served is followed by another.
func (s *session) waiting(ctx context.Context, p Point, dir string) (Sample, error) {
	if s.agents == nil {
		agents, err := agentsPhones(ctx, filepath.Join(dir, "agents"), s.phone, p)
		if err != nil {
			return Sample{}, err
		}
		s.agents = agents
	}
	s.forgetPeaks()
	keep := p.Waiting + p.Agents
	callers, err := callersPhones(filepath.Join(dir, "callers"), s.sip(), p.Rate, keep-s.held, 0, nil)
	if err != nil {
		return Sample{}, err
	}
	s.callers, s.held = append(s.callers, callers), keep
	if err := s.filled(ctx, p, keep); err != nil {
		return Sample{}, err
	}
	before, err := s.read(ctx, true)
	if err != nil {
		return Sample{}, err
	}
	pause := time.NewTimer(p.Window)
	select {
	case <-pause.C:
	case <-ctx.Done():
		pause.Stop()
		return Sample{}, ctx.Err()
	}
	after, err := s.read(ctx, false)
	if err != nil {
		return Sample{}, err
	}
	sample := s.sample(before, after)
	talks, err := s.agents.conversations()
	if err != nil {
		return Sample{}, err
	}
	for _, c := range talks {
		if c.complete() && !c.hungUp.Before(before.at) && c.hungUp.Before(after.at) {
			sample.Answered++
		}
	}
	sample.Seconds = after.at.Sub(before.at).Seconds()
	shown, err := s.agents.notes()
	if err != nil {
		return Sample{}, err
	}
	since, err := s.waitingSince()
	if err != nil {
		return Sample{}, err
	}
	sample.Gap = spreadOf(gaps(talks, before.at, after.at, func(c conversation) time.Time { return since[shown[c.id]] }))
	online, err := s.online()
	sample.Waiting = online - p.Agents
	return sample, err
}

// waitingSince is when each caller entered the queue, by the caller's number.
func (s *session) waitingSince() (map[string]time.Time, error) {
	since := make(map[string]time.Time)
	for _, c := range s.callers {
		list, err := c.conversations()
		if err != nil {
			return nil, err
		}
		for _, talk := range list {
			since[talk.number()] = talk.answered
		}
	}
	return since, nil
}

// online is how many callers wait or talk.
func (s *session) online() (n int, err error) {
	for _, c := range s.callers {
		list, err := c.conversations()
		if err != nil {
			return 0, err
		}
		for _, talk := range list {
			if !talk.answered.IsZero() && talk.hungUp.IsZero() {
				n++
			}
		}
	}
	return n, nil
}

// filled waits until nearly all are online who shall be, and all agents have had
// calls. Those who are missing are on their way in or out; when they do not come
// in time the sample tells how many there were.
func (s *session) filled(ctx context.Context, p Point, keep int) error {
	limit := time.Now().Add(patience + time.Duration(p.Waiting)*time.Second/time.Duration(p.Rate)*2)
	for {
		n, err := s.online()
		if err != nil {
			return err
		}
		if n >= keep-max(10, keep/100) || time.Now().After(limit) {
			break
		}
		pause := time.NewTimer(5 * look)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
	// Let the agents who began together come apart.
	pause := time.NewTimer(p.Talk)
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func completed(list []conversation) (n int) {
	for _, c := range list {
		if c.complete() {
			n++
		}
	}
	return n
}

func resent(list []conversation) (n int) {
	for _, c := range list {
		n += c.resent
	}
	return n
}

func lastEnd(list []conversation) (at time.Time) {
	for _, c := range list {
		if c.hungUp.After(at) {
			at = c.hungUp
		}
	}
	return at
}
