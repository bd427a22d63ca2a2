//go:build race

package requirement

// raceDetector makes tests about numbers take fewer samples: what the detector
// looks for shows in a few.
const raceDetector = true
