package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/devstack"
	"hotline/internal/phone"
)

// holdAndRating: an agent holds the caller, who hears music, talks again, and hangs
// up. The caller is asked for a rating while the agent serves somebody else already.
func (o *office) holdAndRating(t *testing.T) {
	o.t = t
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	o.ready("1001")
	person := o.caller()
	c := o.dial(person, "12349")
	agent, _ := o.rings("1001", 5*time.Second)
	o.hearEachOther(c, agent)

	c.Record()
	asked := time.Now()
	o.must(agent.Hold(ctx))
	began := time.Now()
	if err := c.WaitPart(ctx, holdMusic(t), 1600); err != nil {
		t.Errorf("the caller on hold hears no music: %v", err)
	}
	within(t, 10*time.Second, "the call has been on hold for 1.5 s", func(ctx context.Context) (bool, string) {
		s, err := o.api.Snapshot(ctx)
		return err == nil && len(s.Calls) == 1 && !s.Calls[0].OnHold.IsZero() && s.Calls[0].Hold.Duration() > 1500*time.Millisecond, fmt.Sprint(s.Calls, err)
	})
	o.tones++ // one that has not been heard before the hold
	tone, err := phone.ToneAt(o.tones)
	o.must(err)
	o.must(agent.SetTone(tone))
	shortest := time.Since(began)
	o.must(agent.Resume(ctx))
	longest := time.Since(asked)
	if _, err := c.WaitTone(ctx, tone); err != nil {
		t.Errorf("the caller does not hear the agent again: %v", err)
	}
	o.tones++
	tone, err = phone.ToneAt(o.tones)
	o.must(err)
	o.must(c.SetTone(tone))
	if _, err := agent.WaitTone(ctx, tone); err != nil {
		t.Errorf("the agent does not hear the caller again: %v", err)
	}

	c.Record()
	agent.Hangup()
	left := time.Now()
	o.hears(c, "rating")
	// The agent is free: rung for the next caller while the first is still asked.
	next := o.dial(o.caller(), "12349")
	other, _ := o.rings("1001", 5*time.Second)
	o.hearEachOther(next, other)
	if q := o.queue("rated"); q.Talking != 1 || q.SinceStart.Answered != 2 {
		t.Errorf("meanwhile: %+v", q)
	}
	c.Record()
	o.must(c.SendDTMF("2"))
	o.hears(c, "rating-thanks")
	if _, err := c.WaitEnded(ctx); err != nil {
		t.Fatalf("the call goes on after the thanks: %v", err)
	}
	took := time.Since(left)
	o.over(next) // the caller: who hangs up first is not asked

	records := o.records(person.User(), next.Phone().User())
	r, unasked := records[person.User()], records[next.Phone().User()]
	if r.Rating != 2 || !r.RatingAsked || r.Agent != "1001" || r.Result != acd.Answered || r.Reason != acd.AgentHungUp {
		t.Errorf("the record: %+v", r)
	}
	const slack = 250 * time.Millisecond
	if r.Hold < shortest-slack || r.Hold > longest+slack {
		t.Errorf("the record has %v on hold; it was %v to %v", r.Hold, shortest, longest)
	}
	if rated := r.Ended.Sub(r.TalkEnded); rated > took+slack || rated < 2*time.Second || !r.TalkEnded.Before(unasked.Answered) {
		t.Errorf("the talk ended at %v, the call %v later; the next was answered at %v", r.TalkEnded, rated, unasked.Answered)
	}
	if unasked.RatingAsked || unasked.Hold != 0 || unasked.Reason != acd.CallerHungUp {
		t.Errorf("the record of the next: %+v", unasked)
	}
	day, err := o.lab.Hotline(ctx, "traffic", "day", "--format", "json")
	o.must(err)
	if !strings.Contains(strings.Join(strings.Fields(day), ""), `"rated_2":1`) {
		t.Errorf("the figures of the day: %s", day)
	}
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// records waits for the records of callers in Redis.
func (o *office) records(callers ...string) map[string]acd.CallRecord {
	o.t.Helper()
	found := map[string]acd.CallRecord{}
	within(o.t, 10*time.Second, "the calls are recorded", func(ctx context.Context) (bool, string) {
		text, err := o.lab.Hotline(ctx, "calls", "export", "-")
		o.must(err)
		lines := bufio.NewScanner(strings.NewReader(text))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var line struct {
				Kind   string         `json:"kind"`
				Record acd.CallRecord `json:"record"`
			}
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Kind == "call" {
				found[line.Record.Caller] = line.Record
			}
		}
		for _, caller := range callers {
			if _, ok := found[caller]; !ok {
				return false, text
			}
		}
		return true, ""
	})
	return found
}

// holdMusic is what Asterisk plays to callers on hold, as it goes on the line.
func holdMusic(t *testing.T) []byte {
	t.Helper()
	deps, err := devstack.Lookup()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(deps.Dir, "moh", "default", "*.alaw"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the hold music: %v %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return data
}
