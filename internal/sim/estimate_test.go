package sim

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// estimators are ways to tell a caller who comes to the queue how long it will
// take until an agent is there.
var estimators = []string{"ours", "moving average", "position × AHT / agents", "wait of the last served"}

// judge compares what callers were told with what came true. Of those who gave
// up it finds out when they would have been served: in a queue in order of
// arrival that is the first moment at which an agent goes to somebody behind
// them, or finds nobody. Until then nothing would have been different.
type judge struct {
	Engine
	agents  float64
	at      time.Time
	told    map[string][]float64 // by caller, in seconds
	known   map[acd.CallID]*await
	gone    []*await // who gave up, in order of place
	average float64  // of the waits of answered calls, as app_queue keeps it: (3 × old + wait) / 4
	last    float64  // wait of the caller who was served last
	handle  float64  // mean of the last hundred conversations
	handled float64
	errors  []sumOfErrors
}

type await struct {
	call   string // the caller's number
	queued time.Time
	seq    uint64
	told   []float64
}

type sumOfErrors struct {
	n                       int
	absolute, signed, waits float64
}

// Next notes what the engine expects for a caller who begins to wait.
func (j *judge) Next(state acd.FlowState, event acd.FlowEvent, info *acd.FlowInfo) (acd.FlowState, []acd.FlowAction) {
	if event != acd.FlowAnnounce {
		return callflow.Standard{}.Next(state, event, info)
	}
	if info.Known {
		position := float64(info.Ahead + 1)
		handle := j.handle
		if j.handled == 0 {
			handle = 200
		}
		j.told[info.Caller] = []float64{info.Expected.Seconds(), j.average, position * handle / j.agents, j.last}
	}
	return state, nil
}

func (j *judge) Step(now time.Time, event acd.Event) acd.Output {
	j.at = now
	out := j.Engine.Step(now, event)
	for i := range out.Changes {
		if c := out.Changes[i].Call; c != nil && c.Phase == acd.PhaseWaiting && j.known[c.Call] == nil {
			j.known[c.Call] = &await{call: c.Caller, queued: c.Queued, seq: c.Seq}
		}
	}
	for _, command := range out.Commands {
		if offer, is := command.(acd.Offer); is {
			j.served(offer.Call)
		}
	}
	for i := range out.Changes {
		if a := out.Changes[i].Agent; a != nil && a.State == acd.Ready && a.Leaving == "" {
			j.freed(math.MaxUint64)
		}
	}
	for i := range out.Records {
		j.ended(&out.Records[i])
	}
	return out
}

func (j *judge) served(call acd.CallID) {
	a := j.known[call]
	if a == nil {
		return
	}
	delete(j.known, call)
	j.freed(a.seq)
	j.last = j.at.Sub(a.queued).Seconds()
	if told := j.told[a.call]; told != nil {
		delete(j.told, a.call)
		j.score(told, a.queued)
	}
}

// freed settles those who gave up and were before seq.
func (j *judge) freed(seq uint64) {
	n := 0
	for n < len(j.gone) && j.gone[n].seq < seq {
		j.score(j.gone[n].told, j.gone[n].queued)
		n++
	}
	j.gone = j.gone[n:]
}

// ended learns from a call, and remembers who gave up.
func (j *judge) ended(r *acd.CallRecord) {
	if r.Result == acd.Answered {
		j.average = (3*j.average + r.Wait().Seconds()) / 4
		j.handled = min(j.handled+1, 100)
		j.handle += (r.Talk().Seconds() - j.handle) / j.handled
		return
	}
	a := j.known[r.Call]
	if a == nil {
		return
	}
	delete(j.known, r.Call)
	if a.told = j.told[a.call]; a.told == nil {
		return
	}
	delete(j.told, a.call)
	at, _ := slices.BinarySearchFunc(j.gone, a, func(x, y *await) int { return cmp.Compare(x.seq, y.seq) })
	j.gone = slices.Insert(j.gone, at, a)
}

func (j *judge) score(told []float64, queued time.Time) {
	wait := j.at.Sub(queued).Seconds()
	for i, t := range told {
		e := &j.errors[i]
		e.n++
		e.waits += wait
		e.absolute += math.Abs(t - wait)
		e.signed += t - wait
	}
}

// load is a way in which callers come.
type load struct {
	name     string
	agents   int
	patience Distribution
	redial   Redial
	arrivals []Arrivals
}

func loads() []load {
	rate := func(load float64, agents int) float64 { return load * float64(agents) / talkMean.Seconds() }
	steady := func(of float64, agents int) []Arrivals {
		return []Arrivals{{Entry: "12345", PerSecond: rate(of, agents), End: 12 * time.Hour}}
	}
	var ramp []Arrivals // from half to twice what the agents can do, and back
	for i := range 24 {
		of := 0.5 + 1.5*float64(min(i, 23-i))/11
		ramp = append(ramp, Arrivals{Entry: "12345", PerSecond: rate(of, 30), Begin: time.Duration(i) * 15 * time.Minute, End: time.Duration(i+1) * 15 * time.Minute})
	}
	return []load{
		{"steady, load 0.95, patience 5 min", 30, Exponential{5 * time.Minute}, Redial{}, steady(0.95, 30)},
		{"steady, load 1.3, patience 2 min", 30, Exponential{2 * time.Minute}, Redial{}, steady(1.3, 30)},
		{"steady, load 1.1, patience Weibull 3 min", 30, Weibull{3 * time.Minute, 1.4}, Redial{}, steady(1.1, 30)},
		{"few agents, load 1.2, patience 5 min", 4, Exponential{5 * time.Minute}, Redial{}, steady(1.2, 4)},
		{"ramp 0.5 to 2 and back, patience 3 min", 30, Exponential{3 * time.Minute}, Redial{}, ramp},
		{"storm, 33 dials/s on 75, patience lognormal 80 s", 75, LogNormal{80 * time.Second, 1},
			Redial{Probability: 0.7, Delay: Exponential{time.Minute}, Most: 20},
			[]Arrivals{{Entry: "12345", PerSecond: 0.3, End: time.Hour}, {Entry: "12345", PerSecond: 10, Begin: time.Hour, End: time.Hour + 20*time.Minute}}},
	}
}

// judged runs a load and says how far off each estimator was.
func judged(t *testing.T, l load) []sumOfErrors {
	t.Helper()
	s := pool(l.agents, 1, LogNormal{talkMean, 0.7}, l.patience, 1)
	s.WarmUp, s.Arrivals, s.Callers.Redial = 0, l.arrivals, l.redial
	s.Routing.Queues[0].Announce = acd.Announce{After: 1} // told at once
	j := &judge{
		agents: float64(l.agents), told: map[string][]float64{}, known: map[acd.CallID]*await{}, errors: make([]sumOfErrors, len(estimators)),
	}
	mustRun(t, s, Options{Seed: 11, Flow: j, Wrap: func(e Engine) Engine {
		j.Engine = e
		return j
	}})
	return j.errors
}

// TestExpectedWaitIsTheBest holds the engine's estimate against those of others,
// for everybody who begins to wait, whether they give up or not.
func TestExpectedWaitIsTheBest(t *testing.T) {
	t.Parallel()
	list := loads()
	if raceDetector || testing.Short() {
		list = list[1:2]
	}
	for _, l := range list {
		errors := judged(t, l)
		n := float64(errors[0].n)
		t.Logf("%s: %d callers waited, mean wait %.0f s", l.name, errors[0].n, errors[0].waits/n)
		for i, e := range errors {
			t.Logf("  %-26s mean absolute error %6.1f s, bias %+7.1f s", estimators[i], e.absolute/n, e.signed/n)
			if i > 0 && e.absolute <= errors[0].absolute {
				t.Errorf("%s: %s is better", l.name, estimators[i])
			}
		}
	}
}
