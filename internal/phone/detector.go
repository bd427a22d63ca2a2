package phone

import (
	"math"
	"time"

	"github.com/zaf/g711"
)

// The detector adds windowFrames frames on top of each other and looks at the
// sum. What repeats every 20 ms (the grid, nothing else) adds up in amplitude;
// all other sound adds up in power only. So hold music and voice lose 7 dB
// before the question "which pair?" is even asked, and the bank of filters runs
// over 160 samples once in 100 ms, not over each sample.
const (
	windowFrames = 5
	// dominance is the least share of the received energy that must lie in the
	// two frequencies. A clean tone through A-law keeps over 0.99.
	dominance = 0.85
	// balance is the least share of the pair's energy in its weaker half.
	balance = 0.2
	// persistence is how many windows in a row must show the same tone.
	persistence = 3
	// silencePower is the mean square of a frame under which nothing is looked for.
	silencePower = 100 * 100
	// recall is how many frames are remembered, to date the beginning of a tone to a frame.
	recall = windowFrames * (persistence + 2)
)

var (
	linearA, linearU = decodeTables()
	bankLow          = newBank(lowFirst, lowStep, lowCount)
	bankHigh         = newBank(highFirst, highStep, highCount)
)

func decodeTables() (a, u [256]float32) {
	for i := range 256 {
		a[i] = float32(g711.DecodeAlawFrame(uint8(i)))
		u[i] = float32(g711.DecodeUlawFrame(uint8(i)))
	}
	return a, u
}

// newBank returns the Goertzel coefficients of n frequencies.
func newBank(first, step, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = coefficient(first + i*step)
	}
	return out
}

func coefficient(hz int) float32 {
	return float32(2 * math.Cos(2*math.Pi*float64(hz)/sampleRate))
}

// goertzel returns the energy that the samples hold at one frequency, in the
// units of a sum of squares: a pure sinusoid on the grid yields its own.
func goertzel(samples *[frameSamples]float32, coeff float32) float32 {
	var s1, s2 float32
	for _, x := range samples {
		s1, s2 = x+coeff*s1-s2, s1
	}
	return (s1*s1 + s2*s2 - coeff*s1*s2) * 2 / frameSamples
}

// strongest returns the index and energy of the strongest frequency of a bank.
func strongest(samples *[frameSamples]float32, bank []float32) (int, float32) {
	best, energy := 0, float32(0)
	for i, coeff := range bank {
		if e := goertzel(samples, coeff); e > energy {
			best, energy = i, e
		}
	}
	return best, energy
}

// A frame is one received 20 ms of sound.
type frame struct {
	at      time.Time
	linear  [frameSamples]float32
	energy  float32
	present bool
}

// A detector names the tone in a stream of samples. It is not safe for
// concurrent use.
type detector struct {
	frames  [recall]frame // ring; next is the frame being filled
	next    int
	filled  int // samples of the frame being filled
	inWin   int // whole frames since the last window
	streak  int // windows in a row that showed candidate
	current Tone
	started time.Time // when current began
	cand    Tone
	sound   bool // the last window was not silence
}

// add takes the payload of one packet. It reports whether a window was
// completed, after which the caller reads current.
func (d *detector) add(payload []byte, table *[256]float32, at time.Time) bool {
	looked := false
	for _, b := range payload {
		f := &d.frames[d.next]
		if d.filled == 0 {
			f.at, f.energy, f.present = at, 0, true
		}
		x := table[b]
		f.linear[d.filled] = x
		f.energy += x * x
		d.filled++
		if d.filled < frameSamples {
			continue
		}
		d.filled = 0
		d.next = (d.next + 1) % recall
		d.inWin++
		if d.inWin == windowFrames {
			d.inWin = 0
			d.look()
			looked = true
		}
	}
	return looked
}

// look evaluates the window that has just been completed.
func (d *detector) look() {
	tone := d.window()
	switch {
	case tone == (Tone{}):
		d.streak, d.cand, d.current = 0, Tone{}, Tone{}
	case tone != d.cand:
		d.streak, d.cand, d.current = 1, tone, Tone{}
	default:
		d.streak++
		if d.streak == persistence {
			d.current = tone
			d.started = d.beginning(tone)
		}
	}
}

// back returns the n-th last whole frame, n ≥ 1.
func (d *detector) back(n int) *frame { return &d.frames[(d.next-n+recall)%recall] }

// window names the tone of the last windowFrames frames, or silence.
func (d *detector) window() Tone {
	var sum [frameSamples]float32
	var energy float32
	for n := 1; n <= windowFrames; n++ {
		f := d.back(n)
		energy += f.energy
		for i, x := range f.linear {
			sum[i] += x
		}
	}
	d.sound = energy >= silencePower*frameSamples*windowFrames
	if !d.sound {
		return Tone{}
	}
	return name(&sum, energy*windowFrames)
}

// name returns the tone that holds the energy, or silence if none dominates.
func name(samples *[frameSamples]float32, energy float32) Tone {
	li, le := strongest(samples, bankLow)
	hi, he := strongest(samples, bankHigh)
	pair := le + he
	if pair < dominance*energy || min(le, he) < balance*pair {
		return Tone{}
	}
	return Tone{Low: lowFirst + li*lowStep, High: highFirst + hi*highStep}
}

// beginning returns the arrival of the first frame of the unbroken run of
// frames, up to the last one, that hold the tone.
func (d *detector) beginning(tone Tone) time.Time {
	low, high := coefficient(tone.Low), coefficient(tone.High)
	at := d.back(windowFrames * persistence).at
	for n := windowFrames*persistence + 1; n < recall; n++ {
		f := d.back(n)
		if !f.present || f.energy < silencePower*frameSamples {
			break
		}
		if goertzel(&f.linear, low)+goertzel(&f.linear, high) < dominance*f.energy {
			break
		}
		at = f.at
	}
	return at
}
