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
	Talk    time.Duration // from the agent's answer until the agent hangs up
	Window  time.Duration // of the measurement
}

// Name says which point it is.
func (p Point) Name() string {
	switch p.Kind {
	case Waiting:
		return fmt.Sprintf("%d agents, %d waiting", p.Agents, p.Waiting)
	case Audio:
		return fmt.Sprintf("%d agents, %d calls/s, speech", p.Agents, p.Rate)
	}
	return fmt.Sprintf("%d agents, %d calls/s", p.Agents, p.Rate)
}

// ringing is how long each phone of an agent rings.
const ringing = 100 * time.Millisecond

// Plan is a run.
type Plan struct {
	Rounds int
	// Sessions are the points that one start of each side goes through: of a
	// session all have the same number of agents, and those of the kind Waiting
	// come last, with ever more callers.
	Sessions [][]Point
}

const (
	shortTalk = 400 * time.Millisecond
	longTalk  = 3 * time.Second
)

// Full is what make bench runs: a quarter of an hour at the most.
func Full() Plan {
	rates := func(agents int) (list []Point) {
		for _, rate := range []int{20, 60, 100} {
			list = append(list, Point{Kind: Rate, Agents: agents, Rate: rate, Talk: shortTalk, Window: 7 * time.Second})
		}
		return list
	}
	few := append(rates(100), Point{Kind: Audio, Agents: 100, Rate: 20, Talk: shortTalk, Window: 6 * time.Second})
	for _, waiting := range []int{10, 1000, 3000} {
		few = append(few, Point{Kind: Waiting, Agents: 100, Waiting: waiting, Rate: 100, Talk: longTalk, Window: 7 * time.Second})
	}
	return Plan{Rounds: 3, Sessions: [][]Point{few, rates(2000)}}
}

// Quick is what make bench-quick runs, in two minutes at the most: enough to see
// that all works, too little for figures to rely on.
func Quick() Plan {
	return Plan{Rounds: 2, Sessions: [][]Point{{
		{Kind: Rate, Agents: 50, Rate: 20, Talk: shortTalk, Window: 3 * time.Second},
		{Kind: Audio, Agents: 50, Rate: 20, Talk: shortTalk, Window: 2 * time.Second},
		{Kind: Waiting, Agents: 50, Waiting: 10, Rate: 50, Talk: 2 * time.Second, Window: 4 * time.Second},
		{Kind: Waiting, Agents: 50, Waiting: 100, Rate: 50, Talk: 2 * time.Second, Window: 4 * time.Second},
	}}}
}

// Only keeps the points whose names match.
func (p Plan) Only(names *regexp.Regexp) Plan {
	kept := Plan{Rounds: p.Rounds}
	for _, session := range p.Sessions {
		session = slices.DeleteFunc(slices.Clone(session), func(p Point) bool { return !names.MatchString(p.Name()) })
		if len(session) > 0 {
			kept.Sessions = append(kept.Sessions, session)
		}
	}
	return kept
}
