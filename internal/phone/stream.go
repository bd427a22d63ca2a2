package phone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"
)

const (
	// An RFC 4733 digit lasts eventFrames frames, then its end is sent
	// eventEnds times, then the line is plain audio for eventGap frames.
	eventFrames = 5
	eventEnds   = 3
	eventGap    = 5

	rtpHeader = 12 // bytes, without extensions
)

// A Hearing is a tone that was heard for long enough to be believed.
type Hearing struct {
	Tone  Tone
	First time.Time // arrival of its first frame
	Last  time.Time // arrival of the last frame of the last window that held it
}

// A stream is the sound of one call: an RTP socket, what it sends and what it hears.
type stream struct {
	conn  *net.UDPConn
	slot  int // owned by the pacer
	place int // owned by the pacer
	ended chan struct{}

	mu      sync.Mutex
	closed  bool
	paced   bool // the pacer has it
	remote  netip.AddrPort
	sending bool // the far end wants to receive
	held    bool // we have put the far end on hold: silence instead of the tone
	codec   uint8
	events  uint8 // payload type of telephone-event; 0: none agreed
	tone    Tone
	packet  [rtpHeader + frameSamples]byte
	silence [frameSamples]byte
	seq     uint16
	stamp   uint32
	marker  bool
	digits  []byte // still to be sent
	phase   int    // frames into the digit that is being sent
	onset   uint32 // RTP timestamp of that digit

	hears     detector
	heard     map[Tone]*Hearing
	dtmf      []byte
	lastEvent uint32
	anyEvent  bool
	recording bool
	recorded  []byte // what came since it began, as it was encoded
	ssrc      uint32
	first     uint64 // extended sequence number of the first packet of ssrc
	highest   uint64
	ofSource  uint64 // packets received of ssrc
	stats     MediaStats
	changed   chan struct{} // closed and replaced when something new was heard
}

// MediaStats counts the RTP of one call.
type MediaStats struct {
	Sent       uint64
	Received   uint64    // audio and event packets from the far end
	Lost       uint64    // gaps in the far end's sequence numbers
	Stray      uint64    // packets from elsewhere, or not RTP of the agreed kind
	FirstAudio time.Time // arrival of the first audio packet; zero: none came
	FirstSound time.Time // end of the first 100 ms that were not silent; zero: none came
}

// newStream opens an RTP socket at the local address.
func newStream(local netip.Addr, tone Tone) (*stream, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return nil, fmt.Errorf("open an RTP socket at %s: %w", local, err)
	}
	s := &stream{
		conn: conn, place: -1, ended: make(chan struct{}),
		tone: tone, seq: uint16(rand.Uint32()), stamp: rand.Uint32(), marker: true,
		heard: map[Tone]*Hearing{}, changed: make(chan struct{}),
	}
	s.packet[0] = 2 << 6
	binary.BigEndian.PutUint32(s.packet[8:], rand.Uint32())
	go s.receive()
	return s, nil
}

func (s *stream) port() int { return s.conn.LocalAddr().(*net.UDPAddr).Port }

// agree sets or changes what was negotiated, and begins to send if begin is
// set. It must not run at the same time as close: the call's lock sees to that.
func (s *stream) agree(m media, begin bool) {
	s.mu.Lock()
	s.remote = m.addr
	s.sending = m.farReceives() && m.addr.Port() != 0 && !m.addr.Addr().IsUnspecified()
	if s.codec != m.codec || s.packet[1] == 0 {
		s.codec = m.codec
		s.silence = Tone{}.encode(m.codec)
		s.packet[1] = m.codec
		s.fill()
	}
	s.events = m.events
	start := begin && !s.paced && !s.closed
	s.paced = s.paced || start
	s.mu.Unlock()
	if start {
		wheel.add(s)
	}
}

// setTone changes what is sent from the next frame on.
func (s *stream) setTone(tone Tone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tone = tone
	s.fill()
}

func (s *stream) setHeld(held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = held
	s.fill()
}

// fill puts the frame that is sent over and over into the packet. s.mu is held.
func (s *stream) fill() {
	frame := s.silence
	if !s.held {
		frame = s.tone.encode(s.codec)
	}
	copy(s.packet[rtpHeader:], frame[:])
}

// dial queues digits. It reports whether the far end agreed to receive them.
func (s *stream) dial(digits string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.events == 0 {
		return false
	}
	s.digits = append(s.digits, digits...)
	return true
}

// sendFrame sends 20 ms. Called by the pacer.
func (s *stream) sendFrame() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.stamp += frameSamples
	if !s.sending {
		s.marker = true // RFC 3551: the first packet after a pause
		return
	}
	if len(s.digits) > 0 && s.sendEvent() {
		return
	}
	binary.BigEndian.PutUint32(s.packet[4:], s.stamp)
	s.packet[1] = s.codec
	if s.marker {
		s.packet[1] |= 0x80
		s.marker = false
	}
	s.write(s.packet[:])
}

// sendEvent sends the part of the first queued digit that is due. It reports
// false in the gap after a digit, when audio is due instead. s.mu is held.
func (s *stream) sendEvent() bool {
	if s.phase == 0 {
		s.onset = s.stamp
	}
	s.phase++
	if s.phase > eventFrames+eventEnds {
		if s.phase >= eventFrames+eventEnds+eventGap {
			s.phase = 0
			s.digits = s.digits[1:]
		}
		return false
	}
	var packet [rtpHeader + 4]byte
	copy(packet[:], s.packet[:rtpHeader])
	packet[1] = s.events
	if s.phase == 1 {
		packet[1] |= 0x80
	}
	binary.BigEndian.PutUint32(packet[4:], s.onset)
	packet[12] = eventOf(s.digits[0])
	packet[13] = 10 // volume, −10 dBm0
	if s.phase > eventFrames {
		packet[13] |= 0x80
	}
	binary.BigEndian.PutUint16(packet[14:], uint16(min(s.phase, eventFrames)*frameSamples))
	s.write(packet[:])
	return true
}

// write numbers and sends a packet. s.mu is held. A send that fails (the far
// socket is closed already) is loss like any other.
func (s *stream) write(packet []byte) {
	binary.BigEndian.PutUint16(packet[2:], s.seq)
	s.seq++
	if _, err := s.conn.WriteToUDPAddrPort(packet, s.remote); err == nil {
		s.stats.Sent++
	}
}

// receive reads the socket until it is closed.
func (s *stream) receive() {
	defer close(s.ended)
	buf := make([]byte, 2048)
	var p rtp.Packet
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of an earlier send
		}
		now := time.Now()
		p = rtp.Packet{}
		bad := p.Unmarshal(buf[:n])
		s.mu.Lock()
		// RTCP shares nothing with us but may be sent to our port by a
		// neighbour's port number plus one.
		if bad != nil || (s.remote.IsValid() && from.Port() != s.remote.Port()) {
			s.stats.Stray++
		} else {
			s.take(&p, now)
		}
		s.mu.Unlock()
	}
}

// take handles one packet of the far end. s.mu is held.
func (s *stream) take(p *rtp.Packet, now time.Time) {
	switch {
	case p.PayloadType == payloadPCMA || p.PayloadType == payloadPCMU:
		s.count(&p.Header)
		if s.stats.FirstAudio.IsZero() {
			s.stats.FirstAudio = now
		}
		table := &linearA
		if p.PayloadType == payloadPCMU {
			table = &linearU
		}
		if s.recording {
			s.recorded = append(s.recorded, p.Payload...)
			s.wake()
		}
		if s.hears.add(p.Payload, table, now) {
			s.listen(now)
		}
	case p.PayloadType == s.events && s.events != 0 && len(p.Payload) >= 4:
		s.count(&p.Header)
		if s.anyEvent && s.lastEvent == p.Timestamp {
			return // a later packet of the same digit
		}
		s.anyEvent, s.lastEvent = true, p.Timestamp
		if digit, ok := digitOf(p.Payload[0]); ok {
			s.dtmf = append(s.dtmf, digit)
			s.wake()
		}
	default:
		s.stats.Stray++
	}
}

// listen notes what the window just completed tells. s.mu is held.
func (s *stream) listen(now time.Time) {
	if s.hears.sound && s.stats.FirstSound.IsZero() {
		s.stats.FirstSound = now
	}
	tone := s.hears.current
	if tone == (Tone{}) {
		return
	}
	if h := s.heard[tone]; h != nil {
		h.Last = now
		return
	}
	s.heard[tone] = &Hearing{Tone: tone, First: s.hears.started, Last: now}
	s.wake()
}

// wake tells all waiters to look again. s.mu is held.
func (s *stream) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// count keeps the loss statistics of the present source. s.mu is held.
func (s *stream) count(h *rtp.Header) {
	s.stats.Received++
	if s.ofSource == 0 || h.SSRC != s.ssrc {
		s.ssrc = h.SSRC
		s.first = uint64(h.SequenceNumber) + 1<<16
		s.highest = s.first
		s.ofSource = 1
		return
	}
	s.ofSource++
	// The signed distance unwraps the 16-bit number.
	step := int16(h.SequenceNumber - uint16(s.highest))
	if step <= 0 {
		if s.stats.Lost > 0 {
			s.stats.Lost-- // it came late, not never
		}
		return
	}
	s.highest += uint64(step)
	s.stats.Lost += uint64(step) - 1
}

// close stops sending and receiving. It may be called more than once.
func (s *stream) close() {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	if !already {
		s.wake()
	}
	s.mu.Unlock()
	if already {
		return
	}
	wheel.remove(s)
	s.conn.Close()
}

const dtmfDigits = "0123456789*#ABCD"

// eventOf returns the RFC 4733 event of a digit that validDigits accepted.
func eventOf(digit byte) byte {
	for i := range len(dtmfDigits) {
		if dtmfDigits[i] == digit {
			return byte(i)
		}
	}
	return 0
}

func digitOf(event byte) (byte, bool) {
	if int(event) >= len(dtmfDigits) {
		return 0, false
	}
	return dtmfDigits[event], true
}
