package asterisk_test

import (
	"fmt"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// As long as callers are held by the dialplan who were there before the connection,
// the engine is told since when, so that nobody who came later is served before them.
func TestCaughtCallersAreWaitedFor(t *testing.T) {
	moment := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	caught := func(b *bench, want time.Time) {
		t.Helper()
		if c, _ := expect[acd.CallersCaught](b.rig); c.Node != "a1" || !c.Since.Equal(want) {
			t.Errorf("%+v, want since %v", c, want)
		}
	}
	come := func(b *bench, id string, since time.Time) {
		t.Helper()
		args := fmt.Sprintf(`"args":["entry","12345","%d.%03d"],`, since.Unix(), since.Nanosecond()/1e6)
		b.fake.SetChannel(id, "Up", appData)
		b.send(aritest.Event("StasisStart", id, "Up", args))
		if c, _ := expect[acd.CallArrived](b.rig); string(c.Call) != id || !c.Since.Equal(since) {
			t.Errorf("%+v, want %s since %v", c, id, since)
		}
	}
	begin := func(t *testing.T, wait time.Duration) *bench {
		fake := aritest.New()
		fake.SetCaught("a1-1.1", moment)
		fake.SetCaught("a1-1.2", moment.Add(time.Second))
		fake.SetCaught("a1-1.3", moment.Add(2*time.Second))
		b := newBenchAt(t, fake, func(o *asterisk.Options) { o.CaughtFor = wait })
		caught(b, moment)
		b.waitReady()
		return b
	}
	t.Run("they come, and one hangs up", func(t *testing.T) {
		b := begin(t, time.Minute)
		come(b, "a1-1.2", moment.Add(time.Second))
		come(b, "a1-1.1", moment)
		caught(b, moment.Add(2*time.Second))
		b.fake.SetCaught("a1-1.4", moment.Add(-time.Second)) // not for want of a controller
		b.fake.SetChannel("a1-1.3", "", "")
		caught(b, time.Time{})
		b.waitFor("GET /channels", b.fake.Count("GET /channels"))
		b.quiet()
	})
	t.Run("the rest hangs up while the connection is lost", func(t *testing.T) {
		b := begin(t, time.Minute)
		b.fake.SetChannel("a1-1.1", "Up", appData)
		b.fake.SetChannel("a1-1.2", "", "")
		b.fake.SetChannel("a1-1.3", "", "")
		b.fake.Drop()
		expect[acd.CallArrived](b.rig)
		for {
			// The engine may hear of the others as long as they are thought to be there.
			if c, _ := expect[acd.CallersCaught](b.rig); c.Since.IsZero() {
				break
			}
		}
		b.quiet()
	})
	t.Run("they do not come", func(t *testing.T) {
		b := begin(t, 50*time.Millisecond)
		caught(b, time.Time{})
		b.quiet()
	})
}
