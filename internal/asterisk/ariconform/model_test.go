package ariconform_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/asterisk/ariconform"
	"hotline/internal/asterisk/arimodel"
)

// modelSite is a node of the model and its phones.
type modelSite struct {
	w      *arimodel.World
	n      *arimodel.Node
	phones map[string]*arimodel.Phone
	rang   map[string]chan *arimodel.Call
}

func newModelSite(t *testing.T, seed uint64) *modelSite {
	w := arimodel.New(arimodel.Options{
		Seed: seed, Missing: map[string]bool{"no-such-prompt": true},
		// As those of the real one are.
		Prompts: map[string]time.Duration{
			"n-1": 780 * time.Millisecond, "minutes": 1180 * time.Millisecond, "agent-ready": 2950 * time.Millisecond,
			"agents-busy": 5240 * time.Millisecond,
		},
	})
	t.Cleanup(w.Close)
	s := &modelSite{w: w, n: w.AddNode("a1"), phones: map[string]*arimodel.Phone{}, rang: map[string]chan *arimodel.Call{}}
	s.phones["8001"], s.phones["8002"] = w.AddSeat("8001"), w.AddSeat("8002")
	s.phones["8002"].SetRegistered(false)
	s.phones[ariconform.Outside] = w.AddNumber(ariconform.Outside)
	for name := range s.phones {
		s.rang[name] = make(chan *arimodel.Call, 100)
	}
	return s
}

func (s *modelSite) URL() string                  { return s.n.URL() }
func (s *modelSite) Transport() http.RoundTripper { return s.w }
func (s *modelSite) User() string                 { return arimodel.User }
func (s *modelSite) Password() string             { return arimodel.Password }
func (s *modelSite) LoseSocket()                  { s.n.End() }
func (s *modelSite) Freeze()                      { s.n.Freeze() }
func (s *modelSite) Thaw()                        { s.n.Thaw() }
func (s *modelSite) Kill()                        { s.n.Kill() }

func (s *modelSite) Start() error {
	time.Sleep(time.Second) // which is how exact the startup time is
	s.n.Start()
	return nil
}

func (s *modelSite) Dial(from, number string) (ariconform.Call, error) {
	return modelCall{s.w.Dial("a1", from, number)}, nil
}

func (s *modelSite) SetPlan(at string, p ariconform.Plan) {
	for len(s.rang[at]) > 0 {
		<-s.rang[at]
	}
	s.phones[at].SetPlan(func(c *arimodel.Call) arimodel.Plan {
		s.rang[at] <- c
		return arimodel.Plan(p)
	})
}

func (s *modelSite) Rung(ctx context.Context, at string) (ariconform.Call, error) {
	select {
	case c := <-s.rang[at]:
		return modelCall{c}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the phone of %s does not ring: %w", at, ctx.Err())
	}
}

type modelCall struct{ *arimodel.Call }

func (c modelCall) Hold(context.Context) error   { return c.Call.Hold(true) }
func (c modelCall) Resume(context.Context) error { return c.Call.Hold(false) }

func (c modelCall) HearsAnything(context.Context) bool {
	time.Sleep(500 * time.Millisecond)
	return len(c.Hears()) > 0
}

func (c modelCall) WaitAnswered(ctx context.Context) error {
	select {
	case <-c.Answered():
		return nil
	case <-c.Ended():
		return fmt.Errorf("refused with %d", c.Status())
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c modelCall) WaitEnded(ctx context.Context) (int, error) {
	select {
	case <-c.Ended():
		return c.Status(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (c modelCall) WaitHears(ctx context.Context, other string) error {
	return c.Call.WaitHears(ctx, "voice:"+other)
}

// TestModel carries all scenarios out at the model, with several seeds: whatever
// the delays are, they must not show.
func TestModel(t *testing.T) {
	if *update {
		t.Skip("only the real Asterisk may write transcripts")
	}
	for _, s := range ariconform.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			for seed := range uint64(10) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					compare(t, s.Name, ariconform.Run(ctx, t, newModelSite(t, seed), s))
				})
				if t.Failed() {
					return
				}
			}
		})
	}
}
