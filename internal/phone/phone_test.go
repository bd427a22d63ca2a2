package phone

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	timerT1, timerT2, timerGlare = 50*time.Millisecond, 200*time.Millisecond, 100*time.Millisecond
	goleak.VerifyTestMain(m)
}

// pair is a caller at one site and a callee at another.
type pair struct {
	a, b *Phone
	came chan *Call // calls that reached b
	ctx  context.Context
}

func newPair(t *testing.T, plan Plan) *pair {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	p := &pair{came: make(chan *Call, 8), ctx: ctx}
	ta, _ := ToneAt(1)
	tb, _ := ToneAt(50)
	p.a = open(t, "127.0.0.2:0", Config{User: "13912345678", Tone: ta})
	p.b = open(t, "127.0.0.1:0", Config{User: "8001", Tone: tb, OnInvite: func(c *Call) Plan {
		p.came <- c
		return plan
	}})
	return p
}

func open(t *testing.T, addr string, cfg Config) *Phone {
	t.Helper()
	p, err := New(addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, p)
}

func closing(t *testing.T, p *Phone) *Phone {
	t.Helper()
	t.Cleanup(func() {
		for range 2 { // Close may be repeated
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return p
}

// connect places a call from a to b and waits for both ends to be up.
func (p *pair) connect(t *testing.T) (a, b *Call) {
	t.Helper()
	a, err := p.a.Call(p.ctx, p.b.Contact(), CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b = <-p.came
	must(t, b.WaitAnswered(p.ctx))
	return a, b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *pair) ended(t *testing.T, c *Call) End {
	t.Helper()
	end, err := c.WaitEnded(p.ctx)
	must(t, err)
	return end
}

func TestCallIsAnsweredAndHeardBothWays(t *testing.T) {
	p := newPair(t, AnswerAfter(150*time.Millisecond))
	a, err := p.a.Dial(p.b.Contact(), CallOptions{})
	must(t, err)
	must(t, a.WaitRinging(p.ctx))
	must(t, a.WaitAnswered(p.ctx))
	b := <-p.came
	if b.Number() != "13912345678" {
		t.Errorf("the caller's number is %q", b.Number())
	}
	ha, err := a.WaitTone(p.ctx, p.b.Tone())
	must(t, err)
	_, err = b.WaitTone(p.ctx, p.a.Tone())
	must(t, err)
	if a.Heard(p.a.Tone()) || len(a.Hearings()) != 1 {
		t.Errorf("the caller heard %v besides the callee", a.Hearings())
	}
	st := a.Stats()
	if rang := st.Answered.Sub(st.Ringing); rang < 150*time.Millisecond {
		t.Errorf("it rang for %v, want at least 150 ms", rang)
	}
	if late := ha.First.Sub(st.FirstAudio); late < 0 || late > 100*time.Millisecond {
		t.Errorf("the tone is dated %v after the first packet", late)
	}
	if st.Sent == 0 || st.Received == 0 || st.Lost != 0 || st.Codec != "PCMA" {
		t.Errorf("statistics: %+v", st)
	}
	a.Hangup()
	if end := p.ended(t, b); end.By != Far {
		t.Errorf("the callee's end: %+v", end)
	}
	if end := p.ended(t, a); end.By != Us || end.Status != 0 {
		t.Errorf("the caller's end: %+v", end)
	}
}

func TestCalleeHangsUp(t *testing.T) {
	p := newPair(t, AnswerAfter(0))
	a, b := p.connect(t)
	b.Hangup()
	if end := p.ended(t, a); end.By != Far {
		t.Errorf("the caller's end: %+v", end)
	}
}

func TestRefusal(t *testing.T) {
	for _, status := range []int{486, 603} {
		p := newPair(t, RefuseAfter(20*time.Millisecond, status))
		_, err := p.a.Call(p.ctx, p.b.Contact(), CallOptions{})
		var refused *CallError
		if !errors.As(err, &refused) || refused.End.Status != status || refused.End.By != Far {
			t.Errorf("refused with %d: got %v", status, err)
		}
		if end := p.ended(t, <-p.came); end.By != Us || end.Status != status {
			t.Errorf("the callee's end: %+v", end)
		}
	}
}

func TestNobodyOfThatName(t *testing.T) {
	p := newPair(t, AnswerAfter(0))
	_, err := p.a.Call(p.ctx, "sip:9999@"+p.b.site.Addr().String(), CallOptions{})
	var refused *CallError
	if !errors.As(err, &refused) || refused.End.Status != 404 {
		t.Errorf("got %v, want 404", err)
	}
}

func TestCallerGivesUpWhileRinging(t *testing.T) {
	p := newPair(t, RingOn())
	a, err := p.a.Dial(p.b.Contact(), CallOptions{})
	must(t, err)
	must(t, a.WaitRinging(p.ctx))
	a.Hangup()
	b := <-p.came
	if end := p.ended(t, b); end.By != Far || end.Status != 487 {
		t.Errorf("the callee's end: %+v", end)
	}
	if !b.Times().Answered.IsZero() {
		t.Error("the callee was answered")
	}
}

func TestContextCancelsTheCall(t *testing.T) {
	p := newPair(t, RingOn())
	ctx, cancel := context.WithTimeout(p.ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := p.a.Call(ctx, p.b.Contact(), CallOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if end := p.ended(t, <-p.came); end.By != Far {
		t.Errorf("the callee's end: %+v", end)
	}
}

// TestGivingUpAtOnce hangs up before anything can have come back, so the
// CANCEL waits for the first response, or the answer is met with BYE.
func TestGivingUpAtOnce(t *testing.T) {
	for _, plan := range []Plan{RingOn(), AnswerAfter(0)} {
		p := newPair(t, plan)
		a, err := p.a.Dial(p.b.Contact(), CallOptions{})
		must(t, err)
		a.Hangup()
		if end := p.ended(t, <-p.came); end.By != Far {
			t.Errorf("the callee's end: %+v", end)
		}
	}
}

func TestLinesAreBusy(t *testing.T) {
	p := newPair(t, AnswerAfter(0))
	p.connect(t)
	_, err := p.a.Call(p.ctx, p.b.Contact(), CallOptions{})
	var refused *CallError
	if !errors.As(err, &refused) || refused.End.Status != 486 {
		t.Errorf("a second call: got %v, want 486", err)
	}
}

func TestDTMF(t *testing.T) {
	p := newPair(t, AnswerAfter(0))
	a, b := p.connect(t)
	must(t, a.SendDTMF("*11#5509"))
	must(t, b.WaitDTMF(p.ctx, "*11#5509"))
	if got := b.DTMF(); got != "*11#5509" {
		t.Errorf("heard %q", got)
	}
	if err := a.SendDTMF("1x"); err == nil {
		t.Error("x is taken for a digit")
	}
}

func TestHoldAndResume(t *testing.T) {
	p := newPair(t, AnswerAfter(0))
	a, b := p.connect(t)
	_, err := b.WaitTone(p.ctx, p.a.Tone())
	must(t, err)
	must(t, a.Hold(p.ctx))
	if !b.HeldByFar() {
		t.Error("the callee does not know that it is held")
	}
	must(t, b.listenFor(p.ctx, func(s *stream) bool { return !s.sending }))
	waitFor(t, p.ctx, func() bool { return b.Hears() == Tone{} })
	before := b.Stats().Sent
	waitReceived(t, p.ctx, b, 10)
	if after := b.Stats().Sent; after != before {
		t.Errorf("the held phone sent %d packets", after-before)
	}
	must(t, a.Resume(p.ctx))
	if b.HeldByFar() {
		t.Error("the callee still believes to be held")
	}
	waitFor(t, p.ctx, func() bool { return b.Hears() == p.a.Tone() && a.Hears() == p.b.Tone() })
}

// waitFor looks at a condition once a frame until it holds.
func waitFor(t *testing.T, ctx context.Context, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(frameTime)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the condition never held")
		}
	}
}

// waitReceived waits until the call has received n more packets.
func waitReceived(t *testing.T, ctx context.Context, c *Call, n uint64) {
	t.Helper()
	from := c.Stats().Received
	waitFor(t, ctx, func() bool { return c.Stats().Received >= from+n })
}

func TestPhonesOfOneSiteCallEachOther(t *testing.T) {
	site, err := NewSite("127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, site.Close()) })
	var phones [2]*Phone
	for i, user := range []string{"8001", "8002"} {
		tone, _ := ToneAt(i)
		phones[i], err = site.NewPhone(Config{User: user, Tone: tone})
		must(t, err)
	}
	if _, err := site.NewPhone(Config{User: "8001"}); err == nil {
		t.Error("two phones of one name at one site")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := phones[0].Call(ctx, phones[1].Contact(), CallOptions{})
	must(t, err)
	_, err = c.WaitTone(ctx, phones[1].Tone())
	must(t, err)
}

func TestCloseEndsCallsAtTheFarEnd(t *testing.T) {
	p := newPair(t, AnswerAfter(0))
	_, b := p.connect(t)
	must(t, p.a.Close())
	if end := p.ended(t, b); end.By != Far {
		t.Errorf("the callee's end: %+v", end)
	}
	if _, err := p.a.Dial(p.b.Contact(), CallOptions{}); err == nil {
		t.Error("a closed phone places calls")
	}
}

func TestNoResponseAtAll(t *testing.T) {
	p := newPair(t, AnswerAfter(0))
	ctx, cancel := context.WithTimeout(p.ctx, 300*time.Millisecond)
	defer cancel()
	silent := open(t, "127.0.0.1:0", Config{User: "x"})
	target := silent.Contact()
	must(t, silent.Close())
	if _, err := p.a.Call(ctx, target, CallOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	p := newPair(t, AnswerAfter(0))
	for name, err := range map[string]error{
		"bad address":  second(New("nowhere", Config{User: "1"})),
		"no user":      second(New("127.0.0.1:0", Config{})),
		"no server":    second(p.a.Dial("12345", CallOptions{})),
		"bad target":   second(p.a.Dial("sip:1@127.0.0.1\r\nX: y", CallOptions{})),
		"foreign tone": second(New("127.0.0.1:0", Config{User: "1", Tone: Tone{Low: 1, High: 2}})),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestASoundIsKnownByItsBytes(t *testing.T) {
	p := newPair(t, AnswerAfter(0))
	_, b := p.connect(t)
	b.Record()
	frame := p.a.Tone().encode(payloadPCMA)
	must(t, b.WaitSound(p.ctx, append(frame[100:], frame[:100]...))) // over the border of two packets
	other := p.b.Tone().encode(payloadPCMA)
	done, cancel := context.WithCancel(p.ctx)
	cancel()
	if err := b.WaitSound(done, other[:]); !errors.Is(err, context.Canceled) {
		t.Errorf("what was not sent was heard: %v", err)
	}
}
