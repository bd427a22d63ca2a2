package phonescript

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"hotline/internal/phone"
)

// maxFaults bounds the faults that a summary describes; all are counted.
const maxFaults = 20

// Live is the state of a run at one moment. Placed = Waiting + Talking + Done,
// where Done is the sum of the endings.
type Live struct {
	Elapsed time.Duration `json:"elapsed_ns"`
	Seated  int           `json:"seated"`  // agents whose start codes were all accepted
	Placed  int           `json:"placed"`  // calls dialled
	Waiting int           `json:"waiting"` // dialled, no agent heard yet
	Talking int           `json:"talking"` // an agent is heard
	// Answered counts the callers who heard an agent's tone; Verified those of
	// them whom that agent, and nobody else, heard too.
	Answered int `json:"answered"`
	Verified int `json:"verified"`
	// The endings of calls without an agent: the caller gave up; refused by SIP
	// status; answered, but ended by the far end; no response or an error.
	Abandoned int `json:"abandoned"`
	Refused   int `json:"refused"`
	Released  int `json:"released"`
	Failed    int `json:"failed"`
	// Faults counts what must not happen, see Summary.Faults.
	Faults int `json:"faults"`
}

// Summary is the outcome of a run.
type Summary struct {
	Live
	Agents int `json:"agents"`
	// Unplaced counts the callers who were due but found no time or no free line.
	Unplaced int `json:"unplaced"`
	// AnsweredBy counts the callers that each seat heard.
	AnsweredBy map[string]int `json:"answered_by"`
	// Declined counts calls that agents refused or let ring, as the scenario told them.
	Declined int `json:"declined"`
	// Crossed counts calls that an agent answered just when the caller left: the
	// caller heard no agent, whether or not the agent still heard the caller.
	Crossed int `json:"crossed"`
	// RefusedWith counts the refusals by SIP status.
	RefusedWith map[int]int `json:"refused_with,omitempty"`
	// Wait of the answered callers, from dialling to hearing the agent.
	MeanWait time.Duration `json:"mean_wait_ns"`
	MaxWait  time.Duration `json:"max_wait_ns"`
	// Told describes the first faults, one sentence each.
	Told []string `json:"told,omitempty"`
}

// OK reports whether every answered call had audio both ways and nothing else
// happened that must not.
func (s Summary) OK() bool {
	return s.Answered == s.Verified && s.Failed == 0 && s.Faults == 0
}

// person is one caller's call as both ends see it.
type person struct {
	life    life
	agent   string   // the seat whose tone the caller hears; "" before
	heardBy []string // the seats that hear the caller
	left    bool     // gave up before hearing an agent
	counted bool     // as verified
}

// tally collects what happens. Safe for concurrent use.
type tally struct {
	mu      sync.Mutex
	began   time.Time
	sum     Summary
	people  map[phone.Tone]*person // callers on the line, and those whose tone is not yet reused
	free    []phone.Tone           // callers' tones, the longest unused first
	waits   time.Duration
	seatsOf map[phone.Tone]string
}

func newTally(seats []string) (*tally, error) {
	t := &tally{
		people: map[phone.Tone]*person{}, seatsOf: map[phone.Tone]string{},
		sum: Summary{Agents: len(seats), AnsweredBy: map[string]int{}, RefusedWith: map[int]int{}},
	}
	for n := range phone.ToneCount {
		tone, err := phone.ToneAt(n)
		if err != nil {
			return nil, err
		}
		if n < len(seats) {
			t.seatsOf[tone] = seats[n]
			t.sum.AnsweredBy[seats[n]] = 0
		} else {
			t.free = append(t.free, tone)
		}
	}
	return t, nil
}

// arrive gives a caller a tone. The bound on callers at a time is under the number of tones.
func (t *tally) arrive(l life) phone.Tone {
	t.mu.Lock()
	defer t.mu.Unlock()
	tone := t.free[0]
	t.free = t.free[1:]
	t.people[tone] = &person{life: l}
	t.sum.Placed++
	t.sum.Waiting++
	return tone
}

// leave gives the tone back; the caller is remembered until it is used again.
func (t *tally) leave(tone phone.Tone) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = append(t.free, tone)
}

// hearsAgent notes that the caller of the tone hears a seat.
func (t *tally) hearsAgent(tone phone.Tone, seat string, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[tone]
	p.agent = seat
	t.sum.Waiting--
	t.sum.Talking++
	t.sum.Answered++
	t.waits += wait
	t.sum.MaxWait = max(t.sum.MaxWait, wait)
	t.verify(p)
}

// hearsCaller notes that a seat hears the caller of a tone, and returns the
// caller's life. It reports false if no caller has had that tone.
func (t *tally) hearsCaller(seat string, tone phone.Tone) (life, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[tone]
	if p == nil {
		return life{}, false
	}
	p.heardBy = append(p.heardBy, seat)
	t.sum.AnsweredBy[seat]++
	t.cross(p)
	t.verify(p)
	return p.life, true
}

// verify counts a call when both ends have heard each other. t.mu is held.
func (t *tally) verify(p *person) {
	both := p.agent != "" && slices.Equal(p.heardBy, []string{p.agent})
	switch {
	case both && !p.counted:
		p.counted = true
		t.sum.Verified++
	case !both && p.counted: // a second agent hears the same caller
		p.counted = false
		t.sum.Verified--
		t.fault(fmt.Sprintf("a caller connected with seat %s is heard by %v", p.agent, p.heardBy))
	}
}

// ending is how a call without an agent ended.
type ending int

const (
	abandoned ending = iota
	refused
	released
	failed
)

// missed notes the end of a caller who heard no agent.
func (t *tally) missed(tone phone.Tone, how ending, status int, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Waiting--
	switch how {
	case abandoned:
		t.sum.Abandoned++
		p := t.people[tone]
		p.left = true
		t.cross(p)
	case refused:
		t.sum.Refused++
		t.sum.RefusedWith[status]++
	case released:
		t.sum.Released++
	case failed:
		t.sum.Failed++
		t.tell(why)
	}
}

// cross counts a call whose agent hears the caller and whose caller left without
// having heard the agent. It is asked at both moments, as either may come first.
// An agent who hears nobody any more counts the crossing itself. t.mu is held.
func (t *tally) cross(p *person) {
	if p.left && len(p.heardBy) == 1 {
		t.sum.Crossed++
	}
}

// talked notes the end of a conversation.
func (t *tally) talked(tone phone.Tone) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Talking--
	if p := t.people[tone]; !p.counted {
		t.tell(fmt.Sprintf("a caller heard seat %s, but of the agents %v heard the caller", p.agent, p.heardBy))
	}
}

// fault notes what must not happen. t.mu is held.
func (t *tally) fault(what string) {
	t.sum.Faults++
	t.tell(what)
}

// tell keeps the first descriptions. t.mu is held.
func (t *tally) tell(what string) {
	if len(t.sum.Told) < maxFaults {
		t.sum.Told = append(t.sum.Told, what)
	}
}

// note changes the counts under the lock.
func (t *tally) note(f func(*Summary)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.sum)
}

// wrong notes what must not happen.
func (t *tally) wrong(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault(fmt.Sprintf(format, args...))
}

func (t *tally) live() Live {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.sum.Live
	if !t.began.IsZero() {
		out.Elapsed = time.Since(t.began)
	}
	return out
}

func (t *tally) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.sum
	out.Elapsed = time.Since(t.began)
	out.AnsweredBy = maps.Clone(t.sum.AnsweredBy)
	out.RefusedWith = maps.Clone(t.sum.RefusedWith)
	out.Told = slices.Clone(t.sum.Told)
	if out.Answered > 0 {
		out.MeanWait = t.waits / time.Duration(out.Answered)
	}
	return out
}
