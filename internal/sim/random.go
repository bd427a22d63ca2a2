package sim

import "math/rand/v2"

// purpose separates the streams of random numbers.
type purpose uint64

const (
	forArrivals purpose = iota + 1
	forDay
	forPatience
	forTalk
	forHangUp
	forGreeting
	forRedial
	forRedialDelay
	forFate
	forAnswer
	forBack
	forBreak
	forTaking
	forLifting
	forPartner
	forPartnerAnswer
)

// streams gives a stream of random numbers for each purpose and each person's
// attempt. A draw depends on the seed, the purpose and the two keys alone, not
// on what was drawn before: so the same caller has the same patience and the
// same matter to talk about in every configuration that is compared.
type streams struct {
	seed uint64
	pcg  rand.PCG
	rnd  *rand.Rand
}

func newStreams(seed uint64) *streams {
	s := &streams{seed: seed}
	s.rnd = rand.New(&s.pcg)
	return s
}

// at is the stream of a purpose for the keys a and b; the next call of at
// takes it away.
func (s *streams) at(p purpose, a, b uint64) *rand.Rand {
	s.pcg.Seed(mix(s.seed^mix(uint64(p))), mix(mix(a)+b))
	return s.rnd
}

// own is like at, for a generator that keeps its stream.
func (s *streams) own(p purpose, a, b uint64) *rand.Rand {
	return rand.New(rand.NewPCG(mix(s.seed^mix(uint64(p))), mix(mix(a)+b)))
}

// mix is the output function of SplitMix64 (Steele, Lea and Flood, 2014): it
// makes unlike numbers of neighbours.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
