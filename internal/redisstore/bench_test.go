package redisstore

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hotline/internal/acd"
)

// BenchmarkRecords is records per second from Append to Redis' reply, and the
// processor time that Redis spends on each.
func BenchmarkRecords(b *testing.B) {
	s, m, _ := run(b, server(b, "--appendfsync", "everysec").Address)
	records := calls(12, 1000)
	before := redisCPU(b, s)
	b.ResetTimer()
	for i := 0; i < b.N; i += len(records) {
		batch := slices.Clone(records[:min(len(records), b.N-i)])
		for j := range batch {
			batch[j].Call += acd.CallID("-" + strconv.Itoa(i))
		}
		s.Append(nil, batch, nil)
	}
	drained(b, s, m)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric((redisCPU(b, s)-before)*1e6/float64(b.N), "redis-µs/record")
}

// redisCPU is the processor time that Redis has used, in seconds.
func redisCPU(b *testing.B, s *Store) float64 {
	b.Helper()
	info, err := s.client.Info(context.Background(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	total := 0.0
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			total += seconds
		}
	}
	return total
}
