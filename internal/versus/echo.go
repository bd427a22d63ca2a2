package versus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// eager is the pace of a caller's packets until the first comes back, and so the
	// grain of the time from answer to audio; speaking is that of speech.
	eager, speaking = 5 * time.Millisecond, 20 * time.Millisecond
	// mute is after how long without a packet a caller says no more.
	mute = 300 * time.Millisecond
	rtp  = 12 // bytes of a packet's header
)

// ears are the media of callers: each hears hold music, speaks all the time, and
// recognizes what an agent's phone echoes of it, which proves that both directions
// of that call are connected.
type ears struct {
	callers []numbered
	sockets []*net.UDPConn
	wg      sync.WaitGroup

	mu    sync.Mutex
	first map[string]time.Time // guarded by mu; when the first echo came, by the caller's number
	heard map[string]int       // guarded by mu; echoes
}

// listenAs opens the media of so many callers.
func listenAs(callers int) (*ears, error) {
	e := &ears{first: map[string]time.Time{}, heard: map[string]int{}}
	for i := range callers {
		socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.2:0")))
		if err != nil {
			return nil, errors.Join(err, e.close())
		}
		e.sockets = append(e.sockets, socket)
		caller := numbered{number: fmt.Sprintf("1395%07d", i), port: uint16(socket.LocalAddr().(*net.UDPAddr).Port)}
		e.callers = append(e.callers, caller)
		e.wg.Go(func() { e.speak(socket, caller) })
	}
	return e, nil
}

// speak runs until the socket is closed.
func (e *ears) speak(socket *net.UDPConn, caller numbered) {
	packet := make([]byte, rtp+160)
	packet[0], packet[1] = 0x80, 8 // A-law
	binary.BigEndian.PutUint32(packet[8:], uint32(caller.port))
	// What nobody else says.
	copy(packet[rtp:], bytes.Repeat([]byte{0xb5, byte(caller.port >> 8), byte(caller.port), 0x4a}, 40))
	own := bytes.Clone(packet[rtp:])
	var (
		peer  netip.AddrPort
		last  time.Time // of the packets received
		next  time.Time // of the packets sent
		count uint32
		pace  = eager
		in    = make([]byte, 2048)
	)
	for {
		until := time.Now().Add(time.Minute)
		if peer.IsValid() {
			until = next
		}
		_ = socket.SetReadDeadline(until)
		n, from, err := socket.ReadFromUDPAddrPort(in)
		now := time.Now()
		var late net.Error
		switch {
		case err == nil:
			peer, last = from, now
			if n == len(packet) && bytes.Equal(in[rtp:n], own) {
				pace = speaking
				e.note(caller.number, now)
			}
		case errors.As(err, &late) && late.Timeout():
		default:
			return // closed
		}
		if now.Sub(last) > mute {
			peer = netip.AddrPort{}
		}
		if peer.IsValid() && !now.Before(next) {
			count++
			binary.BigEndian.PutUint16(packet[2:], uint16(count))
			binary.BigEndian.PutUint32(packet[4:], count*160)
			_, _ = socket.WriteToUDPAddrPort(packet, peer) // whether it was heard shows
			next = now.Add(pace)
		}
	}
}

func (e *ears) note(number string, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.first[number].IsZero() {
		e.first[number] = at
	}
	e.heard[number]++
}

// delays are the times from each agent's answer until the caller heard the first
// echo; spoken is how many calls passed speech both ways for at least half of
// their length.
func (e *ears) delays(agents []conversation, numbers map[string]string) (list []time.Duration, spoken int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range agents {
		first := e.first[numbers[c.id]]
		if c.answered.IsZero() || first.IsZero() {
			continue
		}
		list = append(list, first.Sub(c.answered))
		if want := c.hungUp.Sub(c.answered) / speaking / 2; e.heard[numbers[c.id]] >= int(want) {
			spoken++
		}
	}
	return list, spoken
}

func (e *ears) close() error {
	var errs []error
	for _, s := range e.sockets {
		errs = append(errs, s.Close())
	}
	e.wg.Wait()
	return errors.Join(errs...)
}
