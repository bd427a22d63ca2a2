package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/httpapi/view"
)

// ask lets the engine decide within the bound.
func (a *api) ask(r *http.Request, event acd.Event) error {
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	return a.Control.Request(ctx, event)
}

func (a *api) extendWrapUp(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Extend string `json:"extend"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	by, err := time.ParseDuration(body.Extend)
	if err != nil {
		return refused(http.StatusUnprocessableEntity, "bad_extension", `say by how much, for example {"extend": "30s"}`)
	}
	return a.request(w, r, acd.ExtendWrapUp{Agent: agentID(r), By: by})
}

func (a *api) partners(w http.ResponseWriter, r *http.Request) error {
	s, err := a.see(r)
	if err != nil {
		return err
	}
	return writeJSON(w, map[string]any{"at": s.At, "partners": s.Partners})
}

func (a *api) callbacks(w http.ResponseWriter, r *http.Request) error {
	return a.listCallbacks(w, r, a.seeNumbers)
}

func (a *api) listCallbacks(w http.ResponseWriter, r *http.Request, see func(*http.Request) (view.Snapshot, error)) error {
	s, err := see(r)
	if err != nil {
		return err
	}
	return writeJSON(w, map[string]any{"at": s.At, "callbacks": s.Callbacks})
}

func (a *api) cancelCallback(w http.ResponseWriter, r *http.Request) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	if err := a.ask(r, acd.CancelCallback{Callback: acd.CallbackID(r.PathValue("id"))}); err != nil {
		return err
	}
	return a.listCallbacks(w, r, a.see) // masked, so that nothing is refused after it was done
}

func (a *api) blocked(w http.ResponseWriter, r *http.Request) error {
	s, err := a.see(r)
	if err != nil {
		return err
	}
	return writeJSON(w, map[string]any{"at": s.At, "blocked": s.Blocked})
}

// The number stands in the body, so that no log of URLs holds it.
func (a *api) block(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Number string  `json:"number"`
		Reason string  `json:"reason"`
		Until  *string `json:"until"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	about(r, acd.Mask(body.Number), body.Reason)
	event := acd.BlockCaller{Number: body.Number, Reason: body.Reason}
	if body.Until != nil {
		until, err := time.Parse(time.RFC3339, *body.Until)
		if err != nil {
			return refused(http.StatusUnprocessableEntity, "bad_expiry", "until is not a moment; write for example 2026-01-31T18:00:00+08:00, or leave it out")
		}
		event.Until = until
	}
	if err := a.ask(r, event); err != nil {
		return err
	}
	return a.blocked(w, r)
}

func (a *api) unblock(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Number string `json:"number"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Number == "" {
		return refused(http.StatusUnprocessableEntity, "no_number", `name the caller, for example {"number": "13812345678"}`)
	}
	about(r, acd.Mask(body.Number), "")
	if err := a.ask(r, acd.UnblockCaller{Number: body.Number}); err != nil {
		return err
	}
	return a.blocked(w, r)
}

func (a *api) emergency(w http.ResponseWriter, r *http.Request) error {
	s, err := a.see(r)
	if err != nil {
		return err
	}
	return writeTaggedJSON(w, r, view.Emergency{Prompts: s.Emergency})
}

func (a *api) setEmergency(w http.ResponseWriter, r *http.Request) error {
	var body view.Emergency
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Prompts == nil {
		// An empty body must not switch off what saves lives.
		return refused(http.StatusUnprocessableEntity, "no_prompts", `name the prompts, for example {"prompts": ["flood"]}; {"prompts": []} switches the announcement off`)
	}
	for _, prompt := range body.Prompts {
		if !view.PromptName(prompt) {
			return refused(http.StatusUnprocessableEntity, "bad_prompt", "a prompt is named by small letters, digits and hyphens, for example flood-warning; none switches the announcement off")
		}
	}
	about(r, "", strings.Join(body.Prompts, " "))
	if err := a.ask(r, acd.SetEmergency{Prompts: body.Prompts}); err != nil {
		return err
	}
	return a.emergency(w, r)
}

// announcements lists the prompts, with the emergency announcement as it is now.
func (a *api) announcements(w http.ResponseWriter, r *http.Request) error {
	s, err := a.see(r)
	if err != nil {
		return err
	}
	return writeTaggedJSON(w, r, map[string]any{"announcements": a.Announcements(s.Emergency)})
}

// reload applies the configuration file as it is now.
func (a *api) reload(w http.ResponseWriter, r *http.Request) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	var standby *StandbyError
	if err := a.Reload(ctx, principalOf(r).Name); errors.As(err, &standby) {
		return standby
	} else if err != nil {
		return refused(http.StatusUnprocessableEntity, "bad_configuration", err.Error())
	}
	return writeJSON(w, map[string]string{"status": "applied"})
}
