package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/httpapi/view"
)

// problem is an error that knows its answer.
type problem struct{ view.Problem }

func (p *problem) Error() string { return p.Detail }

// refused makes a problem. The detail is one sentence for people, the code is
// stable and for programs.
func refused(status int, code, detail string) *problem {
	return &problem{view.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code}}
}

// StandbyError answers what only the leading controller can: this one stands by.
type StandbyError struct {
	Leader, Host, HTTP string // who leads; empty when that is not known
	Why                string // then why this one does not
}

func (e *StandbyError) Error() string {
	if e.Leader == "" {
		return "this controller does not lead: " + e.Why
	}
	return "this controller stands by: " + e.Leader + " on " + e.Host + " leads, its API listens on " + e.HTTP
}

// problemOf turns any error into its answer. Errors that are not foreseen may
// hold what does not concern a client: they are not shown.
func problemOf(err error) *problem {
	var known *problem
	if errors.As(err, &known) {
		return known
	}
	var unanswerable *Unanswerable
	if errors.As(err, &unanswerable) {
		return unanswerable.problem()
	}
	var request *acd.RequestError
	if errors.As(err, &request) {
		return refused(statusOf(request.Code), request.Code, request.Text)
	}
	var refusal *access.Refusal
	if errors.As(err, &refusal) {
		return refused(statusOfKind[refusal.Kind], refusal.Code, refusal.Text)
	}
	var standby *StandbyError
	if errors.As(err, &standby) {
		return refused(http.StatusServiceUnavailable, "standby", standby.Error())
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return refused(http.StatusServiceUnavailable, "no_answer", "the program did not answer in time; try again")
	}
	return refused(http.StatusServiceUnavailable, "unavailable", "the program cannot answer now; /readyz says why")
}

var statusOfKind = map[access.Kind]int{
	access.NotLoggedIn: http.StatusUnauthorized, access.NotAllowed: http.StatusForbidden, access.NotFound: http.StatusNotFound,
	access.Conflict: http.StatusConflict, access.Invalid: http.StatusUnprocessableEntity,
	access.TooMany: http.StatusTooManyRequests, access.Away: http.StatusServiceUnavailable,
}

// statusOf maps the engine's codes.
func statusOf(code string) int {
	switch code {
	case "unknown_agent", "unknown_callback", "unknown_call", "not_blocked":
		return http.StatusNotFound
	case "unknown_seat", "unknown_reason", "bad_extension", "bad_expiry", "no_number", "no_reason", "unknown_queue", "unknown_skill", "bad_level", "no_queues", "bad_priority":
		return http.StatusUnprocessableEntity
	default:
		// seat_taken, already_logged_in, not_logged_in, busy, and what
		// the engine may refuse later: the request is at odds with the
		// present state.
		return http.StatusConflict
	}
}

// writeProblem gives the answer an instance, by which the log's line of the request is
// found.
func writeProblem(w http.ResponseWriter, p *problem) {
	write(w, p.Status, "application/problem+json", p.instance(w))
}

func (p *problem) instance(w http.ResponseWriter) view.Problem {
	body := p.Problem
	body.Instance = newInstance()
	if seen := watcherOf(w); seen != nil {
		seen.instance, seen.code = body.Instance, body.Code
	}
	return body
}

// watcherOf is the writer that watched has made, whatever is around it; nil without one.
func watcherOf(w http.ResponseWriter) *statusWriter {
	for {
		switch inner := w.(type) {
		case *statusWriter:
			return inner
		case interface{ Unwrap() http.ResponseWriter }:
			w = inner.Unwrap()
		default:
			return nil
		}
	}
}

// newInstance is a random UUID as RFC 9562 writes it.
func newInstance() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

func writeJSON(w http.ResponseWriter, body any) error {
	write(w, http.StatusOK, "application/json", body)
	return nil
}

func writeCreated(w http.ResponseWriter, body any) error {
	write(w, http.StatusCreated, "application/json", body)
	return nil
}

func write(w http.ResponseWriter, status int, contentType string, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		// Only what Traffic hands over can fail to marshal.
		status, contentType = http.StatusInternalServerError, "application/problem+json"
		data, _ = json.Marshal(refused(status, "internal", "the answer could not be written as JSON").instance(w))
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	// A client that is gone needs no answer.
	_, _ = w.Write(append(data, '\n'))
}
