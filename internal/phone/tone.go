package phone

import (
	"fmt"
	"math"

	"github.com/zaf/g711"
)

// A frame is 20 ms at 8 kHz. Every frequency of the grid is a multiple of
// 50 Hz, so one frame holds whole periods of each: a tone is the same frame
// over and over, a lost or repeated frame does not break its phase, and the
// frequencies of the grid are orthogonal over any whole number of frames.
const (
	sampleRate   = 8000
	frameSamples = 160

	lowFirst, lowStep, lowCount    = 500, 50, 24  // 500 … 1650 Hz
	highFirst, highStep, highCount = 1800, 50, 31 // 1800 … 3300 Hz

	// Amplitude of each of the two sinusoids, of 32767. Together −9 dBFS, the
	// level of a loud voice, so that no mixer clips it.
	toneAmplitude = 5800
)

// ToneCount is how many distinct tones ToneAt offers.
const ToneCount = lowCount * highCount

// A Tone names a phone by sound: two sinusoids at once, one of a low and one of
// a high group, as in DTMF. Speech, music, ringback (450 Hz, or 440 and 480 Hz)
// and DTMF digits are none of them. The zero Tone is silence.
type Tone struct {
	Low, High int // Hz
}

// ToneAt returns the n-th tone of the grid, 0 ≤ n < ToneCount. Neighbouring
// numbers differ in both frequencies wherever possible.
func ToneAt(n int) (Tone, error) {
	if n < 0 || n >= ToneCount {
		return Tone{}, fmt.Errorf("tone number %d is outside 0 … %d", n, ToneCount-1)
	}
	// 24 and 31 have no common divisor, so the pair (n mod 24, n mod 31) meets
	// every cell of the grid once.
	return Tone{
		Low:  lowFirst + lowStep*(n%lowCount),
		High: highFirst + highStep*(n%highCount),
	}, nil
}

// Valid reports whether t is a tone of the grid.
func (t Tone) Valid() bool {
	return t.Low >= lowFirst && t.Low < lowFirst+lowStep*lowCount && (t.Low-lowFirst)%lowStep == 0 &&
		t.High >= highFirst && t.High < highFirst+highStep*highCount && (t.High-highFirst)%highStep == 0
}

// String returns the two frequencies, as in "550+1850 Hz".
func (t Tone) String() string {
	if t == (Tone{}) {
		return "silence"
	}
	return fmt.Sprintf("%d+%d Hz", t.Low, t.High)
}

// samples renders one frame of the tone as 16-bit linear samples.
func (t Tone) samples() [frameSamples]int16 {
	var out [frameSamples]int16
	if t == (Tone{}) {
		return out
	}
	for i := range out {
		at := 2 * math.Pi * float64(i) / sampleRate
		out[i] = int16(toneAmplitude * (math.Sin(at*float64(t.Low)) + math.Sin(at*float64(t.High))))
	}
	return out
}

// Static RTP payload types of the two codecs (RFC 3551).
const (
	payloadPCMU = 0
	payloadPCMA = 8
)

// encode renders one frame of the tone in the codec of the payload type.
func (t Tone) encode(payloadType uint8) [frameSamples]byte {
	linear := t.samples()
	var out [frameSamples]byte
	for i, s := range linear {
		if payloadType == payloadPCMU {
			out[i] = g711.EncodeUlawFrame(s)
		} else {
			out[i] = g711.EncodeAlawFrame(s)
		}
	}
	return out
}
