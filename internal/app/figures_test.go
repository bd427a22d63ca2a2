package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/bulletin"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/redisstore"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/traffic"
)

// served is the API over a Redis, at a time that the test sets.
type served struct {
	*testing.T
	cfg    *config.Config
	store  *redisstore.Store
	reader *figureReader
	api    http.Handler
	now    time.Time
}

func serveFigures(t *testing.T, now time.Time) *served {
	t.Helper()
	cfg := testConfig(t, redistest.Start(t).Address)
	cfg.Queues = []acd.Queue{{ID: "general", Title: "综合受理"}, {ID: "policy"}}
	cfg.Agents = []config.Agent{{ID: "1009"}}
	s := &served{T: t, cfg: cfg, store: testStore(t, cfg), now: now}
	reader, err := newFigureReader(s.store, cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	// Tests write between two questions.
	reader.boards.keep, reader.courses.keep = func(struct{}) time.Duration { return 0 }, func(courseOf) time.Duration { return 0 }
	reader.now = func() time.Time { return s.now }
	s.reader = reader
	s.api = httpapi.New(httpapi.Options{Control: quiet{}, Traffic: reader, Reports: reader, Records: reader, Token: "token"})
	return s
}

func (s *served) get(path string, headers ...string) *httptest.ResponseRecorder {
	s.Helper()
	r := httptest.NewRequest("GET", "/api/v1/"+path, nil)
	r.Header.Set("Authorization", "Bearer token")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	return w
}

// read asks for JSON that has to come.
func (s *served) read(path string, into any) {
	s.Helper()
	w := s.get(path)
	if w.Code != 200 {
		s.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		s.Fatalf("%s: %v", path, err)
	}
}

// refused asks for what is refused with a status, a code and words of the detail.
func (s *served) refused(path string, status int, code, words string) {
	s.Helper()
	var p struct{ Code, Detail string }
	w := s.get(path)
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Code != code || !strings.Contains(p.Detail, words) {
		s.Errorf("%s: %d %.300s; want %d %s with %q", path, w.Code, w.Body, status, code, words)
	}
}

func TestBoard(t *testing.T) {
	cfg := testConfig(t, "")
	s := serveFigures(t, tuesday.Start(cfg.Location).Add(2*time.Hour+7*time.Minute))
	fill(t, s.store, dayOfCalls(cfg, monday, 60), nil) // from 0:00 to 0:59, a minute apart: half are answered
	answered := dayOfCalls(cfg, tuesday, 30)           // from 0:00 to 0:29
	for i := range answered {
		answered[i].Result, answered[i].Agent, answered[i].Seat, answered[i].Answered = acd.Answered, "1001", "8001", answered[i].Queued.Add(5*time.Second)
	}
	fill(t, s.store, answered, nil)
	type window struct {
		From, To          time.Time
		Offered, Answered int
		ConnectRate       *float64 `json:"connect_rate"`
		Enough            bool
	}
	var b struct {
		At     time.Time
		Day    string
		Site   struct{ Offered, Answered int }
		Queues map[string]struct{ Offered int }
		Last   window  `json:"last_24_hours"`
		Worst  *window `json:"worst_24_hours"`
	}
	s.read("traffic/board", &b)
	if !b.At.Equal(s.now) || b.Day != "2026-11-24" || b.Site.Offered != 30 || b.Site.Answered != 30 || len(b.Queues) != 1 || b.Queues["general"].Offered != 30 {
		t.Errorf("got %+v", b)
	}
	if to := tuesday.Start(cfg.Location).Add(2 * time.Hour); b.Last.Offered != 30 || b.Last.Answered != 30 || !b.Last.Enough || *b.Last.ConnectRate != 100 || !b.Last.To.Equal(to) || !b.Last.From.Equal(to.Add(-24*time.Hour)) {
		t.Errorf("the last 24 hours are %+v", b.Last)
	}
	// The earliest that ends within the last day has all of Monday's calls.
	if b.Worst == nil || b.Worst.Offered != 60 || b.Worst.Answered != 30 || b.Worst.Enough || *b.Worst.ConnectRate != 50 || !b.Worst.To.Equal(b.Last.From) {
		t.Errorf("the worst 24 hours are %+v", b.Worst)
	}

	// The tag is another when a figure is, and not when only the time is.
	tag := s.get("traffic/board").Header().Get("ETag")
	s.now = s.now.Add(time.Second)
	if w := s.get("traffic/board", "If-None-Match", tag); w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("ETag") != tag || !strings.HasPrefix(tag, `W/"`) {
		t.Errorf("%d %v, tag %s", w.Code, w.Header(), tag)
	}
	fill(t, s.store, dayOfCalls(cfg, tuesday, 31)[30:], nil)
	if w := s.get("traffic/board", "If-None-Match", tag); w.Code != 200 || w.Header().Get("ETag") == tag {
		t.Errorf("after another call: %d %v", w.Code, w.Header())
	}

	s.now = s.now.AddDate(0, 0, 7)
	s.read("traffic/board", &b)
	if w := s.get("traffic/board").Body.String(); b.Worst != nil || b.Last.Offered != 0 || b.Last.ConnectRate != nil || !strings.Contains(w, `"queues":{}`) {
		t.Errorf("a week without calls later: %s", w)
	}
}

// Whatever number asks, the board is read once.
func TestBoardIsReadOnce(t *testing.T) {
	s := serveFigures(t, time.Now())
	reader, err := newFigureReader(s.store, s.cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	first, err := reader.Board(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s.store, dayOfCalls(s.cfg, reader.today(), 3), nil)
	for range 100 {
		if again, err := reader.Board(t.Context()); err != nil || fmt.Sprint(again) != fmt.Sprint(first) {
			t.Fatalf("it was read again, or %v", err)
		}
	}
	for _, day := range []calendar.Day{monday, reader.today()} {
		if keep := reader.courses.keep(courseOf{day: day}); (keep == freshFor) != (day == reader.today()) {
			t.Errorf("the course of %s is kept for %s", day, keep)
		}
	}
}

func TestCourseOfADay(t *testing.T) {
	cfg := testConfig(t, "")
	s := serveFigures(t, monday.Start(cfg.Location).Add(10*time.Hour+7*time.Minute))
	calls := dayOfCalls(cfg, monday, 60) // 15 in each quarter of the first hour, the even ones answered after 5 s
	calls[3].Queue = "business"
	fill(t, s.store, calls, dayOfStints(cfg, monday))
	type interval struct {
		From, To                     time.Time
		Offered, Answered, Abandoned int
		ConnectRate                  *float64 `json:"connect_rate"`
		AverageWait                  *float64 `json:"average_wait"`
		ServiceLevel                 *float64 `json:"service_level"`
	}
	type answer struct {
		Day, Queue string
		GoesOn     bool   `json:"goes_on"`
		Level      string `json:"service_level_metric"`
		Intervals  []interval
	}
	compare := func(when string, goesOn bool, intervals int) {
		t.Helper()
		var site, general, business answer
		s.read("traffic/days/2026-11-23/intervals", &site)
		s.read("traffic/days/2026-11-23/intervals?queue=general", &general)
		s.read("traffic/days/2026-11-23/intervals?queue=business", &business)
		for _, a := range []answer{site, general, business} {
			if a.Day != "2026-11-23" || a.GoesOn != goesOn || len(a.Intervals) != intervals || a.Level != "service_level_15_of_offered" {
				t.Fatalf("%s: %s goes on %v, level %s, %d intervals", when, a.Day, a.GoesOn, a.Level, len(a.Intervals))
			}
			for i, one := range a.Intervals {
				if start := monday.Start(cfg.Location).Add(time.Duration(i) * 15 * time.Minute); !one.From.Equal(start) || !one.To.Equal(start.Add(15*time.Minute)) {
					t.Errorf("%s: interval %d is from %s to %s", when, i, one.From, one.To)
				}
			}
		}
		first, empty := site.Intervals[0], site.Intervals[39]
		if first.Offered != 15 || first.Answered != 8 || first.Abandoned != 7 || *first.ConnectRate != 53.33 || *first.AverageWait != 5 || *first.ServiceLevel != 53.33 {
			t.Errorf("%s: the first interval is %+v", when, first)
		}
		if empty.Offered != 0 || empty.ConnectRate != nil || empty.AverageWait != nil || empty.ServiceLevel != nil {
			t.Errorf("%s: the interval without calls is %+v", when, empty)
		}
		if general.Intervals[0].Offered != 14 || business.Intervals[0].Offered != 1 || general.Queue != "general" || site.Queue != "" {
			t.Errorf("%s: general has %+v, business %+v", when, general.Intervals[0], business.Intervals[0])
		}
	}
	compare("at 10:07", true, 41)
	s.now = monday.End(cfg.Location).Add(2 * time.Hour)
	compare("when it is over", false, 96)
	closeDay(t, cfg, s.store, monday)
	compare("when it is closed", false, 96)

	var policy, later answer
	s.read("traffic/days/2026-11-23/intervals?queue=policy", &policy) // configured, and without calls
	s.read("traffic/days/2026-11-25/intervals", &later)
	if len(policy.Intervals) != 96 || later.Intervals == nil || len(later.Intervals) != 0 || !later.GoesOn {
		t.Errorf("policy: %d intervals, of a day to come: %+v", len(policy.Intervals), later)
	}
	s.refused("traffic/days/2026-11-23/intervals?queue=sales", 404, "unknown_queue", `no queue "sales" is in the configuration or in the figures of 2026-11-23`)
	s.refused("traffic/days/2026-11-24/intervals?queue=business", 404, "unknown_queue", "2026-11-24")
	if tag := s.get("traffic/days/2026-11-23/intervals").Header().Get("ETag"); s.get("traffic/days/2026-11-23/intervals", "If-None-Match", tag).Code != 304 {
		t.Errorf("tag %s", tag)
	}
}

// The API's reports are those of the command.
func TestReportsOverTheAPI(t *testing.T) {
	cfg := testConfig(t, "")
	s := serveFigures(t, monday.End(cfg.Location).Add(2*time.Hour))
	fill(t, s.store, dayOfCalls(cfg, monday, 100), dayOfStints(cfg, monday))
	closeDay(t, cfg, s.store, monday)
	s.cfg.Reports.Office = "示例市12345"
	for path, period := range map[string]bulletin.Period{
		"daily/2026-11-23": bulletin.Day(monday), "monthly/2026-11": bulletin.Month(monday.Month()), "annual/2026": bulletin.Year(2026),
	} {
		for _, c := range []struct{ query, format, lang string }{{"", "json", "zh"}, {"?format=html", "html", "zh"}, {"?format=csv&lang=en", "csv", "en"}} {
			report, err := Bulletin(t.Context(), s.cfg, period, s.cfg.Reports.Office, s.now)
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			if err := WriteBulletin(t.Context(), &want, c.format, c.lang, "", report); err != nil {
				t.Fatal(err)
			}
			if w := s.get("reports/" + path + c.query); w.Code != 200 || w.Body.String() != want.String() || c.format != "csv" && !strings.Contains(w.Body.String(), "示例市12345") {
				t.Errorf("%s%s: %d %.200s", path, c.query, w.Code, w.Body)
			}
		}
		if w := s.get("reports/" + path + "?format=xlsx"); w.Code != 200 || !bytes.HasPrefix(w.Body.Bytes(), []byte("PK")) {
			t.Errorf("%s as xlsx: %d", path, w.Code)
		}
	}
	s.refused("reports/daily/2026-11-22", 404, "no_data", "no data for 2026-11-22: no traffic was counted; choose a period")
	s.refused("reports/monthly/2031-01", 404, "no_data", "2031-01")
	s.refused("reports/annual/0001", 404, "no_data", "0001")
	s.refused("reports/annual/9999", 404, "no_data", "9999")

	// Definitions and browser by the configuration that was applied last.
	reloaded := *s.cfg
	reloaded.Traffic = traffic.Options{Thresholds: []int{60}}
	reloaded.Reports.Chromium = filepath.Join(t.TempDir(), "chromium")
	if err := s.reader.goBy(&reloaded); err != nil {
		t.Fatal(err)
	}
	if w := s.get("reports/daily/2026-11-23"); !strings.Contains(w.Body.String(), "service_level_60_of_offered") {
		t.Errorf("%d, without the new threshold", w.Code)
	}
	s.refused("reports/daily/2026-11-23?format=pdf", 503, "no_browser", "reports.chromium: there is no program")
	for script, want := range map[string]string{
		"#!/bin/sh\nfor a; do case \"$a\" in --print-to-pdf=*) echo %PDF-1.7 > \"${a#*=}\";; esac; done\n": "",
		"#!/bin/sh\nexit 3\n": "not_printed",
	} {
		if err := os.WriteFile(reloaded.Reports.Chromium, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		if want != "" {
			s.refused("reports/daily/2026-11-23?format=pdf", 503, want, "hotline report --format pdf")
		} else if w := s.get("reports/daily/2026-11-23?format=pdf"); w.Code != 200 || w.Body.String() != "%PDF-1.7\n" {
			t.Errorf("as pdf: %d %s", w.Code, w.Body)
		}
	}
}

func TestListOfReports(t *testing.T) {
	cfg := testConfig(t, "")
	s := serveFigures(t, monday.Start(cfg.Location))
	if got := strings.TrimSpace(s.get("reports").Body.String()); got != `{"first_day":null,"last_day":null,"months":[],"years":[]}` {
		t.Error(got)
	}
	early := calendar.NewDay(2025, time.December, 30)
	fill(t, s.store, dayOfCalls(cfg, early, 5), nil)
	fill(t, s.store, dayOfCalls(cfg, monday, 5), nil)
	closeDay(t, cfg, s.store, early)
	published := map[string]traffic.Counters{"2022": {traffic.CountOffered: 1}, "2023-05": {traffic.CountOffered: 1}, "2023-06": {traffic.CountOffered: 1}}
	if err := s.store.ImportYears(t.Context(), published, "earlier.csv", false, s.now); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(s.get("reports").Body.String()); got != `{"first_day":"2025-12-30","last_day":"2026-11-23","months":["2026-11","2025-12","2023-06","2023-05"],"years":[2026,2025,2023,2022]}` {
		t.Error(got)
	}
}

// finishedPage is a page of finished calls as clients read it.
type finishedPage struct {
	Day   string
	Calls []struct {
		Call, Place, Caller, Queue, Result, Agent, Direction string
		Arrived                                              string
		Wait, Talk                                           *float64
	}
	Next *string
}

func (p finishedPage) ids() (list []string) {
	for _, c := range p.Calls {
		list = append(list, strings.TrimPrefix(c.Call, "a1-2026-11-23."))
	}
	return list
}

func TestFinishedCalls(t *testing.T) {
	cfg := testConfig(t, "")
	s := serveFigures(t, monday.End(cfg.Location).Add(-time.Hour))
	calls := dayOfCalls(cfg, monday, 1250)
	calls[3].Queue = "business"
	calls[4].Visits = []acd.Visit{{Queue: "business", Entered: calls[4].Queued, Left: calls[4].Queued}}
	calls[5].Ended = calls[5].Queued.Add(5 * time.Minute)
	fill(t, s.store, calls, nil)
	var p finishedPage
	s.read("calls/finished", &p) // of today
	if p.Day != "2026-11-23" || len(p.Calls) != 100 || p.Calls[0].Call != "a1-2026-11-23.1249" || p.Calls[99].Call != "a1-2026-11-23.1150" || p.Next == nil {
		t.Fatalf("the first page has %d calls of %s", len(p.Calls), p.Day)
	}
	if c := p.Calls[1]; c.Caller != "138******78" || c.Direction != "inbound" || c.Queue != "general" || *c.Wait != 5 || *c.Talk != 55 || !strings.HasSuffix(c.Arrived, "+08:00") ||
		c.Agent != "1001" || p.Calls[0].Talk != nil {
		t.Errorf("got %+v", c)
	}

	// Pages of any size are together all calls, whatever the filter.
	for _, c := range []struct {
		query string
		want  int
	}{
		{"limit=1000", 1250}, {"limit=499", 1250}, {"limit=500", 1250}, {"limit=250", 1250}, {"queue=business&limit=1", 2}, {"agent=1001&limit=7", 625}, {"agent=1009", 0},
		{"result=abandoned", 625}, {"min_wait=2m", 1}, {"min_wait=0s&queue=policy", 0},
	} {
		var all []string
		for before, pages := "", 0; ; pages++ {
			var p finishedPage
			s.read("calls/finished?day=2026-11-23&"+c.query+before, &p)
			all = append(all, p.ids()...)
			if p.Calls == nil || pages > 1000 {
				t.Fatalf("%s: page %d is %+v", c.query, pages, p)
			}
			if p.Next == nil {
				break
			}
			before = "&before=" + *p.Next
		}
		unique := slices.Compact(slices.Sorted(slices.Values(all)))
		if len(all) != c.want || len(unique) != c.want {
			t.Errorf("%s: %d calls, %d different, want %d", c.query, len(all), len(unique), c.want)
		}
	}
	s.refused("calls/finished?queue=sales", 404, "unknown_queue", `no queue "sales"`)
	s.refused("calls/finished?agent=19999", 404, "unknown_agent", `no agent "19999"`)
	s.refused("calls/finished?day=2026-11-22&queue=business", 404, "unknown_queue", "2026-11-22")
	s.refused("calls/finished?result=lost", 400, "bad_result", "write one of [answered")
	s.refused("calls/finished?numbers=full", 403, "not_allowed", "numbers.see")
	s.read("calls/finished?day=2026-11-22", &p)
	if len(p.Calls) != 0 || p.Next != nil {
		t.Errorf("of a day without calls: %+v", p)
	}

	closeDay(t, cfg, s.store, monday)
	if told, err := archiveAll(t, s.cfg, ArchiveOptions{Before: tuesday, Folder: t.TempDir(), Remove: true}); err != nil {
		t.Fatal(told, err)
	}
	s.refused("calls/finished?day=2026-11-23", 410, "archived", "the records are archived in lyg-2026-11-23.ndjson.gz; to see them, put them back with hotline calls restore")
}

// A filter that takes nothing looks at a part of a day only, and says where to go on.
func TestFinishedCallsAreBounded(t *testing.T) {
	cfg := testConfig(t, "")
	s := serveFigures(t, monday.End(cfg.Location).Add(-time.Hour))
	fill(t, s.store, dayOfCalls(cfg, monday, examinedAtMost+700), nil)
	var p finishedPage
	s.read("calls/finished?queue=policy", &p)
	if len(p.Calls) != 0 || p.Next == nil {
		t.Fatalf("got %+v", p)
	}
	s.read("calls/finished?limit=1&before="+*p.Next, &p)
	if len(p.Calls) != 1 || p.Calls[0].Call != "a1-2026-11-23.699" {
		t.Errorf("it goes on at %+v", p.Calls)
	}
	s.read("calls/finished?queue=policy&before="+p.Calls[0].Place, &p)
	if len(p.Calls) != 0 || p.Next != nil {
		t.Errorf("at the end: %+v", p)
	}
}
