// Package compose holds a deployment in containers, and its tests, which need no
// container engine.
package compose
