package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/apiclient"
	"hotline/internal/devstack"
	"hotline/internal/httpapi/view"
	"hotline/internal/lab"
	"hotline/internal/phone"
)

// What a small site with several desks needs. Times are short, so that the
// test is; what a caller hears and where the call goes is that of production.
const desks = `
entries:
  - {number: "12345", queue: general}
  - {number: "12346", queue: general, skills: {english: 8}}
  - {number: "12347", queue: business}
  - {number: "12348", queue: aid}
  - {number: "12349", queue: rated}
partners: [{id: xuzhou, number: "051612345", at_most: 1, ring_timeout: 10s}]
queues:
  - id: general
    ring_timeout: 4s
    wrap_up: 0s
    not_again: 5s
    relax: [{after: 3s, skills: {english: 3}}]
    announce: {after: 2s, every: 1m}
    redial: {within: 1m, at_most: 2, after: 1s}
    overflow: [{wait: 4s, callback: true, prompts: callback-offer}]
    callback: {attempts: 2, spacing: 10s, ring_timeout: 5s, within: 10m, booked_prompts: callback-booked}
  - id: business
    wrap_up: 0s
    overflow: [{wait: 2s, to: general, prompts: agents-busy}]
  - id: aid
    wrap_up: 0s
    overflow: [{wait: 1s, partner: xuzhou, prompts: partner-asked}]
  - id: rated
    wrap_up: 0s
    rating: {prompts: rating, attempts: 2, timeout: 4s}
agents:
  - {id: "1001", queues: [general, rated]}
  - {id: "1002", queues: [general], skills: {english: 3}}
  - {id: "1003", queues: [business, aid]}
`

// office is a lab with desks, its people at phones, and its API.
type office struct {
	t      *testing.T
	lab    *lab.Lab
	api    *apiclient.Client
	phones map[acd.AgentID]*desk
	tones  int
	person int
}

// desk is an agent's phone and the calls that rang there.
type desk struct {
	*phone.Phone
	rang chan *phone.Call
}

func newOffice(t *testing.T) *office {
	t.Helper()
	return officeOf(t, lab.Site{Agents: 3, Routing: desks, Contact: freeUDP(t, "127.0.0.2")})
}

// officeOf is an office with three agents, logged in.
func officeOf(t *testing.T, site lab.Site) *office {
	t.Helper()
	return officeIn(t, start(t, site))
}

func officeIn(t *testing.T, l *lab.Lab) *office {
	t.Helper()
	o := &office{t: t, lab: l, api: apiclient.New(l.API, l.Config.HTTP.Token.Reveal()), phones: map[acd.AgentID]*desk{}}
	t.Cleanup(o.api.Close)
	passwords, err := l.SeatPasswords()
	if err != nil {
		t.Fatal(err)
	}
	for i, agent := range []acd.AgentID{"1001", "1002", "1003"} {
		seat := fmt.Sprint(lab.FirstSeat + i)
		p := o.phone("127.0.0.1:0", "seat-"+seat, passwords[seat])
		if err := p.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := &desk{Phone: p, rang: make(chan *phone.Call, 16)}
		d.plan(phone.AnswerAfter(50 * time.Millisecond))
		o.phones[agent] = d
		if _, err := o.api.Login(t.Context(), agent, acd.SeatID(seat)); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func freeUDP(t *testing.T, host string) string {
	t.Helper()
	c, err := net.ListenPacket("udp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

func (o *office) phone(addr, user, password string) *phone.Phone {
	o.t.Helper()
	o.tones++
	tone, err := phone.ToneAt(o.tones)
	if err != nil {
		o.t.Fatal(err)
	}
	// A desk phone has a second line.
	p, err := phone.New(addr, phone.Config{User: user, Password: password, Server: o.lab.SIP, Tone: tone, Lines: 2})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = p.Close() })
	return p
}

func (d *desk) plan(plan phone.Plan) {
	d.SetPlan(func(c *phone.Call) phone.Plan {
		d.rang <- c
		return plan
	})
}

// caller is somebody with a number of their own.
func (o *office) caller() *phone.Phone {
	o.person++
	return o.phone("127.0.0.2:0", fmt.Sprintf("1390518%04d", o.person), "")
}

func (o *office) dial(p *phone.Phone, number string) *phone.Call {
	o.t.Helper()
	c, err := p.Dial(number, phone.CallOptions{})
	if err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(o.t.Context(), 5*time.Second)
	defer cancel()
	if err := c.WaitAnswered(ctx); err != nil {
		o.t.Fatal(err)
	}
	return c
}

func (o *office) ready(agents ...acd.AgentID) {
	o.t.Helper()
	for _, a := range agents {
		if _, err := o.api.SetReady(o.t.Context(), a); err != nil {
			o.t.Fatal(err)
		}
	}
}

// rings waits until the agent's phone rings, and says after how long.
func (o *office) rings(agent acd.AgentID, within time.Duration) (*phone.Call, time.Duration) {
	o.t.Helper()
	began := time.Now()
	select {
	case c := <-o.phones[agent].rang:
		return c, time.Since(began)
	case <-time.After(within):
		o.t.Fatalf("the phone of agent %s does not ring within %v", agent, within)
		return nil, 0
	}
}

func (o *office) silent(agents ...acd.AgentID) {
	o.t.Helper()
	for _, a := range agents {
		select {
		case c := <-o.phones[a].rang:
			o.t.Errorf("the phone of agent %s rang for %s", a, c.Number())
		default:
		}
	}
}

// hear each other: both ways, by the tones of the phones.
func (o *office) hearEachOther(a *phone.Call, b *phone.Call) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 5*time.Second)
	defer cancel()
	if _, err := a.WaitTone(ctx, b.Phone().Tone()); err != nil {
		o.t.Error(err)
	}
	if _, err := b.WaitTone(ctx, a.Phone().Tone()); err != nil {
		o.t.Error(err)
	}
}

// hears waits until prompts have come to a caller's phone, after Record.
func (o *office) hears(c *phone.Call, prompts ...string) {
	o.t.Helper()
	deps, err := devstack.Lookup()
	if err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
	defer cancel()
	for _, name := range prompts {
		sound, err := os.ReadFile(filepath.Join(deps.Prompts(), name+".alaw"))
		if err != nil {
			o.t.Fatal(err)
		}
		middle := len(sound) / 2 // 0.2 s round the middle: no prompt is shorter, and no two are alike there
		if err := c.WaitSound(ctx, sound[middle-800:middle+800]); err != nil {
			o.t.Errorf("%s: %v", name, err)
		}
	}
}

// over ends a conversation, sends the agents to a break and waits until nobody
// is on the line, so that the next part begins with an empty house.
func (o *office) over(calls ...*phone.Call) {
	o.t.Helper()
	for _, c := range calls {
		c.Hangup()
	}
	for _, a := range []acd.AgentID{"1001", "1002", "1003"} {
		if _, err := o.api.SetNotReady(o.t.Context(), a, "break"); err != nil {
			o.t.Fatal(err)
		}
		o.phones[a].plan(phone.AnswerAfter(50 * time.Millisecond))
	}
	within(o.t, 10*time.Second, "everybody has hung up", func(ctx context.Context) (bool, string) {
		s, err := o.api.Snapshot(ctx)
		idle := err == nil && len(s.Calls) == 0
		for _, a := range s.Agents {
			idle = idle && a.State == acd.NotReady && a.Call == ""
		}
		return idle, fmt.Sprint(s, err)
	})
	o.silent("1001", "1002", "1003")
}

func (o *office) queue(id acd.QueueID) view.Queue {
	o.t.Helper()
	s, err := o.api.Snapshot(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, q := range s.Queues {
		if q.ID == id {
			return q
		}
	}
	o.t.Fatalf("no queue %s", id)
	return view.Queue{}
}

// waiting waits until so many callers wait in a queue.
func (o *office) waiting(id acd.QueueID, n int) {
	o.t.Helper()
	within(o.t, 5*time.Second, fmt.Sprintf("%d wait in %s", n, id), func(context.Context) (bool, string) {
		q := o.queue(id)
		return q.Waiting == n, fmt.Sprint(q)
	})
}

// ask asks the API for something and returns status and body.
func (o *office) ask(ctx context.Context, method, path string) (int, []byte) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, o.lab.API+"/api/v1/"+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.lab.Config.HTTP.Token.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return resp.StatusCode, body
}

// reload lets the running hotline read its configuration again.
func (o *office) reload() (status int, answer string) {
	o.t.Helper()
	status, body := o.ask(o.t.Context(), http.MethodPost, "reload")
	return status, string(body)
}

// rewrite changes the configuration file of the running hotline.
func (o *office) rewrite(old, with string) {
	o.t.Helper()
	raw, err := os.ReadFile(o.lab.ConfigFile)
	if err != nil {
		o.t.Fatal(err)
	}
	changed := bytes.Replace(raw, []byte(old), []byte(with), 1)
	if bytes.Equal(raw, changed) {
		o.t.Fatalf("%q does not occur in the configuration", old)
	}
	if err := os.WriteFile(o.lab.ConfigFile, changed, 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// TestRouting goes through what the queues do with callers, on real Asterisk
// with real phones.
func TestRouting(t *testing.T) {
	o := newOffice(t)
	t.Run("skills relax with waiting", o.skillsRelax)
	t.Run("overflow to another queue", o.overflow)
	t.Run("who does not answer is passed over", o.rona)
	t.Run("redial has the former place", o.redial)
	t.Run("waiting callers hear where they stand", o.standing)
	t.Run("callback", o.callback)
	t.Run("partner", o.partner)
	t.Run("hold and rating", o.holdAndRating)
	t.Run("command line over the API", o.commandLine)
	t.Run("live change", o.liveChange)

	l := o.lab
	for _, kind := range []string{"channels", "bridges"} {
		within(t, 10*time.Second, "Asterisk has no "+kind, func(ctx context.Context) (bool, string) {
			n, err := listed(ctx, l, kind)
			return err == nil && n == 0, fmt.Sprint(n, err)
		})
	}
	if breaches := value(scrape(t, l), "hotline_invariant_breaches_total"); breaches != 0 {
		t.Errorf("%v invariants were broken", breaches)
	}
	if err := l.StopServe(); err != nil {
		t.Error(err)
	}
	if out, err := l.Verify(t.Context()); err != nil {
		t.Errorf("the counters are not a recount of the records: %v\n%s", err, out)
	}
}

func (o *office) skillsRelax(t *testing.T) {
	o.t = t
	o.ready("1001", "1002")
	c := o.dial(o.caller(), "12346")
	agent, after := o.rings("1002", 6*time.Second)
	if after < 2500*time.Millisecond {
		t.Errorf("rung after %v, before the queue asks for less", after)
	}
	o.silent("1001")
	o.hearEachOther(c, agent)
	o.over(c)
}

func (o *office) overflow(t *testing.T) {
	o.t = t
	o.ready("1001")
	c := o.dial(o.caller(), "12347")
	agent, after := o.rings("1001", 5*time.Second)
	if after < 1500*time.Millisecond {
		t.Errorf("rung after %v, before the overflow", after)
	}
	// The prompt that was begun on the way does not go on over the conversation.
	o.hearEachOther(c, agent)
	if q := o.queue("business"); q.SinceStart.Overflowed != 1 || q.SinceStart.Offered != 1 {
		t.Errorf("business: %+v", q.SinceStart)
	}
	o.over(c)
}

func (o *office) rona(t *testing.T) {
	o.t = t
	o.phones["1001"].plan(phone.RingOn())
	o.ready("1001")
	c := o.dial(o.caller(), "12345")
	o.rings("1001", 5*time.Second)
	o.ready("1002")
	agent, after := o.rings("1002", 8*time.Second)
	if after < 3*time.Second {
		t.Errorf("the next agent was rung after %v, before the first had his time", after)
	}
	o.hearEachOther(c, agent)
	s, err := o.api.Snapshot(t.Context())
	if err != nil || s.Agents[0].State != acd.NotReady || s.Agents[0].Reason != acd.ReasonRONA {
		t.Errorf("the agent who did not answer: %+v %v", s.Agents, err)
	}
	o.over(c)
}

func (o *office) redial(t *testing.T) {
	o.t = t
	first, second := o.caller(), o.caller()
	c := o.dial(first, "12345")
	o.waiting("general", 1)
	other := o.dial(second, "12345")
	o.waiting("general", 2)
	// A place is kept for those who have waited for a second.
	within(t, 5*time.Second, "the first has waited for a second", func(context.Context) (bool, string) {
		q := o.queue("general")
		return q.LongestWait.Duration() > 1200*time.Millisecond, fmt.Sprint(q.LongestWait)
	})
	c.Hangup()
	o.waiting("general", 1)
	again := o.dial(first, "12345")
	o.waiting("general", 2)
	o.ready("1001")
	agent, _ := o.rings("1001", 5*time.Second)
	if agent.Number() != first.User() {
		t.Errorf("the agent was rung for %s", agent.Number())
	}
	o.hearEachOther(again, agent)
	o.over(again, other)
}

func (o *office) standing(t *testing.T) {
	o.t = t
	plays := func() float64 {
		return float64(scrape(t, o.lab).Count("hotline_asterisk_request_seconds", "route", "channels/{id}/play/{playback}"))
	}
	// An agent talks, and somebody waits already: so the place is the second.
	o.ready("1002")
	talks := o.dial(o.caller(), "12345")
	o.rings("1002", 5*time.Second)
	ahead := o.dial(o.caller(), "12345")
	o.waiting("general", 1)
	c := o.dial(o.caller(), "12345")
	c.Record()
	o.hears(c, "queue-ahead", "n-1", "queue-callers", "queue-expected", "queue-thanks")
	ahead.Hangup()
	c.Hangup()
	o.waiting("general", 0)
	o.over(talks)
	before := plays()
	c = o.dial(o.caller(), "12345")
	within(t, 5*time.Second, "an announcement is played", func(context.Context) (bool, string) {
		return plays() > before, fmt.Sprint(plays())
	})
	// In the middle of it an agent comes: nobody waits for the prompt's end.
	o.ready("1001")
	agent, after := o.rings("1001", 2*time.Second)
	if after > 500*time.Millisecond {
		t.Errorf("the agent was rung after %v", after)
	}
	o.hearEachOther(c, agent)
	o.over(c)
}

func (o *office) callback(t *testing.T) {
	o.t = t
	// The caller's own phone is reached by way of the carrier's contact.
	contact := strings.TrimPrefix(o.lab.Config.Asterisk.Trunks[0].Contact, "sip:")
	caller := o.phone(contact, "13905189999", "")
	rang := make(chan *phone.Call, 4)
	caller.SetPlan(func(c *phone.Call) phone.Plan {
		rang <- c
		return phone.AnswerAfter(200 * time.Millisecond)
	})
	c := o.dial(caller, "12345")
	later := o.dial(o.caller(), "12345")
	var pressed time.Time
	within(t, 10*time.Second, "the callback is booked by key 1", func(ctx context.Context) (bool, string) {
		// A person who does not know when the offer comes presses now and then.
		if time.Since(pressed) > 500*time.Millisecond && c.SendDTMF("1") == nil {
			pressed = time.Now()
		}
		s, err := o.api.Snapshot(ctx)
		return err == nil && len(s.Callbacks) == 1, fmt.Sprint(s.Callbacks, err)
	})
	ended, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	if _, err := c.WaitEnded(ended); err != nil {
		t.Fatalf("the caller who is to be called back is not released: %v", err)
	}
	// The callback has the place before the other caller.
	o.ready("1001")
	agent, _ := o.rings("1001", 5*time.Second)
	var called *phone.Call
	select {
	case called = <-rang:
	case <-time.After(5 * time.Second):
		t.Fatal("the caller is not called back")
	}
	if called.Number() != "12345" {
		t.Errorf("the caller's phone shows %q", called.Number())
	}
	o.hearEachOther(agent, called)
	called.Hangup()
	agent, _ = o.rings("1001", 5*time.Second)
	o.hearEachOther(agent, later)
	later.Hangup()
	within(t, 5*time.Second, "the callback is off the list and counted", func(ctx context.Context) (bool, string) {
		s, err := o.api.Snapshot(ctx)
		f := o.counted(ctx)
		return err == nil && len(s.Callbacks) == 0 && f["callbacks_requested"] == 1 && f["callbacks_attempted"] == 1 && f["callbacks_reached"] == 1, fmt.Sprint(s.Callbacks, f, err)
	})
	o.over()
}

// partner takes a caller, and is called for nobody else meanwhile.
func (o *office) partner(t *testing.T) {
	o.t = t
	contact := strings.TrimPrefix(o.lab.Config.Asterisk.Trunks[0].Contact, "sip:")
	partner := o.phone(contact, "051612345", "")
	rang := make(chan *phone.Call, 4)
	partner.SetPlan(func(c *phone.Call) phone.Plan {
		rang <- c
		return phone.AnswerAfter(5 * time.Second)
	})
	before := o.queue("aid").SinceStart
	first := o.dial(o.caller(), "12348")
	first.Record()
	o.waiting("aid", 1)
	second := o.dial(o.caller(), "12348")
	var there *phone.Call
	select {
	case there = <-rang:
	case <-time.After(5 * time.Second):
		t.Fatal("the partner is not rung")
	}
	if there.Number() != "12348" {
		t.Errorf("the partner's phone shows %q", there.Number())
	}
	o.hears(first, "partner-asked")
	o.hearEachOther(first, there)
	within(t, 5*time.Second, "the caller is the partner's", func(ctx context.Context) (bool, string) {
		s, err := o.api.Snapshot(ctx)
		away := 0
		for _, c := range s.Calls {
			if c.Phase == acd.PhaseAway && c.Partner == "xuzhou" {
				away++
			}
		}
		return err == nil && away == 1 && len(s.Partners) == 1 && s.Partners[0].Talking == 1 && s.Partners[0].Waiting == 1, fmt.Sprint(s, err)
	})
	// The second waits for whoever is free first: that is our own agent.
	o.ready("1003")
	agent, _ := o.rings("1003", 5*time.Second)
	o.hearEachOther(second, agent)
	there.Hangup()
	ended, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := first.WaitEnded(ended); err != nil {
		t.Error(err)
	}
	o.over(second)
	q := o.queue("aid").SinceStart
	if q.Offered-before.Offered != 2 || q.Overflowed-before.Overflowed != 1 || q.Answered-before.Answered != 1 || len(rang) != 0 {
		t.Errorf("%+v, and the partner was rung %d times more", q, len(rang))
	}
}

// counted are the figures of the day.
func (o *office) counted(ctx context.Context) map[string]float64 {
	o.t.Helper()
	_, body := o.ask(ctx, http.MethodGet, "traffic/today")
	var day struct {
		Site map[string]any `json:"site"`
	}
	if err := json.Unmarshal(body, &day); err != nil {
		o.t.Fatal(err)
	}
	figures := map[string]float64{}
	for name, v := range day.Site {
		if n, ok := v.(float64); ok {
			figures[name] = n
		}
	}
	return figures
}

func (o *office) liveChange(t *testing.T) {
	o.t = t
	o.ready("1003")
	c := o.dial(o.caller(), "12345")
	o.waiting("general", 1)
	o.silent("1003")
	// A mistake is refused whole, with its place.
	o.rewrite("{id: \"1003\", queues: [business, aid]}", "{id: \"1003\", queues: [business, nowhere]}")
	if status, body := o.reload(); status != http.StatusUnprocessableEntity || !strings.Contains(body, "nowhere") || !strings.Contains(body, "hotline.yaml:") {
		t.Errorf("a mistake: %d %s", status, body)
	}
	o.silent("1003")
	o.rewrite("[business, nowhere]", "[business, aid, general]")
	if status, body := o.reload(); status != http.StatusOK {
		t.Fatalf("a change: %d %s", status, body)
	}
	agent, after := o.rings("1003", 5*time.Second)
	if after > time.Second {
		t.Errorf("rung after %v", after)
	}
	o.hearEachOther(c, agent)
	o.over(c)
	// What the engine cannot take over says so.
	o.rewrite("level: info", "level: debug")
	if status, body := o.reload(); status != http.StatusUnprocessableEntity || !strings.Contains(body, "takes a restart") {
		t.Errorf("a change of the log: %d %s", status, body)
	}
}
