package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"hotline/internal/acd"
	"hotline/internal/alert"
	"hotline/internal/httpapi/live"
	"hotline/internal/httpapi/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const look = 200 * time.Millisecond

var everything = live.View{Kinds: all()}

func all() (k live.Kinds) {
	for _, kind := range live.Each() {
		k |= kind
	}
	return k
}

// site is what is looked at. Tests change it while the hub waits for its next look.
type site struct {
	mu sync.Mutex
	// What follows is guarded by mu.
	acd.Snapshot
	alerts  []alert.Alert
	away    error
	looks   int
	clients int
}

func (s *site) look(context.Context) (acd.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	now := s.Snapshot
	now.At = time.Now().Round(0)
	now.Queues, now.Agents, now.Calls = slices.Clone(now.Queues), slices.Clone(now.Agents), slices.Clone(now.Calls)
	now.Callbacks, now.Partners, now.Blocks = slices.Clone(now.Callbacks), slices.Clone(now.Partners), slices.Clone(now.Blocks)
	for i, q := range now.Queues {
		if q.Waiting > 0 {
			now.Queues[i].LongestWait = time.Since(monday)
		}
	}
	return now, s.away
}

// alarm is what there is of alerts now, with a clock that runs.
func (s *site) alarm(acd.Snapshot) []alert.Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []alert.Alert{}
	for _, a := range s.alerts {
		if a.Code == alert.LongWait {
			wait := time.Since(monday).Seconds()
			a.Value = &wait
		}
		list = append(list, a)
	}
	return list
}

func (s *site) EventClients(now int)     { s.do(func() { s.clients = now }) }
func (s *site) EventClientCutOff(string) {}

func (s *site) looked() (n int) {
	s.do(func() { n = s.looks })
	return n
}

func (s *site) followed() (n int) {
	s.do(func() { n = s.clients })
	return n
}

// do changes something, or reads it.
func (s *site) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

var errStandby = errors.New("stands by")

// monday lies before all that happens in virtual time.
var monday = time.Date(1999, 12, 27, 8, 0, 0, 0, time.UTC)

func aSite() *site {
	return &site{Snapshot: acd.Snapshot{
		Queues: []acd.QueueStatus{{Queue: "general", Title: "综合受理", Waiting: 1}, {Queue: "english"}},
		Agents: []acd.AgentStatus{{Agent: "1001", State: acd.Ready, Since: monday}, {Agent: "1002", State: acd.LoggedOut}},
		Calls:  []acd.CallStatus{{Call: "c1", Caller: "13812345678", Phase: acd.PhaseWaiting, Queue: "general", Arrived: monday, Queued: monday}},
		Blocks: []acd.Block{{Number: "13712345678", Reason: "abuse", Since: monday}},
	}}
}

// run lets a hub run in the bubble of a test; the answer ends it.
func run(s *site) (*live.Hub, func()) {
	hub := live.New(live.Options{Snapshot: s.look, Alerts: s.alarm, Meter: s})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		_ = hub.Run(ctx)
		close(ended)
	}()
	return hub, func() {
		cancel()
		<-ended
	}
}

// pass lets time go by, until nothing more happens: the site may be changed then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// event is one of the wire.
type event struct{ id, name, data string }

func parse(wire []byte) (events []event) {
	for block := range strings.SplitSeq(string(wire), "\n\n") {
		var e event
		for line := range strings.SplitSeq(block, "\n") {
			switch key, value, _ := strings.Cut(line, ": "); key {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			}
		}
		if e != (event{}) {
			events = append(events, e)
		}
	}
	return events
}

// display is a client that folds what it is told.
type display struct {
	hub    *live.Hub
	view   live.View
	client *live.Client
	last   string
	order  []string                     // of queues
	things map[string]map[string]string // kind, id, JSON
	got    []event
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func (d *display) join(t failer) {
	t.Helper()
	c, err := d.hub.Join(context.Background(), d.view, d.last)
	if err != nil {
		t.Fatalf("%v", err)
	}
	d.client = c
}

// read takes all that has been sent.
func (d *display) read(t failer) {
	t.Helper()
	synctest.Wait()
	for {
		select {
		case wire := <-d.client.Events():
			for _, e := range parse(wire) {
				d.take(t, e)
			}
			continue
		default:
		}
		return
	}
}

func (d *display) take(t failer, e event) {
	t.Helper()
	if e.name != "" {
		if e.id == d.last {
			t.Fatalf("event %s twice", e.id)
		}
		d.got = append(d.got, e)
	}
	d.last = e.id
	switch e.name {
	case "snapshot":
		var s view.Snapshot
		if err := json.Unmarshal([]byte(e.data), &s); err != nil {
			t.Fatalf("%v in %s", err, e.data)
		}
		d.things, d.order = fold(s)
	case "changes":
		var c view.Changes
		if err := json.Unmarshal([]byte(e.data), &c); err != nil {
			t.Fatalf("%v in %s", err, e.data)
		}
		for _, g := range c.Gone {
			if d.things[g.Kind][g.ID] == "" {
				t.Fatalf("%s %s is gone and was not there", g.Kind, g.ID)
			}
			delete(d.things[g.Kind], g.ID)
		}
		for _, ch := range c.Changed {
			d.things[ch.Kind][ch.ID] = still(t, ch)
		}
	}
}

func text(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}

// still is what a change says, without clocks that run.
func still(t failer, c view.Change) string {
	switch c.Kind {
	case "queues":
		return stillOf[view.Queue](t, c)
	case "agents":
		return stillOf[view.Agent](t, c)
	case "calls":
		return stillOf[view.Call](t, c)
	case "callbacks":
		return stillOf[view.Callback](t, c)
	case "alerts":
		return stillOf[alert.Alert](t, c)
	}
	return string(c.View)
}

func stillOf[V interface{ Still() V }](t failer, c view.Change) string {
	var v V
	if err := json.Unmarshal(c.View, &v); err != nil {
		t.Fatalf("%v in %s", err, c.View)
	}
	return text(v.Still())
}

// fold is a snapshot as displays keep it.
func fold(s view.Snapshot) (map[string]map[string]string, []string) {
	out := map[string]map[string]string{}
	for _, kind := range live.Each() {
		out[kind.String()] = map[string]string{}
	}
	var order []string
	for _, q := range s.Queues {
		order = append(order, string(q.ID))
		out["queues"][string(q.ID)] = text(q.Still())
	}
	for _, a := range s.Agents {
		out["agents"][string(a.ID)] = text(a.Still())
	}
	for _, c := range s.Calls {
		out["calls"][string(c.ID)] = text(c.Still())
	}
	for _, c := range s.Callbacks {
		out["callbacks"][string(c.ID)] = text(c.Still())
	}
	for _, p := range s.Partners {
		out["partners"][string(p.Partner)] = text(p)
	}
	for _, a := range s.Alerts {
		out["alerts"][a.ID] = text(a.Still())
	}
	if s.Blocked != nil {
		out["blocked"][""] = text(s.Blocked)
	}
	if s.Emergency != nil {
		out["emergency"][""] = text(s.Emergency)
	}
	return out, order
}

// seenBy is the snapshot as far as somebody sees it.
func seenBy(s view.Snapshot, v live.View) view.Snapshot {
	if v.Own != "" {
		s.Agents = slices.DeleteFunc(slices.Clone(s.Agents), func(a view.Agent) bool { return a.ID != v.Own })
	}
	for _, kind := range live.Each() {
		if v.Kinds&kind == 0 {
			reflect.ValueOf(&s).Elem().FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, kind.String()) }).SetZero()
		}
	}
	return s
}

// check holds what a display knows against the site.
func (d *display) check(t failer, s *site) {
	t.Helper()
	now, _ := s.look(context.Background())
	all := view.Of(now)
	all.Alerts = s.alarm(now)
	want, order := fold(seenBy(all, d.view))
	if !reflect.DeepEqual(d.things, want) || !slices.Equal(d.order, order) {
		t.Fatalf("%+v at %s knows\n%v %v\nand there is\n%v %v", d.view, d.last, d.things, d.order, want, order)
	}
}

// Whatever happens, a snapshot and the changes since give the snapshot of now, for every
// view, also with interruptions of any length and a controller that stands by meanwhile.
func TestChangesGiveTheSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ testing.TB }{t}, func(t *rapid.T) { // not *testing.T, of whose Deadline a bubble knows nothing
			s := aSite()
			hub, end := run(s)
			defer end()
			displays := []*display{
				{hub: hub, view: everything}, {hub: hub, view: everything}, {hub: hub, view: live.View{Kinds: live.Queues | live.Agents, Own: "1001"}},
				{hub: hub, view: live.View{Kinds: live.Calls | live.Alerts}}, {hub: hub, view: live.View{Kinds: live.Blocked | live.Emergency | live.Partners}},
			}
			for range rapid.IntRange(5, 25).Draw(t, "steps") {
				for range rapid.IntRange(0, 4).Draw(t, "changes") {
					s.do(func() { happen(t, &s.Snapshot, &s.alerts) })
				}
				away := rapid.IntRange(0, 15).Draw(t, "standby") == 0
				s.do(func() {
					if s.away = nil; away {
						s.away = errStandby
					}
				})
				for _, d := range displays {
					if d.client != nil && rapid.IntRange(0, 5).Draw(t, "leaves") == 0 {
						d.client.Leave()
						d.client = nil
					}
				}
				pass(time.Duration(rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 30, 310}).Draw(t, "looks")) * look)
				for _, d := range displays {
					if d.client != nil && !away {
						d.read(t)
						select {
						case <-d.client.Over():
							d.client = nil // it was away for a while
						default:
							d.check(t, s)
						}
					}
					if d.client == nil && !away && rapid.Bool().Draw(t, "joins") {
						d.join(t)
						// The first look may be some milliseconds old.
						pass(look)
						d.read(t)
						d.check(t, s)
					}
				}
			}
		})
	})
}

// happen changes something.
func happen(t *rapid.T, s *acd.Snapshot, alerts *[]alert.Alert) {
	n := rapid.IntRange(0, 5).Draw(t, "which")
	switch rapid.IntRange(0, 12).Draw(t, "what") {
	case 0:
		id := acd.CallID(fmt.Sprint("n", rapid.IntRange(0, 9).Draw(t, "id")))
		if !slices.ContainsFunc(s.Calls, func(c acd.CallStatus) bool { return c.Call == id }) {
			s.Calls = append(slices.Clone(s.Calls), acd.CallStatus{Call: id, Caller: "13812345678", Arrived: time.Now()})
		}
	case 1, 2:
		if len(s.Calls) > 0 {
			c := &s.Calls[n%len(s.Calls)]
			c.Phase, c.Queued, c.Answered, c.Agent = acd.PhaseTalking, monday, monday.Add(time.Duration(n)*time.Second), "1001"
			if c.OnHold = (time.Time{}); n > 3 {
				c.OnHold = monday.Add(time.Hour)
			}
			c.Hold += time.Duration(n) * time.Second
		}
	case 3:
		if len(s.Calls) > 0 {
			s.Calls = slices.Delete(slices.Clone(s.Calls), n%len(s.Calls), n%len(s.Calls)+1)
		}
	case 4, 5:
		a := &s.Agents[n%len(s.Agents)]
		a.State, a.Since, a.Reason = []acd.AgentState{acd.Ready, acd.NotReady, acd.Talking}[n%3], time.Now().Round(0), fmt.Sprint(n)
	case 6:
		q := &s.Queues[n%len(s.Queues)]
		q.Waiting, q.Talking, q.Agents = n%2, n, map[acd.AgentState]int{acd.Ready: n}
	case 7: // a reload
		s.Queues = slices.Clone(s.Queues)
		slices.Reverse(s.Queues)
		s.Agents = append(slices.Clone(s.Agents), acd.AgentStatus{Agent: acd.AgentID(fmt.Sprint("9", len(s.Agents)))})
	case 8:
		s.Callbacks = []acd.CallbackStatus{{ID: acd.CallbackID(fmt.Sprint("b", n%2)), Number: "13912345678", Requested: monday, Attempts: n}}
	case 9:
		s.Blocks = append(slices.Clone(s.Blocks), acd.Block{Number: fmt.Sprint("1371234567", n), Reason: "abuse"})
	case 10:
		s.Emergency = []string{"flood", "typhoon"}[:n%3]
	case 11:
		s.Partners = []acd.PartnerStatus{{Partner: "xuzhou", Ringing: n}, {Partner: "suqian"}}[:n%3]
	case 12:
		all := []alert.Alert{
			{ID: "emergency_on", Code: alert.EmergencyOn, Since: monday, Detail: fmt.Sprint(n)},
			{ID: "long_wait:general", Code: alert.LongWait, Queue: "general", Since: monday},
			{ID: fmt.Sprint("agent_rona:", n), Code: alert.AgentRONA, Since: monday},
		}
		*alerts = all[n%2 : n%4]
	}
}

// Clocks that run are no changes, and nothing is sent for them.
func TestNothingIsSentWhileOnlyTimePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := aSite()
		s.alerts = []alert.Alert{{ID: "long_wait:general", Code: alert.LongWait, Since: monday}}
		hub, end := run(s)
		defer end()
		d := &display{hub: hub, view: everything}
		d.join(t)
		pass(time.Minute)
		if d.read(t); len(d.got) != 1 || d.got[0].name != "snapshot" {
			t.Errorf("%v", d.got)
		}
		if strings.Contains(d.got[0].data, "12345678") {
			t.Error("a full number is sent")
		}
	})
}

// Who comes back goes on where it was; who cannot gets a snapshot.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := aSite()
		hub, end := run(s)
		defer end()
		change := func(n int) {
			s.do(func() { s.Agents[1].Answered = n })
			pass(look)
		}
		first := &display{hub: hub, view: everything}
		first.join(t)
		change(1)
		first.read(t)
		first.client.Leave()
		change(2)
		change(3)
		first.got = nil
		first.join(t)
		first.read(t)
		if len(first.got) != 2 || first.got[0].name != "changes" || !strings.Contains(first.got[0].data, `"answered":2`) || !strings.Contains(first.got[1].data, `"answered":3`) {
			t.Errorf("%v", first.got)
		}
		first.check(t, s)
		again := &display{hub: hub, view: everything, last: first.last, things: first.things, order: first.order}
		again.join(t)
		if again.read(t); len(again.got) != 0 {
			t.Errorf("%v", again.got)
		}

		prefix := first.last[:strings.LastIndex(first.last, ".")+1]
		for what, last := range map[string]string{
			"another process": "x" + first.last, "the future": prefix + "99", "the past": prefix + "0", "nonsense": "nonsense", "a number": prefix + "-1",
			"another view": strings.Replace(first.last, ".ff.", ".1.", 1), "another agent": strings.Replace(first.last, "..", ".1001.", 1),
		} {
			other := &display{hub: hub, view: everything, last: last}
			other.join(t)
			other.read(t)
			if len(other.got) != 1 || other.got[0].name != "snapshot" {
				t.Errorf("after %s: %v", what, other.got)
			}
			other.client.Leave()
		}

		// What is no longer kept cannot be told.
		last := first.last
		for n := range 700 {
			change(10 + n)
			first.read(t)
		}
		late := &display{hub: hub, view: everything, last: last}
		late.join(t)
		if late.read(t); len(late.got) != 1 || late.got[0].name != "snapshot" {
			t.Errorf("%d events", len(late.got))
		}
	})
}

// A client that does not take its events is cut off, and the others notice nothing.
func TestSlowClientIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := aSite()
		hub, end := run(s)
		defer end()
		slow, good := &display{hub: hub, view: everything}, &display{hub: hub, view: everything}
		slow.join(t)
		good.join(t)
		for n := range 100 {
			s.do(func() { s.Agents[0].Answered = n + 1 })
			pass(look)
			good.read(t)
			good.check(t, s)
		}
		select {
		case <-slow.client.Over():
		default:
			t.Fatal("it goes on")
		}
		if !errors.Is(slow.client.Why(), live.ErrSlow) || len(good.got) != 101 || s.followed() != 1 {
			t.Errorf("%v, %d events, %d clients", slow.client.Why(), len(good.got), s.followed())
		}
		// It comes back where it was.
		slow.read(t)
		slow.join(t)
		slow.read(t)
		slow.check(t, s)
		if len(slow.got) != 101 {
			t.Errorf("%d events", len(slow.got))
		}
	})
}

// When the controller no longer leads, all are told; when it does again, all begin anew.
func TestStreamsEndWithTheTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := aSite()
		hub, end := run(s)
		d := &display{hub: hub, view: everything}
		d.join(t)
		d.read(t)
		s.do(func() { s.away = errStandby })
		pass(look)
		<-d.client.Over()
		if d.client.Why() != errStandby || s.followed() != 0 {
			t.Error(d.client.Why(), s.followed())
		}
		if _, err := hub.Join(t.Context(), everything, d.last); err != errStandby {
			t.Error(err)
		}
		s.do(func() { s.away = nil })
		d.got = nil
		d.join(t)
		if d.read(t); len(d.got) != 1 || d.got[0].name != "snapshot" {
			t.Errorf("%v", d.got)
		}
		end()
		<-d.client.Over()
		if !errors.Is(d.client.Why(), live.ErrEnding) {
			t.Error(d.client.Why())
		}
		if _, err := hub.Join(t.Context(), everything, ""); !errors.Is(err, live.ErrEnding) {
			t.Error(err)
		}
		d.client.Leave()
	})
}

// A minute after the last client nobody looks any more, and ids from before are not believed.
func TestNobodyLooksForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := aSite()
		hub, end := run(s)
		defer end()
		pass(time.Hour)
		if looks := s.looked(); looks != 0 {
			t.Errorf("%d looks", looks)
		}
		d := &display{hub: hub, view: everything}
		d.join(t)
		d.read(t)
		d.client.Leave()
		pass(2 * time.Minute)
		looks := s.looked()
		pass(time.Hour)
		if more := s.looked() - looks; more != 0 || looks > 400 {
			t.Errorf("%d looks, then %d", looks, more)
		}
		s.do(func() { s.Agents[0].Answered = 5 })
		d.join(t)
		d.read(t)
		d.check(t, s)
	})
}

// Every 15 s there is a comment, which takes on where the stream is also those whom the
// last changes did not concern.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := aSite()
		hub, end := run(s)
		defer end()
		d := &display{hub: hub, view: live.View{Kinds: live.Emergency}}
		d.join(t)
		d.read(t)
		began := d.last
		for n := range 75 {
			s.do(func() { s.Agents[0].Answered = n })
			pass(look)
		}
		synctest.Wait()
		wire := <-d.client.Events()
		if !bytes.HasPrefix(wire, []byte(":\nid: ")) || bytes.Contains(wire, []byte("data")) {
			t.Errorf("%s", wire)
		}
		if d.take(t, parse(wire)[0]); d.last == began || len(d.got) != 1 {
			t.Errorf("%s, then %s", began, d.last)
		}
	})
}
