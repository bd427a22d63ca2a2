package versus

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Report is the outcome of a run.
type Report struct {
	Machine     Machine      `json:"machine"`
	Rounds      int          `json:"rounds"`
	Comparisons []Comparison `json:"comparisons"`
	Costs       []Cost       `json:"costs_of_hotline_per_answered_call"`
	Goals       []Goal       `json:"goals"`
	Samples     []Sample     `json:"samples"`
}

// Comparison sets the two sides against each other in one measure at one point:
// the medians over the rounds, and the ratio of each round, of which the median
// is given with the least and the greatest.
type Comparison struct {
	Point    string  `json:"point"`
	Measure  string  `json:"measure"`
	Unit     string  `json:"unit"`
	AppQueue float64 `json:"app_queue"`
	Hotline  float64 `json:"hotline"`
	Ratio    float64 `json:"ratio"` // hotline's, where that of app_queue is 1.00; 0: app_queue has none
	Least    float64 `json:"ratio_least"`
	Greatest float64 `json:"ratio_greatest"`
}

// Cost is what an answered call costs hotline at one point, in medians.
type Cost struct {
	Point       string  `json:"point"`
	Events      float64 `json:"ari_events"`
	Requests    float64 `json:"ari_requests"`
	Commands    float64 `json:"redis_commands"`
	RedisIn     float64 `json:"redis_bytes_in"`
	RedisOut    float64 `json:"redis_bytes_out"`
	Allocations float64 `json:"allocations"`
	Controller  float64 `json:"controller_cpu_ms"`
	Redis       float64 `json:"redis_cpu_ms"`
	Asterisk    float64 `json:"asterisk_cpu_ms"`
}

// The measures that goals refer to.
const (
	cpuMeasure     = "CPU per answered call"
	gapMeasure     = "agent free to phone ringing, p50"
	successMeasure = "calls connected"
	rateMeasure    = "calls answered a second"
)

var measures = []struct {
	name, unit string
	value      func(Sample) (float64, bool)
}{
	{cpuMeasure, "ms", func(s Sample) (float64, bool) { return 1000 * s.PerCall(s.TotalCPU()), s.Calls() > 0 }},
	{"of which Asterisk", "ms", func(s Sample) (float64, bool) { return 1000 * s.PerCall(s.CPU["asterisk"]), s.Calls() > 0 }},
	{successMeasure, "%", func(s Sample) (float64, bool) {
		return 100 * float64(s.Calls()) / float64(max(1, s.Placed)), s.Placed > 0
	}},
	{"of which with speech both ways", "%", func(s Sample) (float64, bool) {
		return 100 * float64(s.Spoken) / float64(max(1, s.Placed)), s.Spoken > 0
	}},
	{rateMeasure, "/s", func(s Sample) (float64, bool) {
		return float64(s.Calls()) / s.Seconds, s.Seconds > 0 && s.Audio.N == 0
	}},
	{gapMeasure, "ms", func(s Sample) (float64, bool) { return s.Gap.P50, s.Gap.N > 0 }},
	{"agent free to phone ringing, p99", "ms", func(s Sample) (float64, bool) { return s.Gap.P99, s.Gap.N > 0 }},
	{"answer to audio, p50", "ms", func(s Sample) (float64, bool) { return s.Audio.P50, s.Audio.N > 0 }},
	{"answer to audio, p99", "ms", func(s Sample) (float64, bool) { return s.Audio.P99, s.Audio.N > 0 }},
	{"memory", "MiB", func(s Sample) (float64, bool) { return float64(s.TotalMemory()) / (1 << 20), s.TotalMemory() > 0 }},
}

// Evaluate compares the samples of a run.
func Evaluate(m Machine, plan Plan, samples []Sample) Report {
	r := Report{Machine: m, Samples: samples}
	for _, s := range samples {
		r.Rounds = max(r.Rounds, s.Round)
	}
	for _, session := range plan.Sessions {
		for _, p := range session {
			of := func(side Side) (list []Sample) {
				for _, s := range samples {
					if s.Side == side && s.Point == p.Name() {
						list = append(list, s)
					}
				}
				return list
			}
			theirs, ours := of(AppQueue), of(Hotline)
			for _, measure := range measures {
				if c, ok := compare(theirs, ours, measure.value); ok {
					c.Point, c.Measure, c.Unit = p.Name(), measure.name, measure.unit
					r.Comparisons = append(r.Comparisons, c)
				}
			}
			if len(ours) > 0 {
				r.Costs = append(r.Costs, costOf(p.Name(), ours))
			}
		}
	}
	r.Goals = goals(plan, r)
	return r
}

func compare(theirs, ours []Sample, value func(Sample) (float64, bool)) (c Comparison, ok bool) {
	var left, right, ratios []float64
	for _, t := range theirs {
		a, there := value(t)
		if there {
			left = append(left, a)
		}
		i := slices.IndexFunc(ours, func(s Sample) bool { return s.Round == t.Round })
		if i < 0 || !there || a == 0 {
			continue
		}
		if b, there := value(ours[i]); there {
			ratios = append(ratios, b/a)
		}
	}
	for _, o := range ours {
		if b, there := value(o); there {
			right = append(right, b)
		}
	}
	if len(left)+len(right) == 0 {
		return Comparison{}, false
	}
	c = Comparison{AppQueue: median(left), Hotline: median(right), Ratio: median(ratios)}
	if len(ratios) > 0 {
		c.Least, c.Greatest = slices.Min(ratios), slices.Max(ratios)
	}
	return c, true
}

func costOf(point string, ours []Sample) Cost {
	of := func(value func(Sample) float64) float64 {
		var list []float64
		for _, s := range ours {
			if s.Calls() > 0 {
				list = append(list, s.PerCall(value(s)))
			}
		}
		return median(list)
	}
	ms := func(process string) float64 { return of(func(s Sample) float64 { return 1000 * s.CPU[process] }) }
	return Cost{
		Point: point, Events: of(func(s Sample) float64 { return s.Events }), Requests: of(func(s Sample) float64 { return s.Requests }),
		Commands: of(func(s Sample) float64 { return s.Commands }), RedisIn: of(func(s Sample) float64 { return s.RedisIn }),
		RedisOut: of(func(s Sample) float64 { return s.RedisOut }), Allocations: of(func(s Sample) float64 { return s.Allocations }),
		Controller: ms("controller"), Redis: ms("redis"), Asterisk: ms("asterisk"),
	}
}

// median is 0 of nothing, and the mean of the two in the middle of an even number.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// String is the report for a terminal.
func (r Report) String() string {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s, %d cores, %s, Linux %s; load %s before, %s after\n", m.CPU, m.Cores, m.Memory, m.Kernel, m.Load, m.After)
	fmt.Fprintf(&b, "Asterisk %s, Redis %s, SIPp %s, hotline %s (%s); %d rounds\n", m.Asterisk, m.Redis, m.SIPp, m.Hotline, m.Go, r.Rounds)
	point := ""
	for _, c := range r.Comparisons {
		if c.Point != point {
			point = c.Point
			fmt.Fprintf(&b, "\n%-36s %12s %12s   ratio (over the rounds)\n", point, AppQueue, Hotline)
		}
		ratio := ""
		if c.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f (%.2f to %.2f)", c.Ratio, c.Least, c.Greatest)
		}
		fmt.Fprintf(&b, "  %-34s %12s %12s   %s\n", c.Measure, figure(c.AppQueue, c.Unit), figure(c.Hotline, c.Unit), ratio)
	}
	if len(r.Costs) > 0 {
		fmt.Fprintf(&b, "\n%-32s %7s %8s %8s %9s %9s %7s %10s %8s\n", "hotline, per answered call", "events", "requests", "Redis", "bytes in", "bytes out", "allocs", "controller", "Redis")
		fmt.Fprintf(&b, "%-32s %7s %8s %8s %9s %9s %7s %10s %8s\n", "", "", "", "commands", "", "", "", "ms", "ms")
	}
	for _, c := range r.Costs {
		fmt.Fprintf(&b, "  %-30s %7.1f %8.1f %8.1f %9.0f %9.0f %7.0f %10.2f %8.2f\n", c.Point, c.Events, c.Requests, c.Commands, c.RedisIn, c.RedisOut, c.Allocations, c.Controller, c.Redis)
	}
	if len(r.Goals) > 0 {
		b.WriteString("\ngoals\n")
	}
	for _, g := range r.Goals {
		met := "met"
		if !g.Met {
			met = "not met"
		}
		fmt.Fprintf(&b, "  %-7s  %s: %s\n", met, g.Text, g.Measured)
	}
	return b.String()
}

func figure(v float64, unit string) string {
	digits := 1
	if math.Abs(v) < 100 {
		digits = 2
	}
	return fmt.Sprintf("%.*f %s", digits, v, unit)
}
