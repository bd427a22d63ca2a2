package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/lab"
)

const (
	// calmAtLeast and calmAtMost are the time between two faults of a soak.
	calmAtLeast, calmAtMost = 9 * time.Second, 16 * time.Second
	// soakLimit is how long a free agent may wait for a call, whatever is broken.
	soakLimit = 8 * time.Second
	// fewSamples are not enough to say that something grows.
	fewSamples = 6
)

// mishap is one fault of a soak.
type mishap struct {
	name  string
	hosts bool // only where each part has a host
	do    func(ctx context.Context, s *soak) error
}

var mishaps = []mishap{
	{"leader killed", false, func(ctx context.Context, s *soak) error { return s.replace(ctx, (*lab.Instance).Kill) }},
	{"leader ended", false, func(ctx context.Context, s *soak) error { return s.replace(ctx, (*lab.Instance).Stop) }},
	{"handover", false, func(ctx context.Context, s *soak) error {
		_, err := s.h.lab.Hotline(ctx, "handover")
		return err
	}},
	{"leader stopped for a while", false, func(ctx context.Context, s *soak) error {
		leads, _, err := s.leading(ctx)
		if err != nil {
			return err
		}
		if err := leads.Pause(); err != nil {
			return err
		}
		err = pause(ctx, s.between(time.Second, 6*time.Second))
		return errors.Join(err, leads.Resume())
	}},
	{"Redis killed and restarted", false, func(ctx context.Context, s *soak) error {
		s.h.lab.Redis.Kill()
		if err := pause(ctx, s.between(0, 3*time.Second)); err != nil {
			return err
		}
		return s.h.lab.StartRedis(ctx)
	}},
	{"Redis stopped for a while", false, func(ctx context.Context, s *soak) error {
		if err := s.h.lab.Redis.Pause(); err != nil {
			return err
		}
		err := pause(ctx, s.between(0, 3*time.Second))
		return errors.Join(err, s.h.lab.Redis.Resume())
	}},
	{"Redis full", false, func(ctx context.Context, s *soak) error {
		return configured("maxmemory", "1mb", "0")(ctx, s.h, Options{Quick: true}, nil)
	}},
	{"node killed and restarted", false, func(ctx context.Context, s *soak) error {
		i := s.rng.IntN(len(s.h.lab.Nodes))
		node := s.h.lab.Nodes[i]
		s.h.excuse.Deaths = append(s.h.excuse.Deaths, death{acd.NodeID(node.Params.Node), time.Now()})
		node.Kill()
		if err := pause(ctx, s.between(time.Second, 8*time.Second)); err != nil {
			return err
		}
		return s.h.lab.StartNode(ctx, i)
	}},
	{"leader's cable out for a while", true, func(ctx context.Context, s *soak) error {
		leads, _, err := s.leading(ctx)
		if err != nil {
			return err
		}
		host := s.h.hosts.Controllers[0]
		if leads == s.h.standby {
			host = s.h.hosts.Controllers[1]
		}
		return unplugged(ctx, host, s.between(time.Second, 6*time.Second))
	}},
	{"Redis's cable out for a while", true, func(ctx context.Context, s *soak) error {
		return unplugged(ctx, s.h.hosts.Redis, s.between(time.Second, 6*time.Second))
	}},
	// Shorter than people bear hearing nothing.
	{"a node's cable out for a while", true, func(ctx context.Context, s *soak) error {
		return s.h.nodeAway(ctx, s.rng.IntN(len(s.h.hosts.Nodes)), s.between(time.Second, 3*time.Second))
	}},
}

// soak is one long run with one fault after the other.
type soak struct {
	h      *house
	rng    *rand.Rand
	series map[role][]sample // also of controllers that have ended
}

// role is a process that leads, or stands by: the one takes more than the other.
type role struct {
	pid   int
	leads bool
}

func (r role) String() string {
	if r.leads {
		return fmt.Sprintf("controller %d, leading,", r.pid)
	}
	return fmt.Sprintf("controller %d, standing by,", r.pid)
}

// sample is what a controller takes at a calm moment.
type sample struct{ memory, goroutines, descriptors float64 }

// Soak mixes faults with load for so long, and says what became of the calls. told hears
// of each fault.
func Soak(ctx context.Context, o Options, length time.Duration, told func(at time.Duration, fault string)) Result {
	result := Result{Name: "soak", Fault: fmt.Sprintf("one fault after the other for %s, seed %d", length, o.Seed), Limit: soakLimit}
	ctx, cancel := context.WithTimeout(ctx, length+rowTimeout)
	defer cancel()
	setup := setup{Standby: true, Nodes: 2, Hosts: o.NoHosts == "", Load: load{Agents: 8, Calls: 20, Long: 2, Silence: 5 * time.Second}}
	if o.NoHosts != "" {
		result.note("on loopback, no cable was taken out: %s", o.NoHosts)
	}
	err := inHouse(ctx, filepath.Join(o.Dir, "soak"), o, setup, &result, func(ctx context.Context, h *house) error {
		h.excuse.Order = 3 * time.Second // callers of a dead node go to the other two seconds later
		s := &soak{h: h, rng: rand.New(rand.NewPCG(o.Seed, 2)), series: map[role][]sample{}}
		err := s.run(ctx, length, told)
		s.flat(&result)
		return err
	})
	if err != nil {
		result.wrong("%v", err)
	}
	result.judge()
	return result
}

func (s *soak) run(ctx context.Context, length time.Duration, told func(time.Duration, string)) error {
	began := time.Now()
	possible := slices.DeleteFunc(slices.Clone(mishaps), func(m mishap) bool { return m.hosts && s.h.hosts == nil })
	for {
		if err := pause(ctx, s.between(calmAtLeast, calmAtMost)); err != nil {
			return err
		}
		if time.Since(began) > length {
			return nil
		}
		if err := until(ctx, 10*time.Second, "one controller leads and one stands by", func(ctx context.Context) bool {
			_, _, err := s.leading(ctx)
			return err == nil
		}); err != nil {
			return err
		}
		s.sample(ctx)
		m := possible[s.rng.IntN(len(possible))]
		told(time.Since(began), m.name)
		bounded, cancel := context.WithTimeout(ctx, time.Minute)
		err := m.do(bounded, s)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
}

// between draws a time.
func (s *soak) between(least, most time.Duration) time.Duration {
	return least + time.Duration(s.rng.Int64N(int64(most-least)))
}

// leading says who leads and who stands by.
func (s *soak) leading(ctx context.Context) (leads, standsBy *lab.Instance, err error) {
	for _, i := range s.h.instances() {
		health, err := i.Client.Health(ctx)
		if err != nil {
			return nil, nil, err
		}
		if health.Status == "ok" {
			leads = i
		} else {
			standsBy = i
		}
	}
	if leads == nil || standsBy == nil {
		return nil, nil, errors.New("not one controller leads and one stands by")
	}
	return leads, standsBy, nil
}

// replace ends the leader, and starts it again as the standby.
func (s *soak) replace(ctx context.Context, end func(*lab.Instance) error) error {
	leads, standsBy, err := s.leading(ctx)
	if err != nil {
		return err
	}
	if err := end(leads); err != nil {
		return err
	}
	if err := standsBy.AwaitReady(ctx); err != nil {
		return err
	}
	return leads.StandBy(ctx)
}

// sample looks at what the controllers take.
func (s *soak) sample(ctx context.Context) {
	for _, i := range s.h.instances() {
		goroutines, err := metric(ctx, i, "go_goroutines")
		if err != nil {
			continue
		}
		statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", i.PID()))
		if err != nil {
			continue
		}
		pages, _ := strconv.ParseFloat(strings.Fields(string(statm))[1], 64)
		descriptors, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", i.PID()))
		if err != nil {
			continue
		}
		health, err := i.Client.Health(ctx)
		if err != nil {
			continue
		}
		who := role{i.PID(), health.Status == "ok"}
		s.series[who] = append(s.series[who], sample{
			memory: pages * float64(os.Getpagesize()) / (1 << 20), goroutines: goroutines, descriptors: float64(len(descriptors)),
		})
	}
}

// flat says of each controller that has lived long enough whether it takes more and more.
func (s *soak) flat(result *Result) {
	judged := 0
	for who, all := range s.series {
		if len(all) < fewSamples {
			continue
		}
		judged++
		third := len(all) / 3
		for _, q := range []struct {
			name   string
			of     func(sample) float64
			spread float64 // that much more is no growth
		}{
			{"MiB of memory", func(x sample) float64 { return x.memory }, 25},
			{"goroutines", func(x sample) float64 { return x.goroutines }, 60},
			{"descriptors", func(x sample) float64 { return x.descriptors }, 30},
		} {
			early, late := mean(all[:third], q.of), mean(all[len(all)-third:], q.of)
			if late > 1.3*early+q.spread {
				result.wrong("%s takes more and more: %.0f %s at first, %.0f in the end", who, early, q.name, late)
			} else {
				result.note("%s took %.0f %s at first, %.0f in the end, of %d samples", who, early, q.name, late, len(all))
			}
		}
	}
	if judged == 0 {
		result.note("no controller led or stood by through %d faults, so none was judged by what it takes", fewSamples)
	}
}

func mean(all []sample, of func(sample) float64) (sum float64) {
	for _, x := range all {
		sum += of(x)
	}
	return sum / float64(len(all))
}
