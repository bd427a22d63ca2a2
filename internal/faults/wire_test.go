package faults

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"
)

// echo is a server that says everything back, and a wire to it.
func echo(t *testing.T) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	w, err := newWire(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.close(); l.Close(); <-ended })
	return w
}

func dialled(t *testing.T, w *wire) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", w.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, bufio.NewReader(c)
}

func says(t *testing.T, c net.Conn, in *bufio.Reader, text string) time.Duration {
	t.Helper()
	began := time.Now()
	if _, err := io.WriteString(c, text+"\n"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if got, err := in.ReadString('\n'); err != nil || got != text+"\n" {
		t.Fatalf("%q %v, want %q", got, err, text)
	}
	return time.Since(began)
}

func TestASlowWireLosesNothing(t *testing.T) {
	w := echo(t)
	c, in := dialled(t, w)
	says(t, c, in, "before")
	w.setDelay(100 * time.Millisecond)
	if took := says(t, c, in, "slowly"); took < 100*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	w.setDelay(0)
	says(t, c, in, "afterwards")
}

func TestOnlyEventConnectionsAreDropped(t *testing.T) {
	w := echo(t)
	c, in := dialled(t, w)
	says(t, c, in, "GET /ari/channels")
	events, heard := dialled(t, w)
	says(t, events, heard, "GET /ari/events?app=hotline")
	if n := w.dropEvents(); n != 1 {
		t.Errorf("%d were dropped", n)
	}
	_ = events.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := heard.ReadByte(); err == nil {
		t.Error("the event connection lives")
	}
	says(t, c, in, "GET /ari/bridges")
}
