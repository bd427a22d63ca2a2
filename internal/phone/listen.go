package phone

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
)

// media returns the call's stream, or nil if there is none yet.
func (c *Call) media() *stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sound
}

// SetTone changes what is sent in this call; the zero Tone is silence.
func (c *Call) SetTone(tone Tone) error {
	s := c.media()
	if s == nil || (tone != (Tone{}) && !tone.Valid()) {
		return fmt.Errorf("call %s: cannot send %v: no audio yet, or no tone of the grid", c.target, tone)
	}
	s.setTone(tone)
	return nil
}

// SendDTMF queues digits (0-9, *, #, A-D) to be sent as RFC 4733 events, 160 ms
// each with a gap of 100 ms, and returns at once.
func (c *Call) SendDTMF(digits string) error {
	if i := strings.IndexFunc(digits, func(r rune) bool { return !strings.ContainsRune(dtmfDigits, r) }); i >= 0 {
		return fmt.Errorf("call %s: %q is no DTMF digit", c.target, digits[i:])
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != up || !c.sound.dial(digits) {
		return fmt.Errorf("call %s: cannot send DTMF: the call is not up, or the far end does not take telephone-event", c.target)
	}
	return nil
}

// DTMF returns the digits heard so far.
func (c *Call) DTMF() string {
	s := c.media()
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.dtmf)
}

// Heard reports whether the tone was heard, now or before.
func (c *Call) Heard(tone Tone) bool {
	return slices.ContainsFunc(c.Hearings(), func(h Hearing) bool { return h.Tone == tone })
}

// Hears returns the tone that is heard at present; the zero Tone: none.
func (c *Call) Hears() Tone {
	s := c.media()
	if s == nil {
		return Tone{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hears.current
}

// Hearings returns all tones that were heard, in order of their beginning.
func (c *Call) Hearings() []Hearing {
	s := c.media()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hearings()
}

func (s *stream) hearings() []Hearing {
	out := make([]Hearing, 0, len(s.heard))
	for _, h := range s.heard {
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b Hearing) int { return a.First.Compare(b.First) })
	return out
}

// WaitTone waits until the tone has been heard for long enough to be believed
// (300 ms). It fails when the call ends before.
func (c *Call) WaitTone(ctx context.Context, tone Tone) (Hearing, error) {
	h, err := c.WaitAnyTone(ctx, func(t Tone) bool { return t == tone })
	if err != nil {
		return h, fmt.Errorf("wait for %v: %w", tone, err)
	}
	return h, nil
}

// WaitAnyTone waits for the first tone that is wanted.
func (c *Call) WaitAnyTone(ctx context.Context, wanted func(Tone) bool) (Hearing, error) {
	var found Hearing
	err := c.listenFor(ctx, func(s *stream) bool {
		for _, h := range s.hearings() {
			if wanted(h.Tone) {
				found = h
				return true
			}
		}
		return false
	})
	return found, err
}

// Record keeps what comes from now on, about 8 KB a second, for WaitSound.
func (c *Call) Record() {
	if s := c.media(); s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.recording = true
	}
}

// WaitSound waits until a sound has come since Record, byte for byte as it was
// encoded: nobody between may have transcoded it. A piece of half a second is
// enough to know a recording by.
func (c *Call) WaitSound(ctx context.Context, sound []byte) error {
	return c.listenFor(ctx, func(s *stream) bool { return bytes.Contains(s.recorded, sound) })
}

// WaitPart waits until what was heard last since Record, so many bytes of it, is
// some part of a sound: of music, for example, whose beginning was not heard.
func (c *Call) WaitPart(ctx context.Context, sound []byte, length int) error {
	return c.listenFor(ctx, func(s *stream) bool {
		return len(s.recorded) >= length && bytes.Contains(sound, s.recorded[len(s.recorded)-length:])
	})
}

// WaitDTMF waits until the digits heard so far contain those wanted.
func (c *Call) WaitDTMF(ctx context.Context, digits string) error {
	err := c.listenFor(ctx, func(s *stream) bool { return strings.Contains(string(s.dtmf), digits) })
	if err != nil {
		return fmt.Errorf("wait for the digits %s (heard %q): %w", digits, c.DTMF(), err)
	}
	return nil
}

// listenFor waits until enough, called with the stream locked, is satisfied.
func (c *Call) listenFor(ctx context.Context, enough func(*stream) bool) error {
	s := c.media()
	if s == nil { // not answered yet
		if err := c.WaitAnswered(ctx); err != nil {
			return err
		}
		s = c.media()
	}
	for {
		s.mu.Lock()
		yes, closed, changed := enough(s), s.closed, s.changed
		s.mu.Unlock()
		switch {
		case yes:
			return nil
		case closed:
			return fmt.Errorf("call %s: ended before (%s)", c.target, c.Ended().Reason)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("call %s: not heard: %w", c.target, ctx.Err())
		}
	}
}

// Stats is what a call has seen so far.
type Stats struct {
	Times
	MediaStats
	Codec string // "PCMA", "PCMU", or "" before it is agreed
}

// Stats returns the moments and counts of the call so far.
func (c *Call) Stats() Stats {
	c.mu.Lock()
	out := Stats{Times: c.times}
	s := c.sound
	c.mu.Unlock()
	if s == nil {
		return out
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.MediaStats = s.stats
	switch {
	case !s.remote.IsValid():
	case s.codec == payloadPCMU:
		out.Codec = "PCMU"
	default:
		out.Codec = "PCMA"
	}
	return out
}
