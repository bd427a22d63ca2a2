package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"hotline/internal/acd"
)

// problem answers with an RFC 9457 problem. code is stable, for programs;
// detail is one sentence for people.
func problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		problem(w, http.StatusInternalServerError, "internal", "the answer could not be written as JSON")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
}

// refusals are the codes of acd.RequestError that mean "no such thing"; the
// others are conflicts with the present state, or bad values.
var refusals = map[string]int{
	"unknown_agent":     http.StatusNotFound,
	"unknown_seat":      http.StatusUnprocessableEntity,
	"unknown_reason":    http.StatusUnprocessableEntity,
	"seat_taken":        http.StatusConflict,
	"already_logged_in": http.StatusConflict,
	"not_logged_in":     http.StatusConflict,
}

// failed answers a request that the controller did not carry out.
func failed(w http.ResponseWriter, err error) {
	var refused *acd.RequestError
	if errors.As(err, &refused) {
		status, known := refusals[refused.Code]
		if !known {
			status = http.StatusConflict
		}
		problem(w, status, refused.Code, refused.Text)
		return
	}
	problem(w, http.StatusServiceUnavailable, "unavailable", err.Error())
}

// decode reads a JSON body strictly; it reports false after answering.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "media_type", "send the body as Content-Type: application/json")
		return false
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more than one JSON value")
		}
	}
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return true
	case errors.As(err, &large):
		problem(w, http.StatusRequestEntityTooLarge, "too_large", "the body is larger than 64 KiB")
	default:
		problem(w, http.StatusBadRequest, "bad_json", "the body is not the JSON that is expected here: "+err.Error())
	}
	return false
}
