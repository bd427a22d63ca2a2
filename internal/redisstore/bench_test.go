package redisstore

import (
	"context"
	"math/rand/v2"
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
	records := busyDay(12, 20_000)
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

// busyDay are the calls of a day with 20 queues and 300 agents, in the order in which they ended.
func busyDay(seed uint64, n int) []acd.CallRecord {
	random := rand.New(rand.NewPCG(seed, 2))
	records := calls(seed, n)
	for i := range records {
		r := &records[i]
		if r.Queue != "" {
			r.Queue = acd.QueueID("queue-" + strconv.Itoa(random.IntN(20)))
		}
		for j := range r.Offers {
			r.Offers[j].Agent = acd.AgentID(strconv.Itoa(1000 + random.IntN(300)))
		}
		if r.Agent != "" {
			r.Agent = r.Offers[len(r.Offers)-1].Agent
		}
	}
	slices.SortFunc(records, func(a, b acd.CallRecord) int { return a.Ended.Compare(b.Ended) })
	return records
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
