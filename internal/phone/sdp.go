package phone

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// Directions of RFC 3264, as seen by whoever wrote the description.
const (
	sendrecv = "sendrecv"
	sendonly = "sendonly"
	recvonly = "recvonly"
	inactive = "inactive"
)

// media is what a session description says about its audio.
type media struct {
	addr      netip.AddrPort
	codec     uint8 // the first codec of the list that we have
	events    uint8 // payload type of telephone-event at 8 kHz; 0: none
	direction string
}

// farReceives reports whether the far end, who wrote it, wants to receive.
func (m media) farReceives() bool { return m.direction == sendrecv || m.direction == recvonly }

// answer returns the direction to answer an offer with.
func (m media) answer() string {
	switch m.direction {
	case sendonly:
		return recvonly
	case recvonly:
		return sendonly
	default:
		return m.direction
	}
}

var errNoCodec = errors.New("the session description has neither PCMA nor PCMU")

// parseMedia reads a session description.
func parseMedia(body []byte) (media, error) {
	var d sdp.SessionDescription
	if err := d.Unmarshal(body); err != nil {
		return media{}, fmt.Errorf("read the session description: %w", err)
	}
	for _, m := range d.MediaDescriptions {
		if m.MediaName.Media == "audio" {
			return audioOf(&d, m)
		}
	}
	return media{}, errors.New("the session description has no audio")
}

func audioOf(d *sdp.SessionDescription, m *sdp.MediaDescription) (media, error) {
	conn := m.ConnectionInformation
	if conn == nil {
		conn = d.ConnectionInformation
	}
	if conn == nil || conn.Address == nil {
		return media{}, errors.New("the session description has no address (c=)")
	}
	addr, err := netip.ParseAddr(conn.Address.Address)
	if err != nil {
		return media{}, fmt.Errorf("read the session description's address: %w", err)
	}
	out := media{addr: netip.AddrPortFrom(addr, uint16(m.MediaName.Port.Value)), direction: directionOf(d, m)}
	found := false
	for _, f := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			return media{}, fmt.Errorf("read the session description: payload type %q is no number", f)
		}
		if (pt == payloadPCMA || pt == payloadPCMU) && !found {
			found, out.codec = true, uint8(pt)
		}
	}
	if !found {
		return media{}, errNoCodec
	}
	for _, a := range m.Attributes {
		pt, name, ok := strings.Cut(a.Value, " ")
		if a.Key != "rtpmap" || !ok || !strings.EqualFold(name, "telephone-event/8000") {
			continue
		}
		if n, err := strconv.ParseUint(pt, 10, 7); err == nil {
			out.events = uint8(n)
		}
	}
	return out, nil
}

// directionOf returns the direction of the audio; the session's holds where the media's is missing.
func directionOf(d *sdp.SessionDescription, m *sdp.MediaDescription) string {
	known := []string{sendrecv, sendonly, recvonly, inactive}
	for _, attributes := range [][]sdp.Attribute{m.Attributes, d.Attributes} {
		for _, a := range attributes {
			if slices.Contains(known, a.Key) {
				return a.Key
			}
		}
	}
	return sendrecv
}

// describe writes a session description. codecs are in order of preference.
func describe(local netip.AddrPort, session uint64, version int, codecs []uint8, events uint8, direction string) []byte {
	var b strings.Builder
	family := "IP4"
	if local.Addr().Is6() {
		family = "IP6"
	}
	fmt.Fprintf(&b, "v=0\r\no=- %d %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n",
		session, version, family, local.Addr(), family, local.Addr())
	fmt.Fprintf(&b, "m=audio %d RTP/AVP", local.Port())
	for _, c := range codecs {
		fmt.Fprintf(&b, " %d", c)
	}
	if events != 0 {
		fmt.Fprintf(&b, " %d", events)
	}
	b.WriteString("\r\n")
	for _, c := range codecs {
		name := "PCMA"
		if c == payloadPCMU {
			name = "PCMU"
		}
		fmt.Fprintf(&b, "a=rtpmap:%d %s/8000\r\n", c, name)
	}
	if events != 0 {
		fmt.Fprintf(&b, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\n", events, events)
	}
	fmt.Fprintf(&b, "a=ptime:20\r\na=%s\r\n", direction)
	return []byte(b.String())
}
