// Package live turns snapshots of the engine into streams of changes, for displays that
// follow the site without asking again and again. One goroutine looks, compares with what
// it saw before, and writes each change once as JSON; all who see the same get the same
// bytes. Who does not take them in time is cut off and keeps nobody waiting.
//
// Snapshots enter, text/event-stream leaves. internal/httpapi serves it.
package live
