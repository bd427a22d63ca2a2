package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotline/internal/httpapi"
)

// Metrics are where they are asked to be, profiles are for operations only, and the API is
// not there.
func TestOperationsApartFromTheAPI(t *testing.T) {
	d := &desk{}
	o := httpapi.Options{
		Control: d, Token: token, Version: "1.2.3", Ready: func() []error { return nil },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "some_metric 1\n") }),
	}
	operations, together := httpapi.Operations(o), httpapi.New(o)
	o.Metrics = nil
	alone := httpapi.New(o)
	for path, want := range map[string]struct{ operations, together, alone int }{
		"/healthz":               {200, 200, 200},
		"/readyz":                {200, 200, 200},
		"/metrics":               {200, 200, 404},
		"/debug/pprof/":          {200, 404, 404},
		"/debug/pprof/goroutine": {200, 404, 404},
		"/debug/pprof/cmdline":   {200, 404, 404},
		"/debug/pprof/symbol":    {200, 404, 404},
		"/debug/nothing":         {404, 404, 404},
		"/api/v1/queues":         {404, 200, 200},
		"/api/v1/agents/1001":    {404, 200, 200},
	} {
		for name, c := range map[string]struct {
			handler http.Handler
			want    int
		}{"operations": {operations, want.operations}, "the API with metrics": {together, want.together}, "the API": {alone, want.alone}} {
			if w := call(c.handler, "GET", path, ""); w.Code != c.want {
				t.Errorf("%s at %s: %d %s, want %d", path, name, w.Code, w.Body, c.want)
			}
		}
	}
	wantProblem(t, call(operations, "DELETE", "/debug/pprof/heap", ""), 405, "method_not_allowed")
	if w := call(operations, "GET", "/debug/pprof/heap", ""); !strings.Contains(w.Header().Get("Content-Type"), "octet-stream") || w.Body.Len() == 0 {
		t.Errorf("%v", w.Header())
	}
	if s := httpapi.NewOperationsServer(operations, nil); s.WriteTimeout < 2*time.Minute || s.ReadHeaderTimeout <= 0 {
		t.Errorf("%+v", s)
	}
}
