package httpapi

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"hotline/internal/acd"
)

func (a *api) login(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Seat acd.SeatID `json:"seat"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Seat == "" {
		return refused(http.StatusUnprocessableEntity, "no_seat", `name the seat, for example {"seat": "8001"}`)
	}
	about(r, "", "seat "+string(body.Seat))
	return a.request(w, r, acd.Login{Agent: agentID(r), Seat: body.Seat})
}

func (a *api) logout(w http.ResponseWriter, r *http.Request) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	return a.request(w, r, acd.Logout{Agent: agentID(r)})
}

func (a *api) setReady(w http.ResponseWriter, r *http.Request) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	return a.request(w, r, acd.SetReady{Agent: agentID(r)})
}

func (a *api) setNotReady(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Reason == "" {
		return refused(http.StatusUnprocessableEntity, "no_reason", `name a configured reason, for example {"reason": "break"}`)
	}
	about(r, "", body.Reason)
	return a.request(w, r, acd.SetNotReady{Agent: agentID(r), Reason: body.Reason})
}

func agentID(r *http.Request) acd.AgentID { return acd.AgentID(r.PathValue("id")) }

// request lets the engine decide, and answers with the agent as it is then.
func (a *api) request(w http.ResponseWriter, r *http.Request, event acd.Event) error {
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	if err := a.Control.Request(ctx, event); err != nil {
		return err
	}
	return a.agent(w, r)
}

// largestBody in bytes; the largest request has some fifty.
const largestBody = 64 << 10

// readBody reads all of a body of at most so many bytes.
func readBody(w http.ResponseWriter, r *http.Request, largest int64) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refused(http.StatusRequestEntityTooLarge, "body_too_large", "the body is larger than "+strconv.FormatInt(largest>>10, 10)+" KiB")
	case err != nil:
		return nil, refused(http.StatusBadRequest, "body_unreadable", "the body did not arrive whole")
	}
	return data, nil
}

// decode reads a strict JSON object into body. No body at all is an empty object.
func decode(w http.ResponseWriter, r *http.Request, body any) error {
	return decodeLarge(w, r, body, largestBody)
}

// decodeLarge is decode with a bound of its own, in bytes.
func decodeLarge(w http.ResponseWriter, r *http.Request, body any, largest int64) error {
	data, err := readBody(w, r, largest)
	if err != nil || len(data) == 0 {
		return err
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return refused(http.StatusUnsupportedMediaType, "not_json", "send JSON with the header Content-Type: application/json")
	}
	return strict(data, body)
}

// strict refuses unknown and repeated fields, fields in other letters, wrong types and
// whatever follows the object.
func strict(data []byte, body any) error {
	err := json.Unmarshal(data, body, json.RejectUnknownMembers(true))
	var misfit *json.SemanticError
	switch {
	case jsontext.Value(data).Kind() == jsontext.KindNull:
		return refused(http.StatusBadRequest, "bad_json", "the body must be a JSON object and is null")
	case errors.As(err, &misfit) && errors.Is(err, json.ErrUnknownName):
		return refused(http.StatusBadRequest, "bad_json", "there is no field "+strconv.Quote(cut(misfit.JSONPointer.LastToken()))+" here")
	case errors.As(err, &misfit) && misfit.JSONPointer != "":
		return refused(http.StatusBadRequest, "bad_json", "the field "+strings.ReplaceAll(string(misfit.JSONPointer[1:]), "/", ".")+" must be "+kindWords(misfit.GoType)+" and is "+jsonWords(misfit.JSONKind))
	case errors.As(err, &misfit):
		return refused(http.StatusBadRequest, "bad_json", "the body must be a JSON object and is "+jsonWords(misfit.JSONKind))
	case err != nil:
		return refused(http.StatusBadRequest, "bad_json", "the body is not the JSON object expected here: "+strings.TrimPrefix(err.Error(), "jsontext: "))
	}
	return nil
}

// jsonWords names what stands in the body.
func jsonWords(k jsontext.Kind) string {
	switch k {
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "a list"
	}
	return "a " + k.String()
}

// kindWords names a type as one who writes JSON knows it.
func kindWords(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nil:
		return "of another type"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Map:
		return "an object"
	case t.Kind() == reflect.Int:
		return "a whole number"
	}
	return "a string"
}
