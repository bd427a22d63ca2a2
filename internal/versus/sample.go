package versus

import (
	"fmt"
	"slices"
	"time"
)

// Sample is what was measured of one side at one point in one round.
type Sample struct {
	Round int    `json:"round"`
	Side  Side   `json:"side"`
	Point string `json:"point"`

	// Seconds is the length of the measurement. Placed are the calls begun (of
	// points with a rate), Completed those whose caller was hung up when the agent
	// was; Answered the conversations that agents' phones have had from beginning to
	// end, Connected those that the side has accounted for as connected and ended.
	Seconds   float64 `json:"seconds"`
	Placed    int     `json:"placed,omitempty"`
	Completed int     `json:"completed,omitempty"`
	Answered  int     `json:"answered"`
	Connected int     `json:"connected"`
	Resent    int     `json:"resent"`            // INVITEs of callers that were sent again
	Waiting   int     `json:"waiting,omitempty"` // callers in the queue at the end

	// CPU is processor time in seconds, Memory the peak of resident memory in bytes, by process.
	CPU    map[string]float64 `json:"cpu_seconds"`
	Memory map[string]int64   `json:"memory_bytes"`

	Gap   Spread `json:"idle_gap"`        // agent free until that agent's phone rings
	Audio Spread `json:"answer_to_audio"` // agent's answer until the caller hears the agent
	// Spoken are the calls in which speech passed both ways, of the kind Audio.
	Spoken int `json:"spoken,omitempty"`

	// What the controller and Redis have done; per answered call in PerCall.
	Events      float64 `json:"ari_events,omitempty"`
	Requests    float64 `json:"ari_requests,omitempty"`
	Commands    float64 `json:"redis_commands,omitempty"`
	RedisIn     float64 `json:"redis_bytes_in,omitempty"`
	RedisOut    float64 `json:"redis_bytes_out,omitempty"`
	Allocations float64 `json:"allocations,omitempty"`
}

// Spread is the distribution of a time, in milliseconds.
type Spread struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

func spreadOf(list []time.Duration) Spread {
	if len(list) == 0 {
		return Spread{}
	}
	slices.Sort(list)
	at := func(q float64) float64 { return list[int(q*float64(len(list)-1)+0.5)].Seconds() * 1000 }
	return Spread{N: len(list), P50: at(0.5), P99: at(0.99)}
}

// sample is what has happened between two readings.
func (s *session) sample(before, after reading) Sample {
	out := Sample{
		CPU: map[string]float64{}, Memory: map[string]int64{}, Connected: after.connected - before.connected,
		Events: after.counts.events - before.counts.events, Requests: after.counts.requests - before.counts.requests,
		Commands: after.counts.commands - before.counts.commands, RedisIn: after.counts.redisIn - before.counts.redisIn,
		RedisOut: after.counts.outOf - before.counts.outOf, Allocations: after.counts.allocations - before.counts.allocations,
	}
	for name, pid := range s.pids() {
		out.CPU[name] = (after.cpu[name] - before.cpu[name]).Seconds()
		out.Memory[name], _ = peakRSS(pid) // 0: it has ended, and the calls tell
	}
	return out
}

// Bridged is how many calls were certainly connected: by the account of the side
// and by the agents' phones both.
func (s Sample) Bridged() int { return min(s.Answered, s.Connected) }

// Calls are the answered calls that costs are divided by. An agent who hangs up
// before a machine that stands still has connected the call has had a conversation
// that no caller has had.
func (s Sample) Calls() int {
	if s.Placed > 0 {
		return min(s.Bridged(), s.Completed, s.Placed)
	}
	return s.Answered
}

// PerCall is n for each answered call.
func (s Sample) PerCall(n float64) float64 {
	if s.Calls() == 0 {
		return 0
	}
	return n / float64(s.Calls())
}

// TotalCPU is the processor time of all processes in seconds.
func (s Sample) TotalCPU() (sum float64) {
	for _, used := range s.CPU {
		sum += used
	}
	return sum
}

// TotalMemory is the sum of the peaks of all processes in bytes.
func (s Sample) TotalMemory() (sum int64) {
	for _, used := range s.Memory {
		sum += used
	}
	return sum
}

// String is a line of progress.
func (s Sample) String() string {
	text := fmt.Sprintf("%-34s %-9s  %5d answered, %5.1f/s, %6.2f ms CPU a call", s.Point, s.Side, s.Calls(),
		float64(s.Calls())/max(s.Seconds, 0.001), 1000*s.PerCall(s.TotalCPU()))
	if len(s.CPU) > 1 {
		text += fmt.Sprintf(" (Asterisk %.2f, controller %.2f, Redis %.2f)", 1000*s.PerCall(s.CPU["asterisk"]),
			1000*s.PerCall(s.CPU["controller"]), 1000*s.PerCall(s.CPU["redis"]))
	}
	if s.Placed > 0 {
		text += fmt.Sprintf(", %.2f%% connected", 100*float64(s.Calls())/float64(s.Placed))
	}
	if s.Gap.N > 0 {
		text += fmt.Sprintf(", idle gap %.1f ms (p99 %.1f)", s.Gap.P50, s.Gap.P99)
	}
	if s.Audio.N > 0 {
		text += fmt.Sprintf(", answer to audio %.1f ms (p99 %.1f)", s.Audio.P50, s.Audio.P99)
	}
	return text
}
