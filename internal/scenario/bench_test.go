package scenario

import (
	"context"
	"runtime/debug"
	"syscall"
	"testing"

	"hotline/internal/sim"
)

// BenchmarkYear is the year of the shipped scenario: 1.13 million calls, 140
// seats. cpu-s is processor time, which other programs on the machine disturb
// less than ns/op; rss-MB is the largest size of the process so far.
func BenchmarkYear(b *testing.B) {
	s, err := Load("year")
	if err != nil {
		b.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(200)) // as the command does
	var calls, steps int
	before := usage()
	for b.Loop() {
		r, err := sim.Run(context.Background(), s, sim.Options{Seed: 1, By: sim.ByMonth})
		if err != nil {
			b.Fatal(err)
		}
		calls, steps = r.Dialled, r.Steps
	}
	after := usage()
	b.ReportMetric(float64(calls), "calls")
	b.ReportMetric(float64(steps), "steps")
	b.ReportMetric((seconds(after)-seconds(before))/float64(b.N), "cpu-s")
	b.ReportMetric(float64(after.Maxrss)/1024, "rss-MB")
}

func usage() (u syscall.Rusage) {
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u
}

func seconds(u syscall.Rusage) float64 {
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
