package asterisk

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/runner"
)

// FuzzAnyMessage: whatever stands in a message, nothing panics, and an event
// that is used names what it is about.
func FuzzAnyMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"StasisStart","args":["entry","12345","1.5"],"channel":{"id":"a1-1.1"}}`,
		`{"type":"StasisStart","args":["seat","8001","*11"],"channel":{"id":"a1-1.2"}}`,
		`{"type":"StasisStart","args":["leg"],"channel":{"id":"leg_1_1001_a1-1.1"}}`,
		`{"type":"StasisEnd","channel":{"id":"a1-1.1"}}`, `{"type":"PlaybackFinished","playback":{"id":"play_1_x"}}`,
		`{"type":"ChannelDestroyed","cause":"x","channel":{}}`, `{"channel":{"type":"Dial"},"type":"StasisEnd"}`, `nonsense`,
	} {
		f.Add([]byte(seed))
	}
	o, err := Options{Nodes: []Node{{ID: "a1", URL: "http://127.0.0.1:1"}}, Log: zap.NewNop()}.withDefaults()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out := make(chan runner.SwitchEvent, 10)
		n := newNode(o.Nodes[0], o, out, nil)
		n.running = t.Context()
		_ = n.take(time.Now(), data)
		for n.inbox.depth() > 0 {
			it, _, _ := n.inbox.pop(t.Context())
			n.wireEvent(it.at, it.event)
		}
		close(out)
		for ev := range out {
			if arrived, ok := ev.Event.(acd.CallArrived); ok && arrived.Call == "" {
				t.Errorf("a call without a name from %q", data)
			}
		}
	})
}

// A field called type inside of another object decides nothing.
func TestTypeOfAnEventIsItsOwn(t *testing.T) {
	for data, used := range map[string]bool{
		`{"channel":{"id":"a1-1.1","type":"Dial"},"type":"StasisStart","args":["entry","12345"]}`:      true,
		`{"channel":{"id":"a1-1.1","type":"FromTheFuture"},"type":"StasisStart"}`:                      true,
		`{"channel":{"id":"a1-1.1"},"playback":{"id":"play_1_x","type":""},"type":"PlaybackFinished"}`: true,
		`{"channel":{"type":"StasisStart","id":"a1-1.1"},"type":"ChannelVarset"}`:                      false,
		`{"endpoint":{"type":"Dial"},"type":"FromTheFuture","channel":17}`:                             false,
	} {
		if ev, got, err := decodeEvent([]byte(data)); err != nil || got != used {
			t.Errorf("%s: %+v, used %v, %v", data, ev, got, err)
		}
	}
}

func TestArrivalIsRead(t *testing.T) {
	for text, want := range map[string]int64{"1795486000": 1795486000000, "1795486000.5": 1795486000500, " 1.25 ": 1250} {
		if got, ok := parseEpoch(text); !ok || got.UnixMilli() != want {
			t.Errorf("%q: %v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "x", "-1", "0", "NaN", "1e300", "Inf"} {
		if got, ok := parseEpoch(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
