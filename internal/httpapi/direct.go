package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hotline/internal/acd"
	"hotline/internal/httpapi/view"
)

// What supervisors do to the floor while it runs.

func (a *api) assignSkills(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Queues map[acd.QueueID]acd.Level `json:"queues"`
		Skills map[acd.SkillID]acd.Level `json:"skills"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if len(body.Queues) == 0 {
		// An empty body must not take back what somebody has assigned.
		return refused(http.StatusUnprocessableEntity, "no_queues", `name the queues with levels, for example {"queues": {"general": 10}, "skills": {"law": 3}}; POST …/skills/reset takes an assignment back`)
	}
	about(r, "", strings.TrimSpace(levelWords(body.Queues)+" "+levelWords(body.Skills)))
	return a.request(w, r, acd.AssignSkills{Agent: agentID(r), Queues: body.Queues, Skills: body.Skills})
}

// levelWords writes levels as english=5 general=10.
func levelWords[K ~string](levels map[K]acd.Level) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(levels)) {
		words = append(words, fmt.Sprintf("%s=%d", name, levels[name]))
	}
	return strings.Join(words, " ")
}

func (a *api) resetSkills(w http.ResponseWriter, r *http.Request) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	return a.request(w, r, acd.ResetSkills{Agent: agentID(r)})
}

func (a *api) prioritise(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Priority *int `json:"priority"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Priority == nil {
		return refused(http.StatusUnprocessableEntity, "no_priority", `say how many points, for example {"priority": 5}; 0 is neither forward nor back`)
	}
	about(r, "", strconv.Itoa(*body.Priority))
	return a.directCall(w, r, acd.Prioritise{Call: callID(r), Priority: *body.Priority})
}

func (a *api) moveCall(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Queue acd.QueueID `json:"queue"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Queue == "" {
		return refused(http.StatusUnprocessableEntity, "no_queue", `name the queue, for example {"queue": "english"}`)
	}
	about(r, "", "to "+string(body.Queue))
	return a.directCall(w, r, acd.MoveCall{Call: callID(r), Queue: body.Queue})
}

func callID(r *http.Request) acd.CallID { return acd.CallID(r.PathValue("id")) }

// directCall lets the engine decide, and answers with the call as it is then, masked.
func (a *api) directCall(w http.ResponseWriter, r *http.Request, event acd.Event) error {
	if err := a.ask(r, event); err != nil {
		return err
	}
	_ = a.noted(r, nil) // it is done, whatever becomes of the answer
	s, err := a.see(r)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.Calls, func(c view.Call) bool { return c.ID == callID(r) })
	if i < 0 {
		return refused(http.StatusNotFound, "unknown_call", "it is done, and the call has ended meanwhile")
	}
	return writeJSON(w, s.Calls[i])
}
