package redisstore

import (
	"slices"
	"strconv"
	"testing"

	"hotline/internal/acd"
)

// BenchmarkRecords is records per second from Append to Redis' reply.
func BenchmarkRecords(b *testing.B) {
	s, m, _ := run(b, server(b).Address)
	records := calls(12, 1000)
	b.ResetTimer()
	for i := 0; i < b.N; i += len(records) {
		batch := slices.Clone(records[:min(len(records), b.N-i)])
		for j := range batch {
			batch[j].Call += acd.CallID("-" + strconv.Itoa(i))
		}
		s.Append(nil, batch)
	}
	drained(b, s, m)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
