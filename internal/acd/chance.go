package acd

// chance is a sequence of numbers that look like chance and come from a seed:
// SplitMix64 (Steele, Lea, Flood 2014). One word of state, so that it can be
// kept with the engine's.
type chance struct{ state uint64 }

func (c *chance) next() uint64 {
	c.state += 0x9e3779b97f4a7c15
	z := c.state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// float is above 0 and at most 1.
func (c *chance) float() float64 { return float64(c.next()>>11+1) / (1 << 53) }
