//go:build !race

package requirement

const raceDetector = false
