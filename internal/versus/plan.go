package versus

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Kind is what a point is about.
type Kind string

// The kinds of points.
const (
	// Rate: callers come at a steady rate, and there are more agents than needed.
	Rate Kind = "rate"
	// Audio: as Rate, with speech in both directions.
	Audio Kind = "audio"
	// Waiting: all agents are busy and so many callers wait all the time.
	Waiting Kind = "waiting"
)

// Point is a load under which both sides are measured.
type Point struct {
	Kind    Kind
	Agents  int
	Rate    int           // calls a second; of Waiting, how fast the callers come who are missing
	Waiting int           // callers in the queue, of Waiting
	Talk    time.Duration // mean from the agent's answer until the agent hangs up; half to one and a half of it
	Window  time.Duration // of the measurement
	// Silent callers hear no music. Asterisk sends each who does 50 packets a second,
	// in a thread of its own, on both sides alike: thousands are too many for a small
	// machine.
	Silent bool
}

// Name says which point it is.
func (p Point) Name() string {
	switch {
	case p.Silent:
		return fmt.Sprintf("%d agents, %d waiting, no music", p.Agents, p.Waiting)
	case p.Kind == Waiting:
		return fmt.Sprintf("%d agents, %d waiting", p.Agents, p.Waiting)
	case p.Kind == Audio:
		return fmt.Sprintf("%d agents, %d calls/s, speech", p.Agents, p.Rate)
	}
	return fmt.Sprintf("%d agents, %d calls/s", p.Agents, p.Rate)
}

// ringing is how long each phone of an agent rings.
const ringing = 100 * time.Millisecond

// Plan is a run.
type Plan struct {
	// Rounds are so many at the most; after the first there is no other when it
	// would end later than Limit after the beginning.
	Rounds int
	Limit  time.Duration
	// Sessions are the points that one start of each side goes through: of a
	// session all have the same number of agents and are Silent or not, and those of
	// the kind Waiting come last, with ever more callers.
	Sessions [][]Point
}

const (
	shortTalk = 400 * time.Millisecond
	longTalk  = 2 * time.Second
)

// Full is what make bench runs: a quarter of an hour at the most.
func Full() Plan {
	rates := func(agents int) (list []Point) {
		for _, rate := range []int{20, 60, 100} {
			list = append(list, Point{Kind: Rate, Agents: agents, Rate: rate, Talk: shortTalk, Window: 4 * time.Second})
		}
		return list
	}
	few := append(rates(100),
		Point{Kind: Audio, Agents: 100, Rate: 20, Talk: shortTalk, Window: 4 * time.Second},
		Point{Kind: Waiting, Agents: 100, Waiting: 100, Rate: 100, Talk: longTalk, Window: 4 * time.Second})
	var queue []Point
	for _, waiting := range []int{10, 1000, 3000} {
		queue = append(queue, Point{Kind: Waiting, Agents: 100, Waiting: waiting, Rate: 100, Talk: longTalk, Window: 4 * time.Second, Silent: true})
	}
	return Plan{Rounds: 3, Limit: 14 * time.Minute, Sessions: [][]Point{few, queue, rates(2000)}}
}

// Quick is what make bench-quick runs, in two minutes at the most: enough to see
// that all works, too little for figures to rely on.
func Quick() Plan {
	return Plan{Rounds: 2, Limit: 110 * time.Second, Sessions: [][]Point{
		{
			{Kind: Rate, Agents: 50, Rate: 20, Talk: shortTalk, Window: 3 * time.Second},
			{Kind: Audio, Agents: 50, Rate: 20, Talk: shortTalk, Window: 2 * time.Second},
		}, {
			{Kind: Waiting, Agents: 50, Waiting: 10, Rate: 80, Talk: longTalk, Window: 3 * time.Second, Silent: true},
			{Kind: Waiting, Agents: 50, Waiting: 150, Rate: 80, Talk: longTalk, Window: 3 * time.Second, Silent: true},
		},
	}}
}

// Only keeps the points whose names match.
func (p Plan) Only(names *regexp.Regexp) Plan {
	kept := Plan{Rounds: p.Rounds, Limit: p.Limit}
	for _, session := range p.Sessions {
		session = slices.DeleteFunc(slices.Clone(session), func(p Point) bool { return !names.MatchString(p.Name()) })
		if len(session) > 0 {
			kept.Sessions = append(kept.Sessions, session)
		}
	}
	return kept
}
