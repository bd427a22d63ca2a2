package apiclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotline/internal/acd"
	"hotline/internal/apiclient"
	"hotline/internal/calendar"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is the runner behind a real API.
type desk struct {
	httpapi.Traffic // what no test asks for
	got             []acd.Event
	refusal         error
	ready           []error
}

func (d *desk) Snapshot(context.Context) (acd.Snapshot, error) {
	return acd.Snapshot{
		At:     time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		Queues: []acd.QueueStatus{{Queue: "general", Waiting: 2, LongestWait: 1500 * time.Millisecond}},
		Agents: []acd.AgentStatus{{Agent: "1001", State: acd.Ready}},
		Calls:  []acd.CallStatus{{Call: "a1/1.5", Phase: acd.PhaseWaiting}},
	}, nil
}

func (d *desk) Request(_ context.Context, event acd.Event) error {
	d.got = append(d.got, event)
	return d.refusal
}

func (d *desk) Today(context.Context) (any, error) {
	return map[string]any{"day": "2026-11-24", "site": map[string]any{"offered": 3, "answered": 2, "abandoned": 1, "connect_rate": json.RawMessage("66.70"), "average_wait": nil, "counters": nil}}, nil
}

func (d *desk) Day(_ context.Context, day calendar.Day) (any, error) {
	return map[string]any{"day": day, "site": map[string]any{"offered": 5, "not_offered": 1, "rona": 4}}, nil
}

func serve(t *testing.T, d *desk, token string) *apiclient.Client {
	t.Helper()
	server := httptest.NewServer(httpapi.New(httpapi.Options{Control: d, Traffic: d, Token: "right", Ready: func() []error { return d.ready }}))
	t.Cleanup(server.Close)
	c := apiclient.New(server.URL+"/", token)
	t.Cleanup(c.Close)
	return c
}

func TestReading(t *testing.T) {
	c := serve(t, &desk{}, "right")
	s, err := c.Snapshot(t.Context())
	if err != nil || len(s.Queues) != 1 || s.Queues[0].Waiting != 2 || s.Queues[0].LongestWait.Duration() != 1500*time.Millisecond || s.Agents[0].State != acd.Ready {
		t.Errorf("%+v %v", s, err)
	}
	f, err := c.Today(t.Context())
	rate := json.Number("66.70")
	if want := (view.Traffic{Day: "2026-11-24", Site: view.Figures{Offered: 3, Answered: 2, Abandoned: 1, ConnectRate: &rate}}); err != nil || !reflect.DeepEqual(f, want) {
		t.Errorf("%+v %v", f, err)
	}
	f, err = c.Day(t.Context(), calendar.NewDay(2026, time.November, 23))
	if want := (view.Traffic{Day: "2026-11-23", Site: view.Figures{Offered: 5, NotOffered: 1, RONA: 4}}); err != nil || !reflect.DeepEqual(f, want) {
		t.Errorf("%+v %v", f, err)
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRequests(t *testing.T) {
	d := &desk{}
	c := serve(t, d, "right")
	for what, ask := range map[string]func() (view.Agent, error){
		"login":     func() (view.Agent, error) { return c.Login(t.Context(), "1001", "8001") },
		"logout":    func() (view.Agent, error) { return c.Logout(t.Context(), "1001") },
		"ready":     func() (view.Agent, error) { return c.SetReady(t.Context(), "1001") },
		"not ready": func() (view.Agent, error) { return c.SetNotReady(t.Context(), "1001", "break") },
		"skills": func() (view.Agent, error) {
			return c.AssignSkills(t.Context(), "1001", map[acd.QueueID]acd.Level{"general": 10}, map[acd.SkillID]acd.Level{"law": 3})
		},
		"reset": func() (view.Agent, error) { return c.ResetSkills(t.Context(), "1001") },
	} {
		d.got = nil
		a, err := ask()
		if err != nil || a.ID != "1001" || len(d.got) != 1 {
			t.Errorf("%s: %+v %v, the engine got %v", what, a, err, d.got)
		}
	}
}

func TestCallsAreDirected(t *testing.T) {
	d := &desk{}
	c := serve(t, d, "right")
	moved, err := c.MoveCall(t.Context(), "a1/1.5", "english")
	if err != nil || moved.ID != "a1/1.5" {
		t.Errorf("%+v, %v", moved, err)
	}
	put, err := c.Prioritise(t.Context(), "a1/1.5", -5)
	if err != nil || put.ID != "a1/1.5" {
		t.Errorf("%+v, %v", put, err)
	}
	if want := []acd.Event{acd.MoveCall{Call: "a1/1.5", Queue: "english"}, acd.Prioritise{Call: "a1/1.5", Priority: -5}}; !reflect.DeepEqual(d.got, want) {
		t.Errorf("the engine got %v", d.got)
	}
}

func TestErrors(t *testing.T) {
	d := &desk{refusal: &acd.RequestError{Code: "seat_taken", Text: "seat 8001 is taken"}, ready: []error{errors.New("node a1 is away")}}
	c := serve(t, d, "right")
	_, err := c.Login(t.Context(), "1001", "8001")
	var refused *apiclient.Error
	if !errors.As(err, &refused) || refused.Code != "seat_taken" || err.Error() != "POST /api/v1/agents/1001/login: seat 8001 is taken (409 seat_taken)" {
		t.Errorf("%v", err)
	}
	if err := c.Ready(t.Context()); !errors.As(err, &refused) || !reflect.DeepEqual(refused.Reasons, []string{"node a1 is away"}) {
		t.Errorf("%v", err)
	}
	if _, err := serve(t, d, "wrong").Snapshot(t.Context()); !errors.As(err, &refused) || refused.Status != 401 || strings.Contains(err.Error(), "right") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the context is ignored: %v", err)
	}
}

func TestOthersThanHotline(t *testing.T) {
	for body, want := range map[string]string{
		"200 <html>": "the answer is not the JSON of this API",
		"502 <html>": "this is not an answer of hotline (502 foreign)",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if strings.HasPrefix(body, "502") {
				w.WriteHeader(http.StatusBadGateway)
			}
			_, _ = io.WriteString(w, body)
		}))
		c := apiclient.New(server.URL, "")
		if _, err := c.Snapshot(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
		c.Close()
		server.Close()
		_, err := c.Snapshot(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "the API at "+server.URL+" does not answer (") || strings.Count(err.Error(), server.URL) != 1 {
			t.Errorf("%v", err)
		}
	}
	if _, err := apiclient.New("http://a b", "").Snapshot(t.Context()); err == nil || !strings.Contains(err.Error(), "is not an API's address") {
		t.Errorf("%v", err)
	}
}
