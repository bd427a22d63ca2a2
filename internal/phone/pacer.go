package phone

import (
	"sync"
	"time"
)

// One goroutine paces the RTP of all calls of the process. A frame lasts 20 ms;
// the wheel has a few slots so that the packets of many calls do not leave in
// one burst. The goroutine exists only while there are streams.
const (
	wheelSlots = 4
	frameTime  = 20 * time.Millisecond
	slotTime   = frameTime / wheelSlots
	// Later than this the missed frames are left out rather than sent in a
	// burst, as a phone's sound card would.
	maxBehind = 200 * time.Millisecond
)

type pacer struct {
	mu      sync.Mutex
	slots   [wheelSlots][]*stream
	next    int // slot that the next stream joins
	running bool
	idle    chan struct{} // closed when the goroutine has ended; nil before the first
}

var wheel pacer

// add begins to send s.
func (p *pacer) add(s *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.slot = p.next
	s.place = len(p.slots[s.slot])
	p.slots[s.slot] = append(p.slots[s.slot], s)
	p.next = (p.next + 1) % wheelSlots
	if !p.running {
		p.running = true
		p.idle = make(chan struct{})
		go p.run(p.idle)
	}
}

// remove stops sending s. After it returns, s is not touched again.
func (p *pacer) remove(s *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.slots[s.slot]
	last := len(list) - 1
	if s.place < 0 || s.place > last || list[s.place] != s {
		return
	}
	list[s.place] = list[last]
	list[s.place].place = s.place
	list[last] = nil
	p.slots[s.slot] = list[:last]
	s.place = -1
}

// run sends one frame of each stream of the slot that is due, until no stream is left.
func (p *pacer) run(idle chan struct{}) {
	defer close(idle)
	ticker := time.NewTicker(slotTime)
	defer ticker.Stop()
	begin, turn := time.Now(), int64(0)
	for range ticker.C {
		due := int64(time.Since(begin) / slotTime)
		if due-turn > int64(maxBehind/slotTime) {
			turn = due - 1
		}
		for ; turn < due; turn++ {
			if !p.send(int(turn % wheelSlots)) {
				return
			}
		}
	}
}

// send sends the frames of one slot. It reports false when no stream is left
// anywhere, in which case the goroutine must end.
func (p *pacer) send(slot int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.slots[slot] {
		s.sendFrame()
	}
	for _, list := range p.slots {
		if len(list) > 0 {
			return true
		}
	}
	p.running = false
	return false
}
