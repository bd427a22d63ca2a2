package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"hotline/internal/httpapi/view"
)

// see takes a snapshot within the bound.
func (a *api) see(r *http.Request) (view.Snapshot, error) {
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	s, err := a.Control.Snapshot(ctx)
	if err != nil {
		return view.Snapshot{}, err
	}
	return view.Of(s), nil
}

// seeNumbers is see, with full numbers for who asks for them by ?numbers=full and may
// see them. Each look is audited, before it is answered.
func (a *api) seeNumbers(r *http.Request) (view.Snapshot, error) {
	full, err := a.fullNumbers(r)
	if err != nil {
		return view.Snapshot{}, err
	}
	if !full {
		return a.see(r)
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	s, err := a.Control.Snapshot(ctx)
	if err != nil {
		return view.Snapshot{}, err
	}
	about(r, r.PathValue("id"), "full numbers")
	return view.WithNumbers(s), a.noted(r, nil)
}

// health says that the program lives: its one loop answers, or it stands by.
func (a *api) health(w http.ResponseWriter, r *http.Request) error {
	var standby *StandbyError
	if _, err := a.see(r); errors.As(err, &standby) {
		return writeJSON(w, map[string]string{"status": "standby", "version": a.Version})
	} else if err != nil {
		return err
	}
	return writeJSON(w, map[string]string{"status": "ok", "version": a.Version})
}

// ready says whether calls can be taken, and if not, why. Whoever asks for
// text/plain gets one reason a line.
func (a *api) ready(w http.ResponseWriter, r *http.Request) error {
	var reasons []string
	for _, err := range a.Ready() {
		if err != nil {
			reasons = append(reasons, err.Error())
		}
	}
	var standby *StandbyError
	if _, err := a.see(r); errors.As(err, &standby) {
		reasons = append(reasons, standby.Error())
	} else if err != nil {
		reasons = append(reasons, "the engine does not answer")
	}
	if len(reasons) == 0 {
		return writeJSON(w, map[string]string{"status": "ready", "version": a.Version})
	}
	if strings.Contains(r.Header.Get("Accept"), "text/plain") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(strings.Join(reasons, "\n") + "\n"))
		return nil
	}
	p := refused(http.StatusServiceUnavailable, "not_ready", strings.Join(reasons, "; "))
	p.Reasons = reasons
	return p
}

// seeAlerts is see, with the alerts.
func (a *api) seeAlerts(r *http.Request) (view.Snapshot, error) {
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	s, err := a.Control.Snapshot(ctx)
	if err != nil {
		return view.Snapshot{}, err
	}
	out := view.Of(s)
	if a.Alerts != nil {
		out.Alerts = a.Alerts(s)
	}
	return out, nil
}

func (a *api) snapshot(w http.ResponseWriter, r *http.Request) error {
	s, err := a.seeAlerts(r)
	if err != nil {
		return err
	}
	return writeJSON(w, s)
}

func (a *api) alerts(w http.ResponseWriter, r *http.Request) error {
	s, err := a.seeAlerts(r)
	if err != nil {
		return err
	}
	return writeJSON(w, map[string]any{"at": s.At, "alerts": s.Alerts})
}

// site is what pages offer a choice of. It holds nobody's name.
func (a *api) site(w http.ResponseWriter, r *http.Request) error {
	return writeTaggedJSON(w, r, a.Site())
}

func (a *api) queues(w http.ResponseWriter, r *http.Request) error {
	s, err := a.see(r)
	if err != nil {
		return err
	}
	return writeJSON(w, map[string]any{"at": s.At, "queues": s.Queues})
}

func (a *api) agents(w http.ResponseWriter, r *http.Request) error {
	s, err := a.see(r)
	if err != nil {
		return err
	}
	return writeJSON(w, map[string]any{"at": s.At, "agents": s.Agents})
}

func (a *api) calls(w http.ResponseWriter, r *http.Request) error {
	s, err := a.seeNumbers(r)
	if err != nil {
		return err
	}
	return writeJSON(w, map[string]any{"at": s.At, "calls": s.Calls})
}

func (a *api) queue(w http.ResponseWriter, r *http.Request) error {
	s, err := a.see(r)
	if err != nil {
		return err
	}
	for _, q := range s.Queues {
		if string(q.ID) == r.PathValue("id") {
			return writeJSON(w, q)
		}
	}
	return refused(http.StatusNotFound, "unknown_queue", "this queue is not configured; /api/v1/queues lists those that are")
}

func (a *api) agent(w http.ResponseWriter, r *http.Request) error {
	s, err := a.see(r)
	if err != nil {
		return err
	}
	for _, agent := range s.Agents {
		if string(agent.ID) == r.PathValue("id") {
			return writeJSON(w, agent)
		}
	}
	return refused(http.StatusNotFound, "unknown_agent", "this agent is not configured; /api/v1/agents lists those who are")
}

func (a *api) call(w http.ResponseWriter, r *http.Request) error {
	s, err := a.seeNumbers(r)
	if err != nil {
		return err
	}
	for _, call := range s.Calls {
		if string(call.ID) == r.PathValue("id") {
			return writeJSON(w, call)
		}
	}
	return refused(http.StatusNotFound, "unknown_call", "this call is not in progress; /api/v1/calls lists those that are")
}

func (a *api) today(w http.ResponseWriter, r *http.Request) error {
	return a.figures(w, r, a.Traffic.Today)
}

func (a *api) day(w http.ResponseWriter, r *http.Request) error {
	day, err := dayOf(r.PathValue("day"))
	if err != nil {
		return err
	}
	return a.figures(w, r, func(ctx context.Context) (any, error) { return a.Traffic.Day(ctx, day) })
}

func (a *api) figures(w http.ResponseWriter, r *http.Request, read func(context.Context) (any, error)) error {
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	figures, err := read(ctx)
	if err != nil {
		return err
	}
	return writeJSON(w, figures)
}
