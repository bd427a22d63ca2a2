package phone

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zaf/g711"
)

// feed gives the detector frames 20 ms apart from start and returns the time after the last.
func feed(d *detector, start time.Time, frames int, payload []byte) time.Time {
	for range frames {
		d.add(payload, &linearA, start)
		start = start.Add(20 * time.Millisecond)
	}
	return start
}

func TestEveryToneIsDistinctAndNamed(t *testing.T) {
	seen := map[Tone]bool{}
	for n := range ToneCount {
		tone, err := ToneAt(n)
		if err != nil {
			t.Fatal(err)
		}
		if seen[tone] || !tone.Valid() {
			t.Fatalf("tone %d is %v: repeated or not of the grid", n, tone)
		}
		seen[tone] = true
		for _, codec := range []struct {
			pt    uint8
			table *[256]float32
		}{{payloadPCMA, &linearA}, {payloadPCMU, &linearU}} {
			var d detector
			payload := tone.encode(codec.pt)
			// A shifted start: the far end does not know where our frames begin.
			d.add(payload[60:], codec.table, time.Now())
			for range windowFrames * persistence {
				d.add(payload[:], codec.table, time.Now())
			}
			if d.current != tone {
				t.Fatalf("payload type %d: tone %v was heard as %v", codec.pt, tone, d.current)
			}
		}
	}
	if _, err := ToneAt(ToneCount); err == nil {
		t.Error("a tone number past the end is accepted")
	}
}

func TestToneIsDatedToItsFirstFrame(t *testing.T) {
	tone, _ := ToneAt(7)
	payload, silence := tone.encode(payloadPCMA), Tone{}.encode(payloadPCMA)
	for lead := range 11 {
		var d detector
		began := feed(&d, time.Unix(0, 0), lead, silence[:])
		feed(&d, began, windowFrames*(persistence+1), payload[:])
		if d.current != tone || !d.started.Equal(began) {
			t.Errorf("after %d silent frames: heard %v from %v, want %v from %v", lead, d.current, d.started, tone, began)
		}
	}
}

func TestToneNeedsPersistence(t *testing.T) {
	var d detector
	tone, _ := ToneAt(7)
	payload := tone.encode(payloadPCMA)
	feed(&d, time.Now(), windowFrames*persistence-1, payload[:])
	if d.current != (Tone{}) {
		t.Errorf("%v was believed after %d frames", d.current, windowFrames*persistence-1)
	}
	silence := Tone{}.encode(payloadPCMA)
	feed(&d, time.Now(), 2*windowFrames, payload[:])
	feed(&d, time.Now(), 2*windowFrames, silence[:])
	if d.current != (Tone{}) {
		t.Errorf("%v is still heard in silence", d.current)
	}
}

// sound encodes a function of time (seconds) as A-law frames.
func sound(frames int, f func(t float64) float64) []byte {
	out := make([]byte, frames*frameSamples)
	for i := range out {
		out[i] = g711.EncodeAlawFrame(int16(f(float64(i) / sampleRate)))
	}
	return out
}

// TestOtherSoundsAreNoTone plays what a caller hears while waiting.
func TestOtherSoundsAreNoTone(t *testing.T) {
	sine := func(amp, hz, t float64) float64 { return amp * math.Sin(2*math.Pi*hz*t) }
	rng := rand.New(rand.NewPCG(1, 2))
	chords := make([][4]float64, 64)
	for i := range chords {
		for j := range chords[i] {
			// The tempered scale, A3 … A7: what hold music is made of.
			chords[i][j] = 220 * math.Pow(2, float64(rng.IntN(48))/12)
		}
	}
	a, _ := ToneAt(3)
	b, _ := ToneAt(40)
	for name, f := range map[string]func(t float64) float64{
		"ringback 450 Hz":      func(t float64) float64 { return sine(8000, 450, t) },
		"ringback 440+480 Hz":  func(t float64) float64 { return sine(6000, 440, t) + sine(6000, 480, t) },
		"DTMF 3":               func(t float64) float64 { return sine(6000, 697, t) + sine(6000, 1477, t) },
		"one grid frequency":   func(t float64) float64 { return sine(8000, 1000, t) },
		"unbalanced pair":      func(t float64) float64 { return sine(8000, 1000, t) + sine(1500, 2000, t) },
		"noise":                func(float64) float64 { return 6000 * rng.NormFloat64() },
		"two tones at a time":  func(t float64) float64 { return both(a, b, t) },
		"a tone in half noise": func(t float64) float64 { return both(a, Tone{}, t) + 6000*rng.NormFloat64() },
		"arpeggio in octaves":  func(t float64) float64 { return arpeggio(chords, t, 1) },
		"arpeggio in harmony":  func(t float64) float64 { return arpeggio(chords, t, 4) },
	} {
		var d detector
		payload := sound(50*20, f)
		for i := 0; i < len(payload); i += frameSamples {
			if d.add(payload[i:i+frameSamples], &linearA, time.Now()) && d.current != (Tone{}) {
				t.Errorf("%s is taken for %v", name, d.current)
				break
			}
		}
	}
}

func both(a, b Tone, t float64) float64 {
	var out float64
	for _, hz := range []int{a.Low, a.High, b.Low, b.High} {
		out += 4000 * math.Sin(2*math.Pi*float64(hz)*t)
	}
	return out
}

// arpeggio plays n notes at a time, each with an octave above, changing eight times a second.
func arpeggio(chords [][4]float64, t float64, n int) float64 {
	chord := chords[int(t*8)%len(chords)]
	var out float64
	for _, hz := range chord[:n] {
		out += 3000*math.Sin(2*math.Pi*hz*t) + 2500*math.Sin(4*math.Pi*hz*t)
	}
	return out
}

func TestToneSurvivesLoss(t *testing.T) {
	var d detector
	tone, _ := ToneAt(100)
	payload := tone.encode(payloadPCMA)
	// Lost frames are simply missing; the phase fits all the same.
	feed(&d, time.Now(), windowFrames, payload[:])
	feed(&d, time.Now().Add(time.Second), windowFrames*(persistence-1), payload[:])
	if d.current != tone {
		t.Errorf("heard %v, want %v", d.current, tone)
	}
}

func BenchmarkDetectorFrame(b *testing.B) {
	var d detector
	tone, _ := ToneAt(100)
	payload := tone.encode(payloadPCMA)
	at := time.Now()
	for b.Loop() {
		d.add(payload[:], &linearA, at)
	}
}
