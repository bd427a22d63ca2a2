package httpapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/calendar"
)

const (
	// reportBound is how long a report may take, with the wait for its turn. It is less
	// than the server's WriteTimeout by what sending takes.
	reportBound = 20 * time.Second
	// Reports take the processor from calls, and a browser takes much memory.
	reportsAtOnce, pdfsAtOnce = 2, 1
	// reportRetry in seconds, for who has waited in vain.
	reportRetry = 10
)

// Reports makes the reports of days, months and years.
type Reports interface {
	// Report is written in a format and language of those of Report.
	Report(ctx context.Context, of Report) ([]byte, error)
	// List says of which periods there are reports.
	List(ctx context.Context) (any, error)
}

// Report is which report is wanted, and how.
type Report struct {
	Kind   string       // daily, monthly or annual
	First  calendar.Day // of the period
	Format string       // json, html, xlsx, csv or pdf
	Lang   string       // zh or en
}

// reportFormats are the media types by format.
var reportFormats = map[string]string{
	"json": "application/json", "html": "text/html; charset=utf-8", "csv": "text/csv; charset=utf-8", "pdf": "application/pdf",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// reportTitles are for the names of files.
var reportTitles = map[string]string{"daily": "每日情况快报", "monthly": "话务月报", "annual": "话务年报"}

// turns bound what is made at one time.
type turns struct{ reports, pdfs chan struct{} }

func newTurns() turns {
	return turns{make(chan struct{}, reportsAtOnce), make(chan struct{}, pdfsAtOnce)}
}

// take waits for a turn. A PDF waits for its own first, so as not to keep others waiting.
func (t turns) take(ctx context.Context, pdf bool) (give func(), err error) {
	of := []chan struct{}{t.reports}
	if pdf {
		of = []chan struct{}{t.pdfs, t.reports}
	}
	var taken []chan struct{}
	give = func() {
		for _, one := range taken {
			<-one
		}
	}
	for _, one := range of {
		select {
		case one <- struct{}{}:
			taken = append(taken, one)
		case <-ctx.Done():
			give()
			return nil, ctx.Err()
		}
	}
	if ctx.Err() != nil { // a turn and the end of the time came together
		give()
		return nil, ctx.Err()
	}
	return give, nil
}

func (a *api) dailyReport(w http.ResponseWriter, r *http.Request) error {
	day, err := dayOf(r.PathValue("day"))
	if err != nil {
		return err
	}
	return a.report(w, r, Report{Kind: "daily", First: day}, day.String())
}

func (a *api) monthlyReport(w http.ResponseWriter, r *http.Request) error {
	month, err := calendar.ParseMonth(r.PathValue("month"))
	if err != nil {
		return refused(http.StatusBadRequest, "bad_month", err.Error())
	}
	return a.report(w, r, Report{Kind: "monthly", First: month.First()}, month.String())
}

func (a *api) annualReport(w http.ResponseWriter, r *http.Request) error {
	text := r.PathValue("year")
	year, err := time.Parse("2006", text)
	if err != nil || year.Year() < 1 {
		return refused(http.StatusBadRequest, "bad_year", "write the year with four digits, for example 2026")
	}
	return a.report(w, r, Report{Kind: "annual", First: calendar.NewDay(year.Year(), time.January, 1)}, text)
}

func (a *api) report(w http.ResponseWriter, r *http.Request, of Report, period string) error {
	q, err := queryOf(r, "format", "lang")
	if err != nil {
		return err
	}
	if of.Format, err = oneOfWords(q, "format", "json", "html", "xlsx", "csv", "pdf"); err != nil {
		return err
	}
	if of.Lang, err = oneOfWords(q, "lang", "zh", "en"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), reportBound)
	defer cancel()
	give, err := a.turns.take(ctx, of.Format == "pdf")
	if errors.Is(err, context.DeadlineExceeded) {
		w.Header().Set("Retry-After", strconv.Itoa(reportRetry))
		return refused(http.StatusServiceUnavailable, "busy", "other reports are being made, and there was no turn for this one in time; try again")
	} else if err != nil {
		return err
	}
	defer give()
	text, err := a.Reports.Report(ctx, of)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", reportFormats[of.Format])
	switch of.Format {
	case "json":
	case "html":
		h.Set("Content-Disposition", "inline")
		h.Set("Content-Security-Policy", pagePolicy(text))
		h.Set("Referrer-Policy", "no-referrer")
	default:
		h.Set("Content-Disposition", attachment("hotline-"+of.Kind+"-"+period+"."+of.Format, reportTitles[of.Kind]+"-"+period+"."+of.Format))
	}
	_, _ = w.Write(text) // a client that is gone needs no answer
	return nil
}

// oneOfWords is a word of the query, by default the first of those that it may be.
func oneOfWords(q url.Values, name string, may ...string) (string, error) {
	given := q.Get(name)
	switch {
	case !q.Has(name):
		return may[0], nil
	case slices.Contains(may, given):
		return given, nil
	case name == "lang":
		return "", refused(http.StatusBadRequest, "bad_lang", "lang is "+strings.Join(may, " or "))
	}
	return "", refused(http.StatusBadRequest, "bad_format", "format is one of "+strings.Join(may, ", "))
}

// attachment names a file, for browsers also in Chinese (RFC 6266, 4.3).
func attachment(plain, chinese string) string {
	return `attachment; filename="` + plain + `"; filename*=UTF-8''` + url.PathEscape(chinese)
}

// pagePolicy lets a page use its own style and nothing else.
func pagePolicy(page []byte) string {
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
	if _, rest, found := bytes.Cut(page, []byte("<style>")); found {
		style, _, _ := bytes.Cut(rest, []byte("</style>"))
		policy += "; style-src " + hashSource(style)
	}
	return policy
}

func (a *api) reports(w http.ResponseWriter, r *http.Request) error {
	return a.figures(w, r, a.Reports.List)
}
