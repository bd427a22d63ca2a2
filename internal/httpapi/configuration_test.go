package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hotline/internal/access"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/view"
)

const (
	presentVersion = "krxi7mbq2tdw5ozc4vfa"
	oldVersion     = "bq4x3nuh7ovdz2scykpe"
)

// configuration stands in for the controller.
type configuration struct {
	changes []httpapi.ConfigurationChange
	wrong   error // of all
}

func (c *configuration) Present(context.Context) (view.Configuration, error) {
	return view.Configuration{File: "hotline.yaml", Version: presentVersion, Applied: noon, By: "li.si", Text: "site: lyg\n"}, c.wrong
}

func (c *configuration) Validate(_ context.Context, text string) (view.Validation, error) {
	if strings.Contains(text, "bad") {
		return view.Validation{Mistakes: []string{"line 1, column 1: bad is not a known key"}}, c.wrong
	}
	return view.Validation{Valid: true, Changes: []string{"queue general: wrap_up 30s → 45s"}, NeedsRestart: []string{"redis"}}, c.wrong
}

func (c *configuration) Apply(ctx context.Context, change httpapi.ConfigurationChange) (view.Configuration, error) {
	if change.If != presentVersion {
		return view.Configuration{}, httpapi.ErrVersionChanged
	}
	if strings.Contains(change.Text, "bad") {
		return view.Configuration{}, &httpapi.MistakesError{Mistakes: slices.Repeat([]string{"line 1, column 1: bad is not a known key"}, 150)}
	}
	if c.wrong == nil {
		c.changes = append(c.changes, change)
	}
	return c.Present(ctx)
}

func (c *configuration) History(context.Context) (list []view.AppliedConfiguration, err error) {
	for n := 60; n > 0; n-- {
		list = append(list, view.AppliedConfiguration{Number: n, Version: oldVersion, Applied: noon, By: "li.si", Note: "why", Size: 10, LinesAdded: 1, LinesRemoved: 2})
	}
	return list, c.wrong
}

func (c *configuration) Version(_ context.Context, version string) (view.AppliedConfiguration, error) {
	if version != oldVersion && version != presentVersion {
		return view.AppliedConfiguration{}, httpapi.ErrUnknownVersion
	}
	return view.AppliedConfiguration{Number: 1, Version: version, Applied: noon, By: "li.si", Size: 10, LinesAdded: 1, Text: "site: old\n"}, c.wrong
}

func announced(emergency []string) []view.Announcement {
	list := []view.Announcement{{Prompt: "greeting", Words: "您好", UsedBy: []string{"greeting of 12345"}}}
	for _, prompt := range emergency {
		list = append(list, view.Announcement{Prompt: prompt, UsedBy: []string{"emergency"}, Emergency: true})
	}
	return list
}

// change asks with If-Match, unless tag is empty.
func (v visitor) change(method, path, body, tag string) *httptest.ResponseRecorder {
	r := v.request(method, path, body)
	r.Header.Del("If-Match")
	if tag != "" {
		r.Header.Set("If-Match", tag)
	}
	w := httptest.NewRecorder()
	v.api.ServeHTTP(w, r)
	return w
}

func TestConfiguration(t *testing.T) {
	h := newHouse(t)
	ops := h.user("ops", access.Ops, "")
	var present view.Configuration
	w := ops.ask("GET", "/api/v1/configuration", "")
	if into(t, w, 200, &present); present.Text != "site: lyg\n" || w.Header().Get("ETag") != `"`+presentVersion+`"` {
		t.Errorf("%+v %v", present, w.Header())
	}
	var v view.Validation
	into(t, ops.ask("POST", "/api/v1/configuration/validate", `{"text": "site: lyg"}`), 200, &v)
	if !v.Valid || len(v.Changes) != 1 || len(v.NeedsRestart) != 1 {
		t.Errorf("%+v", v)
	}
	into(t, ops.ask("POST", "/api/v1/configuration/validate", `{"text": "bad"}`), 200, &v)
	if v.Valid || len(v.Mistakes) != 1 || len(h.desk.changes) > 0 {
		t.Errorf("%+v", v)
	}
	into(t, ops.change("PUT", "/api/v1/configuration", `{"text": "site: new", "note": "for 13812345678"}`, `"`+presentVersion+`"`), 200, &present)
	into(t, ops.change("POST", "/api/v1/configuration/rollback", `{"version": "`+oldVersion+`", "note": "it was better"}`, `"`+presentVersion+`"`), 200, &present)
	want := []httpapi.ConfigurationChange{
		{If: presentVersion, Text: "site: new", By: "ops", Note: "for 138******78"},
		{If: presentVersion, Text: "site: old\n", By: "ops", Note: "back to " + oldVersion + " it was better"},
	}
	if !reflect.DeepEqual(h.desk.changes, want) {
		t.Errorf("got %+v", h.desk.changes)
	}
	var page struct{ Versions []view.AppliedConfiguration }
	for query, want := range map[string]string{"": "50: 60 to 11", "?before=11": "10: 10 to 1", "?limit=2&before=60": "2: 59 to 58", "?before=1": "0"} {
		into(t, ops.ask("GET", "/api/v1/configuration/history"+query, ""), 200, &page)
		got := fmt.Sprint(len(page.Versions))
		if n := len(page.Versions); n > 0 {
			got += fmt.Sprintf(": %d to %d", page.Versions[0].Number, page.Versions[n-1].Number)
		}
		if got != want {
			t.Errorf("history%s: %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"limit=0", "limit=201", "limit=x", "before=0", "before=-1", "before=x"} {
		wantProblem(t, ops.ask("GET", "/api/v1/configuration/history?"+query, ""), 400, "bad_limit")
	}
	var former view.AppliedConfiguration
	into(t, ops.ask("GET", "/api/v1/configuration/history/"+oldVersion, ""), 200, &former)
	if former.Text != "site: old\n" {
		t.Errorf("%+v", former)
	}
	for _, version := range []string{"krxi7mbq2tdw5ozc4vfb", "x", "%00", strings.Repeat("a", 5000)} {
		wantProblem(t, ops.ask("GET", "/api/v1/configuration/history/"+version, ""), 404, "unknown_version")
	}
	var audited struct{ Entries []view.AuditEntry }
	into(t, ops.ask("GET", "/api/v1/audit", ""), 200, &audited)
	var got []string
	for _, e := range audited.Entries {
		got = append(got, e.Action+"|"+e.On+"|"+e.What+"|"+e.Result)
	}
	wantAudit := []string{
		"POST /api/v1/configuration/rollback|" + presentVersion + "|instead of " + presentVersion + " back to " + oldVersion + " it was better|done",
		"PUT /api/v1/configuration|" + presentVersion + "|instead of " + presentVersion + " for 138******78|done",
		"POST /api/v1/configuration/validate|||done", "POST /api/v1/configuration/validate|||done",
	}
	if !slices.Equal(got, wantAudit) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantAudit, "\n"))
	}
}

func TestConfigurationIsNotChanged(t *testing.T) {
	h := newHouse(t)
	boss := h.user("boss", access.Admin, "")
	const put, back = "/api/v1/configuration", "/api/v1/configuration/rollback"
	former := `{"version": "` + oldVersion + `"}`
	for _, c := range []struct {
		method, path, body, tag string
		status                  int
		code                    string
	}{
		{"PUT", put, `{"text": "site: new"}`, "", 428, "no_version"},
		{"POST", back, former, "", 428, "no_version"},
		{"PUT", put, `{"text": "site: new"}`, `"` + oldVersion + `"`, 412, "version_changed"},
		{"PUT", put, `{"text": "site: new"}`, presentVersion, 412, "version_changed"},
		{"PUT", put, `{"text": "site: new"}`, `W/"` + presentVersion + `"`, 412, "version_changed"},
		{"PUT", put, `{"text": "site: new"}`, "*", 412, "version_changed"},
		{"POST", back, former, `"` + oldVersion + `"`, 412, "version_changed"},
		{"POST", back, `{"version": "krxi7mbq2tdw5ozc4vfb"}`, `"` + presentVersion + `"`, 404, "unknown_version"},
		{"POST", back, `{"version": "HEAD"}`, `"` + presentVersion + `"`, 422, "bad_version"},
		{"PUT", put, `{"note": "x"}`, `"` + presentVersion + `"`, 422, "no_text"},
		{"PUT", put, `{"text": ""}`, `"` + presentVersion + `"`, 422, "no_text"},
		{"PUT", put, `{"text": "x", "note": "a\nb"}`, `"` + presentVersion + `"`, 422, "bad_note"},
		{"PUT", put, `{"text": "x", "note": "` + strings.Repeat("长", 201) + `"}`, `"` + presentVersion + `"`, 422, "bad_note"},
		{"PUT", put, `{"text": ["x"]}`, `"` + presentVersion + `"`, 400, "bad_json"},
		{"PUT", put, `{"text": "` + strings.Repeat("x", 1<<20+1) + `"}`, `"` + presentVersion + `"`, 413, "text_too_large"},
		{"PUT", put, `{"text": "` + strings.Repeat("x", 4<<20) + `"}`, `"` + presentVersion + `"`, 413, "body_too_large"},
		{"POST", put + "/validate", `{"text": "` + strings.Repeat("x", 1<<20+1) + `"}`, "", 413, "text_too_large"},
		{"POST", put + "/validate", `{"text": ""}`, "", 422, "no_text"},
	} {
		wantProblem(t, boss.change(c.method, c.path, c.body, c.tag), c.status, c.code)
	}
	p := wantProblem(t, boss.change("PUT", put, `{"text": "bad"}`, `"`+presentVersion+`"`), 422, "bad_configuration")
	if len(p.Reasons) != 101 || p.Reasons[0] != "line 1, column 1: bad is not a known key" || p.Reasons[100] != "and 50 more" {
		t.Errorf("%d reasons", len(p.Reasons))
	}
	for wrong, c := range map[error]struct {
		status int
		code   string
	}{
		&httpapi.FileError{Text: "it was changed on the machine"}:                     {409, "file_not_written"},
		&access.Refusal{Kind: access.Away, Code: "redis_away", Text: "Redis is away"}: {503, "redis_away"},
		&httpapi.StandbyError{Why: "it has just been started"}:                        {503, "standby"},
		errors.New("something"): {503, "unavailable"},
	} {
		h.desk.wrong = wrong
		wantProblem(t, boss.change("PUT", put, `{"text": "site: new"}`, `"`+presentVersion+`"`), c.status, c.code)
	}
	if len(h.desk.changes) > 0 {
		t.Errorf("something was changed: %+v", h.desk.changes)
	}
}

func TestAnnouncements(t *testing.T) {
	h := newHouse(t)
	var list struct{ Announcements []view.Announcement }
	into(t, h.user("somebody", access.Analyst, "").ask("GET", "/api/v1/announcements", ""), http.StatusOK, &list)
	got, err := json.Marshal(list.Announcements)
	if want := `[{"prompt":"greeting","words":"您好","used_by":["greeting of 12345"],"emergency":false},{"prompt":"flood","used_by":["emergency"],"emergency":true}]`; string(got) != want || err != nil {
		t.Errorf("got %s", got)
	}
}
