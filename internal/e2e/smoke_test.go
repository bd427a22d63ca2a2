package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	asteriskconf "hotline/asterisk-conf"
	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/callflow"
	"hotline/internal/devstack"
	"hotline/internal/phone"
	"hotline/internal/runner"
)

type memory struct {
	t       *testing.T
	records chan acd.CallRecord
	events  map[string]int
}

func (m *memory) Append(_ []acd.Change, r []acd.CallRecord) {
	for _, x := range r {
		m.records <- x
	}
}
func (m *memory) Run(context.Context) error { return nil }
func (m *memory) Ready() error              { return nil }
func (m *memory) Measure(x acd.Measure)     { m.t.Logf("measure %s %v", x.Kind, x.Value) }
func (m *memory) Breach(n string)           { m.t.Errorf("breach %s", n) }
func (m *memory) SwitchEvent(node, typ string, used bool) {
	m.t.Logf("%s event %s %v", time.Now().Format("05.000"), typ, used)
}
func (m *memory) SwitchRequest(node, method, route string, status int, took time.Duration) {
	m.t.Logf("%s request %s %s %d %v", time.Now().Format("05.000"), method, route, status, took)
}
func (m *memory) SwitchConnected(string, bool) {}
func (m *memory) SwitchGap(string)             {}
func (m *memory) SwitchBacklog(string, int)    {}

func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	a, err := devstack.StartAsterisk(ctx, t.TempDir(), asteriskconf.Params{Node: "a1", Seats: []asteriskconf.Seat{{Name: "8001", Password: "secretsecret"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop()
	m := &memory{t: t, records: make(chan acd.CallRecord, 10)}
	engine, err := acd.NewEngine(acd.Config{
		Entries:         []acd.Entry{{Number: "12345", Queue: "q"}},
		Queues:          []acd.Queue{{ID: "q", Music: "default", RingTimeout: 5 * time.Second, WrapUp: time.Second, Ringback: os.Getenv("RB") != ""}},
		Seats:           []acd.SeatID{"8001"},
		Agents:          []acd.Agent{{ID: "1", Queues: []acd.QueueID{"q"}}},
		NotReadyReasons: []acd.NotReadyReason{{Name: "break", Digit: "1"}},
	}, callflow.Standard{})
	if err != nil {
		t.Fatal(err)
	}
	log := zaptest.NewLogger(t)
	sw, err := asterisk.New(asterisk.Options{
		Nodes: []asterisk.Node{{ID: "a1", URL: "http://" + a.Params.HTTPListen.String(), Username: a.Params.ARIUser, Password: a.Params.ARIPassword}},
		Log:   log, Meter: m,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := runner.New(runner.Options{Engine: engine, Switch: sw, Store: m, Meter: m, Log: log})
	swctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { sw.Run(swctx); close(done) }()
	go r.Run(ctx)
	defer func() { stop(); <-done }()

	seat, err := phone.New("127.0.0.1:0", phone.Config{User: "seat-8001", Password: "secretsecret", Server: a.Params.SIPListen.String(), Tone: must(phone.ToneAt(1))})
	if err != nil {
		t.Fatal(err)
	}
	defer seat.Close()
	if err := seat.Register(ctx); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"*111", "*12"} {
		c, err := seat.Call(ctx, code, phone.CallOptions{})
		if err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		if _, err := c.WaitEnded(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var incoming = make(chan *phone.Call, 10)
	seat.SetPlan(func(c *phone.Call) phone.Plan { incoming <- c; return phone.AnswerAfter(300 * time.Millisecond) })
	caller, err := phone.New("127.0.0.2:0", phone.Config{User: "13812345678", Server: a.Params.SIPListen.String(), Tone: must(phone.ToneAt(2))})
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	c, err := caller.Call(ctx, "12345", phone.CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var agentLeg *phone.Call
	select {
	case agentLeg = <-incoming:
	case <-ctx.Done():
		t.Fatal("the agent's phone does not ring")
	}
	t.Logf("agent sees %q, From %q, PAI %q", agentLeg.Number(), agentLeg.Header("From"), agentLeg.Header("P-Asserted-Identity"))
	if _, err := c.WaitTone(ctx, must(phone.ToneAt(1))); err != nil {
		t.Fatal(err, c.Hearings())
	}
	if _, err := agentLeg.WaitTone(ctx, must(phone.ToneAt(2))); err != nil {
		t.Fatal(err)
	}
	for _, h := range c.Hearings() {
		t.Logf("caller heard %v %v - %v", h.Tone, h.First.Format("05.000"), h.Last.Format("05.000"))
	}
	time.Sleep(500 * time.Millisecond)
	c.Hangup()
	select {
	case rec := <-m.records:
		t.Logf("%+v", rec)
	case <-ctx.Done():
		t.Fatal("no record")
	}
	out, _ := a.CLI(ctx, "core show channels concise")
	br, _ := a.CLI(ctx, "bridge show all")
	t.Log(out, br)
}

func must(tone phone.Tone, err error) phone.Tone {
	if err != nil {
		panic(err)
	}
	return tone
}
