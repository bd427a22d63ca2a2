package httpapi

import (
	"net/http"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// health: the process lives and its engine answers.
func (a *api) health(w http.ResponseWriter, r *http.Request) {
	if _, err := a.Control.Snapshot(r.Context()); err != nil {
		problem(w, http.StatusServiceUnavailable, "unhealthy", "the engine does not answer: "+err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok", "version": a.Version})
}

// ready: callers can be served; when not, each reason.
func (a *api) ready(w http.ResponseWriter, _ *http.Request) {
	reasons := []string{}
	for _, err := range a.Ready() {
		reasons = append(reasons, err.Error())
	}
	status := http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
	}
	reply(w, status, map[string]any{"ready": len(reasons) == 0, "reasons": reasons})
}

// view takes a snapshot; it reports false after answering.
func (a *api) view(w http.ResponseWriter, r *http.Request) (snapshotView, bool) {
	s, err := a.Control.Snapshot(r.Context())
	if err != nil {
		failed(w, err)
		return snapshotView{}, false
	}
	return viewSnapshot(s), true
}

func (a *api) snapshot(w http.ResponseWriter, r *http.Request) {
	if v, ok := a.view(w, r); ok {
		reply(w, http.StatusOK, v)
	}
}

func (a *api) queues(w http.ResponseWriter, r *http.Request) {
	if v, ok := a.view(w, r); ok {
		reply(w, http.StatusOK, v.Queues)
	}
}

func (a *api) agents(w http.ResponseWriter, r *http.Request) {
	if v, ok := a.view(w, r); ok {
		reply(w, http.StatusOK, v.Agents)
	}
}

func (a *api) calls(w http.ResponseWriter, r *http.Request) {
	if v, ok := a.view(w, r); ok {
		reply(w, http.StatusOK, v.Calls)
	}
}

func (a *api) queue(w http.ResponseWriter, r *http.Request) {
	if v, ok := a.view(w, r); ok {
		one(w, v.Queues, r.PathValue("id"), "queue", func(q queueView) string { return string(q.Queue) })
	}
}

func (a *api) agent(w http.ResponseWriter, r *http.Request) {
	if v, ok := a.view(w, r); ok {
		one(w, v.Agents, r.PathValue("id"), "agent", func(s acd.AgentStatus) string { return string(s.Agent) })
	}
}

func (a *api) call(w http.ResponseWriter, r *http.Request) {
	if v, ok := a.view(w, r); ok {
		one(w, v.Calls, r.PathValue("id"), "call", func(c callView) string { return string(c.Call) })
	}
}

// one answers with the item of that id, or that there is none.
func one[T any](w http.ResponseWriter, items []T, id, what string, idOf func(T) string) {
	for _, item := range items {
		if idOf(item) == id {
			reply(w, http.StatusOK, item)
			return
		}
	}
	problem(w, http.StatusNotFound, "unknown_"+what, "there is no "+what+" of that name")
}

func (a *api) today(w http.ResponseWriter, r *http.Request) {
	figures, err := a.Traffic.Today(r.Context())
	if err != nil {
		failed(w, err)
		return
	}
	reply(w, http.StatusOK, figures)
}

func (a *api) login(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Seat acd.SeatID `json:"seat"`
	}
	if decode(w, r, &body) {
		a.request(w, r, acd.Login{Agent: acd.AgentID(r.PathValue("id")), Seat: body.Seat})
	}
}

func (a *api) logout(w http.ResponseWriter, r *http.Request) {
	a.request(w, r, acd.Logout{Agent: acd.AgentID(r.PathValue("id"))})
}

func (a *api) setReady(w http.ResponseWriter, r *http.Request) {
	a.request(w, r, acd.SetReady{Agent: acd.AgentID(r.PathValue("id"))})
}

func (a *api) setNotReady(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Reason string `json:"reason"`
	}
	if decode(w, r, &body) {
		a.request(w, r, acd.SetNotReady{Agent: acd.AgentID(r.PathValue("id")), Reason: body.Reason})
	}
}

// request carries out what an agent asks for, and answers with the agent's new state.
func (a *api) request(w http.ResponseWriter, r *http.Request, event acd.Event) {
	if err := a.Control.Request(r.Context(), event); err != nil {
		failed(w, err)
		return
	}
	a.Log.Info("an agent's request was carried out over the API", zap.String("agent", r.PathValue("id")), zap.String("route", r.Pattern))
	a.agent(w, r)
}
