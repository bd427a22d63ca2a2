package httpapi

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/httpapi/view"
)

// Records gives the calls that have ended.
type Records interface {
	Finished(ctx context.Context, f Finished) (FinishedPage, error)
}

// Finished chooses calls; what is empty does not matter.
type Finished struct {
	Day     calendar.Day // zero: today
	Queue   acd.QueueID  // the last that the call was in, or one before
	Agent   acd.AgentID  // who answered
	Result  acd.Result
	MinWait time.Duration
	Limit   int
	Before  string // place of a call; empty: from the newest on
}

// FinishedPage are calls of a day, the newest first.
type FinishedPage struct {
	Day   calendar.Day
	Calls []PlacedCall
	Next  string // for Finished.Before; empty when there are no more
}

// PlacedCall is a record with its place among those of its day, its times in the site's
// time zone.
type PlacedCall struct {
	Place  string
	Record acd.CallRecord
}

const (
	pageOfCalls = 100
	longestPage = 1000
)

// recordPlace is an id of a Redis stream.
var recordPlace = regexp.MustCompile(`^[0-9]{1,15}-[0-9]{1,10}$`)

// limitOf is how many a page may have.
func limitOf(r *http.Request, usual int) (int, error) {
	if !r.URL.Query().Has("limit") {
		return usual, nil
	}
	n, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || n < 1 || n > longestPage {
		return 0, refused(http.StatusBadRequest, "bad_limit", "limit is a whole number from 1 to 1000")
	}
	return n, nil
}

func (a *api) finished(w http.ResponseWriter, r *http.Request) error {
	f, err := finishedOf(r)
	if err != nil {
		return err
	}
	full, err := a.fullNumbers(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	page, err := a.Records.Finished(ctx, f)
	if err != nil {
		return err
	}
	body := view.FinishedCalls{Day: page.Day.String(), Calls: make([]view.FinishedCall, 0, len(page.Calls))}
	if page.Next != "" {
		body.Next = &page.Next
	}
	for _, c := range page.Calls {
		body.Calls = append(body.Calls, view.OfRecord(c.Record, c.Place, full))
	}
	if full {
		about(r, body.Day, "full numbers of finished calls")
		_ = a.noted(r, nil)
	}
	return writeJSON(w, body)
}

func finishedOf(r *http.Request) (f Finished, err error) {
	q, err := queryOf(r, "day", "queue", "agent", "result", "min_wait", "limit", "before", "numbers")
	if err != nil {
		return f, err
	}
	f = Finished{Queue: acd.QueueID(q.Get("queue")), Agent: acd.AgentID(q.Get("agent")), Result: acd.Result(q.Get("result")), Before: q.Get("before")}
	if q.Has("day") {
		if f.Day, err = dayOf(q.Get("day")); err != nil {
			return f, err
		}
	}
	if q.Has("min_wait") {
		f.MinWait, err = time.ParseDuration(q.Get("min_wait"))
		if err != nil || f.MinWait < 0 {
			return f, refused(http.StatusBadRequest, "bad_wait", "min_wait is how long a call has waited at least, for example 30s")
		}
	}
	if f.Before != "" && !recordPlace.MatchString(f.Before) {
		return f, refused(http.StatusUnprocessableEntity, "bad_place", "before is the next of a page before")
	}
	f.Limit, err = limitOf(r, pageOfCalls)
	return f, err
}

// fullNumbers reports whether full numbers are asked for, by ?numbers=full. It refuses
// those who may not see them, which is audited.
func (a *api) fullNumbers(r *http.Request) (bool, error) {
	switch r.URL.Query().Get("numbers") {
	case "", "masked":
		return false, nil
	case "full":
	default:
		return false, refused(http.StatusBadRequest, "bad_numbers", "numbers is masked or full")
	}
	switch {
	case !principalOf(r).May(access.SeeNumbers):
		return false, a.noted(r, notAllowed(access.SeeNumbers))
	case !a.FullNumbers:
		return false, a.noted(r, refused(http.StatusForbidden, "numbers_hidden", "full numbers are not shown here; the configuration has to allow it by http.full_numbers"))
	}
	return true, nil
}
