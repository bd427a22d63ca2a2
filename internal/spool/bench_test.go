package spool

import (
	"bytes"
	"testing"
)

// BenchmarkWrite is one commit of some records, as long as those of calls, with the state
// of a thing for each; what it takes is what a crash may lose.
func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{1, 20, 1000} {
		b.Run("", func(b *testing.B) {
			s, err := Open(Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			value := bytes.Repeat([]byte("x"), 700)
			seq := uint64(0)
			for b.Loop() {
				var entries []Entry
				for range n {
					seq += 2
					entries = append(entries, Entry{Seq: seq, Kind: Record, Value: value}, Entry{Seq: seq + 1, Kind: Live, Name: string(number(seq % 500)), Value: value})
				}
				if _, err := s.Write(1, entries); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(2*n*b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
