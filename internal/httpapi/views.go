package httpapi

import (
	"math"
	"time"

	"hotline/internal/acd"
)

// seconds with three decimals.
type seconds float64

func inSeconds(d time.Duration) seconds {
	return seconds(math.Round(d.Seconds()*1000) / 1000)
}

// queueView is a queue as the API shows it. Times are in seconds.
type queueView struct {
	Queue       acd.QueueID            `json:"queue"`
	Title       string                 `json:"title"`
	Waiting     int                    `json:"waiting"`
	LongestWait seconds                `json:"longest_wait"`
	Talking     int                    `json:"talking"`
	Agents      map[acd.AgentState]int `json:"agents"`
	// Since the controller started; the day's figures are in traffic/today.
	SinceStart acd.QueueCounts `json:"since_start"`
}

func viewQueue(q acd.QueueStatus) queueView {
	return queueView{
		Queue: q.Queue, Title: q.Title, Waiting: q.Waiting, LongestWait: inSeconds(q.LongestWait),
		Talking: q.Talking, Agents: q.Agents, SinceStart: q.Counts,
	}
}

// callView is a call as the API shows it: the caller's number is masked.
type callView struct {
	acd.CallStatus
	Caller string  `json:"caller"`
	Wait   seconds `json:"wait"` // in the queue so far, or until answered
	Talk   seconds `json:"talk"` // so far
}

func viewCall(c acd.CallStatus, now time.Time) callView {
	v := callView{CallStatus: c, Caller: acd.Mask(c.Caller)}
	if c.Queued.IsZero() {
		return v
	}
	if c.Answered.IsZero() {
		v.Wait = inSeconds(now.Sub(c.Queued))
		return v
	}
	v.Wait, v.Talk = inSeconds(c.Answered.Sub(c.Queued)), inSeconds(now.Sub(c.Answered))
	return v
}

// snapshotView is everything at one moment.
type snapshotView struct {
	At     time.Time         `json:"at"`
	Queues []queueView       `json:"queues"`
	Agents []acd.AgentStatus `json:"agents"`
	Calls  []callView        `json:"calls"`
}

func viewSnapshot(s acd.Snapshot) snapshotView {
	v := snapshotView{At: s.At, Queues: []queueView{}, Agents: s.Agents, Calls: []callView{}}
	for _, q := range s.Queues {
		v.Queues = append(v.Queues, viewQueue(q))
	}
	for _, c := range s.Calls {
		v.Calls = append(v.Calls, viewCall(c, s.At))
	}
	if v.Agents == nil {
		v.Agents = []acd.AgentStatus{}
	}
	return v
}
