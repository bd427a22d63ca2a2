package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/bulletin"
	"hotline/internal/bulletin/bulletintest"
	"hotline/internal/calendar"
	"hotline/internal/httpapi"
	"hotline/internal/report"
	"hotline/internal/traffic"
)

// boardAt is a board as internal/app makes it.
func boardAt(at time.Time, offered int64) (httpapi.Prepared, error) {
	window := bulletin.Window{From: at.Add(-24 * time.Hour), To: at, Offered: offered, Answered: offered}
	b := map[string]any{
		"day": "2026-11-24", "site": traffic.Standard().Compute(traffic.Counters{traffic.CountOffered: offered}), "queues": map[string]any{},
		"last_24_hours": window, "worst_24_hours": nil,
	}
	same := map[string]any{"offered": offered}
	if offered > 0 {
		b["worst_24_hours"] = window
	}
	b["at"] = at
	return httpapi.Prepare(b, same)
}

func (d *desk) Board(context.Context) (httpapi.Prepared, error) {
	if d.figErr != nil {
		return httpapi.Prepared{}, d.figErr
	}
	return boardAt(noon.Add(d.later), 7)
}

func (d *desk) Intervals(_ context.Context, day calendar.Day, queue string) (httpapi.Prepared, error) {
	if queue != "" && queue != "general" {
		return httpapi.Prepared{}, &httpapi.Unanswerable{Why: httpapi.UnknownQueue, Text: "no such queue"}
	}
	c := map[string]any{"day": day, "goes_on": false, "service_level_metric": "service_level_15_of_offered", "intervals": []any{
		map[string]any{"from": noon, "to": noon.Add(15 * time.Minute), "offered": 0, "answered": 0, "abandoned": 0, "connect_rate": nil, "average_wait": nil, "service_level": 93.3},
	}}
	if queue != "" {
		c["queue"] = queue
	}
	return httpapi.Prepare(c, c)
}

func (d *desk) Report(ctx context.Context, of httpapi.Report) ([]byte, error) {
	if d.makes != nil {
		return d.makes(ctx, of)
	}
	if of.Format == "pdf" || of.Format == "xlsx" {
		return []byte("a file"), nil
	}
	period := bulletin.Day(of.First)
	switch of.Kind {
	case "monthly":
		period = bulletin.Month(of.First.Month())
	case "annual":
		year, _, _ := of.First.Date()
		period = bulletin.Year(year)
	}
	made, err := bulletin.Assemble(bulletintest.Input(period, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)))
	if err != nil {
		return nil, &httpapi.Unanswerable{Why: httpapi.NoData, Text: err.Error()}
	}
	var out bytes.Buffer
	err = report.WriteBulletin(&out, of.Format, of.Lang, made)
	return out.Bytes(), err
}

func (d *desk) List(context.Context) (any, error) {
	return map[string]any{"first_day": "2026-01-03", "last_day": "2026-11-24", "months": []string{"2026-11"}, "years": []int{2026}}, d.figErr
}

func (d *desk) Finished(_ context.Context, f httpapi.Finished) (httpapi.FinishedPage, error) {
	d.asked = append(d.asked, f)
	if d.page.Day.IsZero() {
		d.page.Day = calendar.NewDay(2026, time.November, 24)
	}
	return d.page, d.figErr
}

func TestBoardIsTagged(t *testing.T) {
	d := &desk{}
	h := d.handler(nil)
	first := call(h, "GET", "/api/v1/traffic/board", "")
	tag := first.Header().Get("ETag")
	if first.Code != 200 || !strings.HasPrefix(tag, `W/"`) || !strings.Contains(first.Body.String(), `"offered":7`) {
		t.Fatalf("%d %v %s", first.Code, first.Header(), first.Body)
	}
	d.later = time.Second
	if w := call(h, "GET", "/api/v1/traffic/board", ""); w.Header().Get("ETag") != tag || w.Body.String() == first.Body.String() {
		t.Errorf("a second later: %v %s", w.Header(), w.Body)
	}
	if w := call(h, "GET", "/api/v1/traffic/board", "", "If-None-Match", tag); w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("ETag") != tag {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	d.figErr = errors.New("Redis is away")
	wantProblem(t, call(h, "GET", "/api/v1/traffic/board", "", "If-None-Match", tag), 503, "unavailable")
}

func TestReportsAsFiles(t *testing.T) {
	h := (&desk{}).handler(nil)
	for path, c := range map[string]struct{ media, disposition, chinese string }{
		"daily/2026-11-24":                   {"application/json", "", ""},
		"daily/2026-11-24?format=json":       {"application/json", "", ""},
		"monthly/2026-11?lang=en":            {"application/json", "", ""},
		"annual/2026":                        {"application/json", "", ""},
		"monthly/2026-11?format=html":        {"text/html; charset=utf-8", "inline", ""},
		"daily/2026-11-24?format=xlsx":       {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "hotline-daily-2026-11-24.xlsx", "每日情况快报-2026-11-24.xlsx"},
		"monthly/2026-11?format=csv&lang=en": {"text/csv; charset=utf-8", "hotline-monthly-2026-11.csv", "话务月报-2026-11.csv"},
		"annual/2026?format=pdf":             {"application/pdf", "hotline-annual-2026.pdf", "话务年报-2026.pdf"},
	} {
		w := call(h, "GET", "/api/v1/reports/"+path, "")
		given := w.Header().Get("Content-Disposition")
		if w.Code != 200 || w.Header().Get("Content-Type") != c.media || w.Body.Len() == 0 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if c.chinese == "" {
			if given != c.disposition {
				t.Errorf("%s: %s", path, given)
			}
			continue
		}
		plain, extended, _ := strings.Cut(given, "; filename*=UTF-8''")
		chinese, err := url.PathUnescape(extended)
		if plain != `attachment; filename="`+c.disposition+`"` || chinese != c.chinese || err != nil {
			t.Errorf("%s: %s", path, given)
		}
		// As a client reads it that knows the extended form only.
		if kind, parameters, err := mime.ParseMediaType("attachment; filename*=UTF-8''" + extended); kind != "attachment" || parameters["filename"] != c.chinese || err != nil {
			t.Errorf("%s: %s %v %v", path, kind, parameters, err)
		}
	}
	if w := call(h, "HEAD", "/api/v1/reports/daily/2026-11-24?format=xlsx", ""); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

// The page may use its own style and nothing else.
func TestPolicyOfTheReportsPage(t *testing.T) {
	for _, lang := range []string{"zh", "en"} {
		w := call((&desk{}).handler(nil), "GET", "/api/v1/reports/daily/2026-11-24?format=html&lang="+lang, "")
		_, rest, _ := strings.Cut(w.Body.String(), "<style>")
		style, after, _ := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		want := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if got := w.Header().Get("Content-Security-Policy"); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		for _, refused := range []string{"<style", " style=", "<script", "<img", "<link", "<iframe", " onload="} {
			if strings.Contains(after, refused) {
				t.Errorf("the page in %s has %s, which its policy refuses", lang, refused)
			}
		}
	}
}

// Two reports at once and one PDF; others wait for 20 seconds at most.
func TestReportsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, pdfs, mostNow, mostPDFs := 0, 0, 0, 0
		takes, heeds := 12*time.Second, false
		d := &desk{makes: func(ctx context.Context, of httpapi.Report) ([]byte, error) {
			pdf := 0
			if of.Format == "pdf" {
				pdf = 1
			}
			mu.Lock()
			now, pdfs = now+1, pdfs+pdf
			mostNow, mostPDFs = max(mostNow, now), max(mostPDFs, pdfs)
			mu.Unlock()
			defer func() {
				mu.Lock()
				now, pdfs = now-1, pdfs-pdf
				mu.Unlock()
			}()
			if !heeds {
				ctx = context.Background()
			}
			select {
			case <-time.After(takes):
				return []byte("{}"), nil
			case <-ctx.Done():
				return nil, fmt.Errorf("read the figures: %w", ctx.Err())
			}
		}}
		h := httpapi.New(httpapi.Options{Control: d, Reports: d, Token: token})
		all := func(n int, format string) (codes map[string]int) {
			codes = make(map[string]int)
			answers := make(chan *httptest.ResponseRecorder)
			for range n {
				go func() { answers <- call(h, "GET", "/api/v1/reports/daily/2026-11-24?format="+format, "") }()
			}
			for range n {
				w := <-answers
				what := fmt.Sprint(w.Code)
				for _, code := range []string{"busy", "no_answer"} {
					if strings.Contains(w.Body.String(), `"`+code+`"`) {
						what += " " + code + " " + w.Header().Get("Retry-After")
					}
				}
				codes[what]++
			}
			return codes
		}
		began := time.Now()
		// Two are made until 12 s and two until 24 s; the others have waited for 20 s by then.
		if got := all(7, "json"); !reflect.DeepEqual(got, map[string]int{"200": 4, "503 busy 10": 3}) || time.Since(began) != 24*time.Second {
			t.Errorf("seven reports: %v after %s", got, time.Since(began))
		}
		if mostNow != 2 {
			t.Errorf("%d at once", mostNow)
		}
		takes, heeds = time.Minute, true
		began = time.Now()
		if got := all(1, "json"); got["503 no_answer "] != 1 || time.Since(began) != 20*time.Second {
			t.Errorf("a long report: %v after %s", got, time.Since(began))
		}
		takes = 5 * time.Second
		began = time.Now()
		var files map[string]int
		done := make(chan struct{})
		go func() { files = all(3, "pdf"); close(done) }()
		synctest.Wait()
		if got := all(1, "json"); got["200"] != 1 || time.Since(began) != takes {
			t.Errorf("PDFs that wait keep others waiting: %v after %s", got, time.Since(began))
		}
		<-done
		if files["200"] != 3 || mostPDFs != 1 || time.Since(began) != 3*takes {
			t.Errorf("three PDFs: %v, %d at once, after %s", files, mostPDFs, time.Since(began))
		}
	})
}

func TestReportsThatCannotBeMade(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{&httpapi.Unanswerable{Why: httpapi.NoData, Text: "no data for it"}, 404, "no_data"},
		{fmt.Errorf("print: %w", &httpapi.Unanswerable{Why: httpapi.NoBrowser, Text: "run: apt-get install chromium"}), 503, "no_browser"},
		{&httpapi.Unanswerable{Why: httpapi.NotPrinted, Text: "the log says why"}, 503, "not_printed"},
		{errors.New("password of Redis"), 503, "unavailable"},
	} {
		d := &desk{makes: func(context.Context, httpapi.Report) ([]byte, error) { return nil, c.err }}
		if p := wantProblem(t, call(d.handler(nil), "GET", "/api/v1/reports/annual/2026?format=pdf", ""), c.status, c.code); strings.Contains(p.Detail, "password") {
			t.Error(p.Detail)
		}
	}
}

func TestFinishedCallsOfTheDesk(t *testing.T) {
	ended := acd.CallRecord{
		Version: acd.RecordVersion, Call: "c9", Node: "a1", Entry: "12345", Caller: "13812345678", Queue: "general", Arrived: noon, Queued: noon.Add(time.Second),
		Answered: noon.Add(6 * time.Second), Ended: noon.Add(time.Minute), Hold: time.Second, Agent: "1001", Seat: "8001", Rating: 1,
		Result: acd.Answered, Reason: acd.CallerHungUp, Offers: []acd.OfferRecord{{Agent: "1001"}},
	}
	blocked := acd.CallRecord{Call: "c8", Node: "a1", Entry: "12345", Caller: "13912345678", Arrived: noon, Ended: noon, Result: acd.NotOffered, Reason: acd.Blocked}
	page := httpapi.FinishedPage{Day: calendar.NewDay(2026, 11, 24), Next: "1-0", Calls: []httpapi.PlacedCall{{Place: "2-0", Record: ended}, {Place: "1-0", Record: blocked}}}
	const rest = `,"direction":"inbound","queue":"general","arrived":"2026-11-24T12:00:00Z","queued":"2026-11-24T12:00:01Z","answered":"2026-11-24T12:00:06Z","ended":"2026-11-24T12:01:00Z","wait":5.000,"talk":54.000,"hold":1.000,"agent":"1001","seat":"8001","rating":1,"result":"answered","reason":"caller_hung_up","offers":1},`
	const second = `"direction":"inbound","arrived":"2026-11-24T12:00:00Z","ended":"2026-11-24T12:00:00Z","wait":null,"talk":null,"result":"not_offered","reason":"blocked","offers":0}],"next":"1-0"}`
	d := &desk{page: page}
	h := d.handler(nil)
	want := `{"day":"2026-11-24","calls":[{"call":"c9","place":"2-0","node":"a1","entry":"12345","caller":"138******78"` + rest + `{"call":"c8","place":"1-0","node":"a1","entry":"12345","caller":"139******78",` + second
	if w := call(h, "GET", "/api/v1/calls/finished", ""); w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d\ngot  %s\nwant %s", w.Code, w.Body, want)
	}
	if w := call(h, "GET", "/api/v1/calls/finished?day=2026-11-24&queue=general&agent=1001&result=answered&min_wait=1m30s&limit=1000&before=3-0", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if want := []httpapi.Finished{{Limit: 100}, {Day: page.Day, Queue: "general", Agent: "1001", Result: "answered", MinWait: 90 * time.Second, Limit: 1000, Before: "3-0"}}; !reflect.DeepEqual(d.asked, want) {
		t.Errorf("asked for %+v", d.asked)
	}
	d.page = httpapi.FinishedPage{Day: page.Day}
	if w := call(h, "GET", "/api/v1/calls/finished", ""); strings.TrimSpace(w.Body.String()) != `{"day":"2026-11-24","calls":[],"next":null}` {
		t.Errorf("without calls: %s", w.Body)
	}
	for why, c := range map[httpapi.Why]struct {
		status int
		code   string
	}{
		httpapi.Archived: {410, "archived"}, httpapi.UnknownQueue: {404, "unknown_queue"}, httpapi.UnknownAgent: {404, "unknown_agent"}, httpapi.BadResult: {400, "bad_result"},
	} {
		d.figErr = &httpapi.Unanswerable{Why: why, Text: "a sentence"}
		wantProblem(t, call(h, "GET", "/api/v1/calls/finished", ""), c.status, c.code)
	}
}

// Each look at full numbers is audited, and refused to who may not.
func TestFullNumbersOfFinishedCalls(t *testing.T) {
	page := httpapi.FinishedPage{Day: calendar.NewDay(2026, 11, 24), Calls: []httpapi.PlacedCall{{Place: "2-0", Record: acd.CallRecord{
		Call: "c9", Node: "a1", Entry: "12345", Caller: "13812345678", Arrived: noon, Ended: noon, Result: acd.NotOffered, Reason: acd.Blocked}}}}
	for _, c := range []struct {
		role   access.Role
		allow  bool
		path   string
		status int
		result string // in the audit log; empty: no entry
	}{
		{access.Supervisor, true, "?numbers=full", 200, "done"},
		{access.Supervisor, true, "?numbers=masked", 200, ""},
		{access.Supervisor, false, "?numbers=full", 403, "numbers_hidden"},
		{access.Ops, true, "?numbers=full", 403, "not_allowed"},
	} {
		h := newHouse(t, func(o *httpapi.Options) { o.FullNumbers = c.allow })
		h.desk.page = page
		w := h.user("somebody", c.role, "").ask("GET", "/api/v1/calls/finished"+c.path, "")
		if w.Code != c.status || strings.Contains(w.Body.String(), "13812345678") != (c.result == "done") {
			t.Errorf("%s%s: %d %s", c.role, c.path, w.Code, w.Body)
		}
		entries, err := h.guard.Audit(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range entries {
			if e.Action == "GET /api/v1/calls/finished" {
				got = e.Result
			}
			if e.Result == "done" && e.Action == "GET /api/v1/calls/finished" && (e.On != "2026-11-24" || e.What != "full numbers of finished calls") {
				t.Errorf("the entry is %+v", e)
			}
		}
		if got != c.result {
			t.Errorf("%s%s: the log has %q, want %q", c.role, c.path, got, c.result)
		}
	}
}

// What makes no sense is answered by 4xx, and nothing is asked of anybody.
func TestHostileQueries(t *testing.T) {
	long := strings.Repeat("9", 5000)
	days := []string{"", "today", "2026-02-30", "2026-2-1", "0000-00-00", "-2026-01-01", "99999-01-01", "2026-11-24%00", "%ff%fe", "..%2f..%2fetc", "2026-11-24;x", "*", long}
	var paths []string
	for _, day := range days {
		paths = append(paths, "calls/finished?day="+day, "reports/daily/"+day)
		if day != "" { // two slashes are put right by net/http
			paths = append(paths, "traffic/days/"+day+"/intervals")
		}
	}
	for _, month := range []string{"", "2026-13", "2026-1", "2026", "2026-11-24", "26-11", "%00", long} {
		paths = append(paths, "reports/monthly/"+month)
	}
	for _, year := range []string{"", "0", "26", "0000", "-026", "+026", "2026-11", "20266", "２０２６", "1e03", "%00", long} {
		paths = append(paths, "reports/annual/"+url.PathEscape(year))
	}
	for _, format := range []string{"", "table", "docx", "HTML", "json,html", "../x", "%00", long} {
		paths = append(paths, "reports/daily/2026-11-24?format="+format, "reports/annual/2026?format="+format)
	}
	for _, lang := range []string{"", "fr", "ZH", "zh-CN", "%00"} {
		paths = append(paths, "reports/daily/2026-11-24?lang="+lang)
	}
	for _, limit := range []string{"", "0", "-1", "1001", "1e2", "0x10", " 7", "many", long} {
		paths = append(paths, "calls/finished?limit="+url.QueryEscape(limit))
	}
	for _, wait := range []string{"", "-1s", "30", "soon", "9999999h", long, "1s;drop"} {
		paths = append(paths, "calls/finished?min_wait="+url.QueryEscape(wait))
	}
	for _, before := range []string{"-", "+", "(1-0", "1", "1-", "-1-0", "1-0-0", "$", "*", "99999999999999999999-0", "1-99999999999", "1-0\r\nFLUSHALL", long} {
		paths = append(paths, "calls/finished?before="+url.QueryEscape(before))
	}
	for _, query := range []string{"colour=red", "Queue=general", "queue=general&queue=general", "%zz=1", "queue=a;b", "=", "&&=x"} {
		paths = append(paths, "traffic/days/2026-11-24/intervals?"+query, "calls/finished?"+query, "reports/annual/2026?"+query)
	}
	paths = append(paths, "calls/finished?numbers=all", "traffic/days/2026-11-24/intervals?queue="+long, "traffic/days/2026-11-24/intervals?queue=%00", "reports/weekly/2026-11-24", "reports/daily", "reports/")
	d := &desk{makes: func(context.Context, httpapi.Report) ([]byte, error) {
		t.Error("a report is made")
		return nil, nil
	}}
	h := d.handler(nil)
	for _, path := range paths {
		w := call(h, "GET", "/api/v1/"+path, "")
		if w.Code < 400 || w.Code > 499 {
			t.Errorf("%.120s: %d %.200s", path, w.Code, w.Body)
		}
	}
	if len(d.asked) > 0 {
		t.Errorf("asked for %+v", d.asked)
	}
}
