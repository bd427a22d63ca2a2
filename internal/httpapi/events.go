package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"hotline/internal/access"
	"hotline/internal/httpapi/live"
)

const (
	// sendBound is how long a client may take for what is sent at once.
	sendBound = 5 * time.Second
	// examineEvery is how often it is looked whether the client may still see what it does.
	examineEvery = 4 * time.Second
	// A client comes back after so long, spread so that not all come at once.
	retryLeast, retryMore = 2 * time.Second, 2 * time.Second
)

// kindNeeds says who sees what of the events: who has all of these. An agent sees itself
// without agents.read.
var kindNeeds = map[live.Kinds][]access.Permission{
	live.Queues: {access.ReadQueues}, live.Agents: {access.ReadAgents}, live.Calls: {access.ReadCalls}, live.Callbacks: {access.ReadCallbacks},
	live.Partners: {access.ReadQueues}, live.Blocked: {access.ReadBlocked}, live.Emergency: {access.ReadQueues},
	live.Alerts: {access.ReadQueues, access.ReadAgents},
}

// anyKind are the permissions of which one is enough to follow something.
var anyKind = []access.Permission{access.ReadQueues, access.ReadAgents, access.ActAsAgent, access.ReadCalls, access.ReadCallbacks, access.ReadBlocked}

// events is a stream of changes, until either side ends it.
func (a *api) events(w http.ResponseWriter, r *http.Request) error {
	v, err := a.eventView(r)
	if err != nil {
		return err
	}
	if a.Events == nil {
		return refused(http.StatusServiceUnavailable, "unavailable", "this program follows no events")
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	client, err := a.Events.Join(ctx, v, r.Header.Get("Last-Event-ID"))
	if err != nil {
		return eventProblem(err)
	}
	defer client.Leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would wait for more
	if r.Method == http.MethodHead {
		return nil
	}
	a.stream(w, r, client)
	return nil
}

// eventView is what of the events a request may see, and asks for by ?kinds=queues,agents.
func (a *api) eventView(r *http.Request) (v live.View, err error) {
	who := principalOf(r)
	wanted := r.URL.Query().Get("kinds")
	for name := range strings.SplitSeq(wanted, ",") {
		kind, known := live.Named(name)
		if !known && wanted != "" {
			return v, refused(http.StatusBadRequest, "bad_kinds", "kinds are some of "+everyKind()+", with commas between")
		}
		if wanted != "" {
			v.Kinds |= kind
		}
	}
	var may live.Kinds
	for kind, needed := range kindNeeds {
		if !slices.ContainsFunc(needed, func(p access.Permission) bool { return !who.May(p) }) {
			may |= kind
		}
	}
	if may&live.Agents == 0 && who.Acts(who.Agent) {
		may |= live.Agents
		v.Own = who.Agent
	}
	if wanted == "" {
		v.Kinds = may
	}
	for _, kind := range live.Each() {
		if v.Kinds&kind&^may != 0 {
			return v, a.noted(r, notAllowed(kindNeeds[kind]...))
		}
	}
	if v.Kinds&live.Agents == 0 {
		v.Own = "" // who sees the same shares it
	}
	return v, nil
}

func everyKind() string {
	var all live.Kinds
	for _, kind := range live.Each() {
		all |= kind
	}
	return all.String()
}

// eventProblem says why there is no stream, or no longer.
func eventProblem(err error) *problem {
	switch {
	case errors.Is(err, live.ErrSlow):
		return refused(http.StatusServiceUnavailable, "too_slow", "the events were not taken in time; come back for those since, or a snapshot")
	case errors.Is(err, live.ErrFull):
		return refused(http.StatusServiceUnavailable, "too_many_clients", "too many clients follow events here; try again, or GET /api/v1/snapshot")
	case errors.Is(err, live.ErrEnding):
		return refused(http.StatusServiceUnavailable, "ending", "this controller is shutting down; come back in some seconds")
	}
	return problemOf(err)
}

// stream sends until the client leaves or may see no more.
func (a *api) stream(w http.ResponseWriter, r *http.Request, client *live.Client) {
	out := http.NewResponseController(w)
	send := func(event []byte) error {
		// Instead of the server's bound, which is for requests that have an end. Not all
		// writers of tests have deadlines.
		_ = out.SetWriteDeadline(time.Now().Add(sendBound))
		if _, err := w.Write(event); err != nil {
			return err
		}
		return out.Flush()
	}
	if s, ok := w.(*statusWriter); ok {
		s.began = time.Now()
	}
	examine := time.NewTicker(examineEvery)
	defer examine.Stop()
	retry := retryLeast + rand.N(retryMore)
	err := send(fmt.Appendf(nil, "retry: %d\n\n", retry.Milliseconds()))
	var end *problem
	for err == nil && end == nil {
		select {
		case <-r.Context().Done():
			return
		case event := <-client.Events():
			err = send(event)
		case <-client.Over():
			end = eventProblem(client.Why())
		case <-examine.C:
			end = a.examine(r)
		}
	}
	switch {
	case end != nil:
		client.CutOff(end.Code)
		if data, err := json.Marshal(end.Problem); err == nil {
			_ = send(live.Event("end", "", data))
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		client.CutOff("too_slow")
	}
}

// examine says why the client may no longer see what it could when it came, if so.
func (a *api) examine(r *http.Request) *problem {
	was := principalOf(r)
	who, err := a.identify(r)
	switch {
	case err != nil && r.Context().Err() != nil:
		return nil // it has left
	case err != nil:
		return problemOf(err)
	case who.Agent != was.Agent || who.Expired != was.Expired || !slices.Equal(who.Permissions(), was.Permissions()):
		return refused(http.StatusForbidden, "rights_changed", "what you may see has changed; come back")
	}
	return nil
}
