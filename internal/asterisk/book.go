package asterisk

import (
	"time"

	"hotline/internal/acd"
)

// book is what a node's channels are known to be. It exists to tell news from
// repetition, and what was missed from what was never there. The node's mutex
// guards it.
type book struct {
	calls map[acd.CallID]*callState
	// bridges are those made and not yet released; they outlive the call.
	bridges map[acd.CallID]bool
	legs    map[acd.LegID]*legState
	seats   map[string]*seatState
	strays  map[string]*strayState // by channel
	// ended remembers channels for a while after their end, so that a
	// listing made just before does not bring them back.
	ended map[string]endedState
}

type endedState struct {
	at time.Time
	// hungUp: it does not only seem to have left, it was hung up. As long as
	// it is listed it is on its way out, however long that takes.
	hungUp bool
}

// endedMemory is how long an ended channel is remembered: longer than any
// listing may take.
const endedMemory = time.Minute

type callState struct {
	since   time.Time // when this process first knew of it
	suspect bool      // missing in the last listing
	play    string    // the playback whose end is CallPlayed,
	playOf  int       // and which of the call's it is
	// playsFrom is added to their numbers where a former controller, of which nothing
	// is known, may have played some.
	playsFrom int64
	playing   time.Time // when Asterisk confirmed it; zero before
	prompts   []string  // the playbacks of prompts that may be heard or wait, oldest first
	ringback  string    // the playback of the ringing tone
	music     string    // class of the hold music asked for
	moh       bool      // the music has been started and not stopped
	up        bool      // the caller is to be answered, or was
	joined    bool      // the caller is in the bridge
	found     bool      // in a conversation that the engine did not know
	left      time.Time // when the caller was taken out of it; zero: never
	released  bool      // the engine has done with it: it is to be hung up
	// adopted is the agent's leg of a conversation that a former controller
	// has connected; it goes on undisturbed, unknown to the engine.
	adopted acd.LegID
	out     *outbound // set for a caller who is called back
}

type legState struct {
	offer     acd.Offer
	since     time.Time // when Asterisk confirmed it; zero before
	suspect   bool
	dialled   bool
	ringing   bool
	answered  bool
	held      bool // the agent holds the caller at the phone
	cancelled bool
	adopted   bool
}

type seatState struct {
	since   time.Time
	suspect bool
	replied time.Time // when Asterisk confirmed the reply; zero before
}

func newBook() *book {
	return &book{
		calls:   map[acd.CallID]*callState{},
		bridges: map[acd.CallID]bool{},
		legs:    map[acd.LegID]*legState{},
		seats:   map[string]*seatState{},
		strays:  map[string]*strayState{},
		ended:   map[string]endedState{},
	}
}

// endCall strikes a call off; it reports whether it was there.
func (b *book) endCall(id acd.CallID, at time.Time) (*callState, bool) {
	c, ok := b.calls[id]
	if ok {
		delete(b.calls, id)
		b.ended[string(id)] = endedState{at: at}
	}
	return c, ok
}

// endLeg strikes a leg off; it reports whether it was there.
func (b *book) endLeg(id acd.LegID, at time.Time) (*legState, bool) {
	l, ok := b.legs[id]
	if ok {
		delete(b.legs, id)
		b.ended[string(id)] = endedState{at: at}
	}
	return l, ok
}

// endSeat strikes a feature code's channel off.
func (b *book) endSeat(id string, at time.Time) {
	if _, ok := b.seats[id]; ok {
		delete(b.seats, id)
		b.ended[id] = endedState{at: at}
	}
}

// noteHangUp adds to the end of a channel that it was hung up.
func (b *book) noteHangUp(id string) {
	if end, ok := b.ended[id]; ok {
		end.hungUp = true
		b.ended[id] = end
	}
}

// endedSince reports whether a channel has ended after the moment.
func (b *book) endedSince(id string, moment time.Time) bool {
	end, ok := b.ended[id]
	return ok && !end.at.Before(moment)
}

// leaving reports whether a channel that is still listed is on its way out:
// hung up, or ended after the moment. It is remembered as long as that lasts.
func (b *book) leaving(id string, moment, now time.Time) bool {
	end, ok := b.ended[id]
	if !ok || !(end.hungUp || !end.at.Before(moment)) {
		return false
	}
	if end.hungUp {
		end.at = now
		b.ended[id] = end
	}
	return true
}

func (b *book) forgetEnded(now time.Time) {
	for id, end := range b.ended {
		if now.Sub(end.at) > endedMemory {
			delete(b.ended, id)
		}
	}
}
