package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hotline/internal/calendar"
)

// Prepared is an answer that many ask for and that was made once.
type Prepared struct {
	json []byte
	tag  string
}

// Prepare makes an answer. What it is the same as another by may be less than the body,
// which then has a weak tag (RFC 9110, 8.8.1).
func Prepare(body, same any) (Prepared, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return Prepared{}, fmt.Errorf("write the answer as JSON: %w", err)
	}
	by, err := json.Marshal(same)
	if err != nil {
		return Prepared{}, fmt.Errorf("write the answer as JSON: %w", err)
	}
	return Prepared{append(data, '\n'), tagOf(by)}, nil
}

func tagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// write answers 304 to who has the same.
func (p Prepared) write(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("ETag", "W/"+p.tag)
	if has(r.Header.Values("If-None-Match"), p.tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(p.json) // a client that is gone needs no answer
	return nil
}

// prepared answers with figures that are shared by all who ask for them.
func prepared(w http.ResponseWriter, r *http.Request, read func(context.Context) (Prepared, error)) error {
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	p, err := read(ctx)
	if err != nil {
		return err
	}
	return p.write(w, r)
}

func (a *api) board(w http.ResponseWriter, r *http.Request) error {
	return prepared(w, r, a.Traffic.Board)
}

func (a *api) intervals(w http.ResponseWriter, r *http.Request) error {
	day, err := dayOf(r.PathValue("day"))
	if err != nil {
		return err
	}
	q, err := queryOf(r, "queue")
	if err != nil {
		return err
	}
	queue := q.Get("queue")
	return prepared(w, r, func(ctx context.Context) (Prepared, error) { return a.Traffic.Intervals(ctx, day, queue) })
}

// queryOf takes a query as strictly as bodies are taken: with a parameter that is not
// understood, something else than was meant would be answered.
func queryOf(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "bad_query", "what follows the question mark is not written as in name=value&name=value")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, refused(http.StatusBadRequest, "bad_query", fmt.Sprintf("there is no parameter %.40q here; there are %s", name, strings.Join(known, ", ")))
		}
		if len(values) > 1 {
			return nil, refused(http.StatusBadRequest, "bad_query", name+" is given twice")
		}
	}
	return q, nil
}

func dayOf(text string) (calendar.Day, error) {
	day, err := calendar.ParseDay(text)
	if err != nil {
		return day, refused(http.StatusBadRequest, "bad_day", err.Error())
	}
	return day, nil
}

// Why is a reason for which there is no answer.
type Why int

// The reasons.
const (
	UnknownQueue Why = iota + 1
	UnknownAgent
	BadResult  // no call ends with it
	NoData     // of a period
	Archived   // the records of a day are in a file
	NoBrowser  // that prints a PDF
	NotPrinted // by the browser
)

// Unanswerable says in a sentence why there is no answer.
type Unanswerable struct {
	Why  Why
	Text string
}

func (e *Unanswerable) Error() string { return e.Text }

func (e *Unanswerable) problem() *problem {
	switch e.Why {
	case UnknownQueue:
		return refused(http.StatusNotFound, "unknown_queue", e.Text)
	case UnknownAgent:
		return refused(http.StatusNotFound, "unknown_agent", e.Text)
	case BadResult:
		return refused(http.StatusBadRequest, "bad_result", e.Text)
	case NoData:
		return refused(http.StatusNotFound, "no_data", e.Text)
	case Archived:
		return refused(http.StatusGone, "archived", e.Text)
	case NoBrowser:
		return refused(http.StatusServiceUnavailable, "no_browser", e.Text)
	case NotPrinted:
		return refused(http.StatusServiceUnavailable, "not_printed", e.Text)
	}
	panic("a reason that nobody knows")
}
