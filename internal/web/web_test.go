package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func mux(files fstest.MapFS) *http.ServeMux {
	m := http.NewServeMux()
	for pattern, h := range handlers(files) {
		m.Handle(pattern, h)
	}
	return m
}

func ask(m http.Handler, path string, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w.Result()
}

var built = fstest.MapFS{
	"index.html":          {Data: []byte("<!doctype html><title>12345</title>")},
	"icon.svg":            {Data: []byte("<svg/>")},
	"assets/index-abc.js": {Data: []byte("export {}")},
}

func TestPages(t *testing.T) {
	m := mux(built)
	for _, path := range []string{"/", "/floor", "/reports", "/desk", "/account", "/login?error=x"} {
		got := ask(m, path)
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %s %v", path, got.Status, got.Header)
		}
		if csp := got.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		if again := ask(m, path, "If-None-Match", got.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s", path, again.Status)
		}
	}
}

func TestAssetsAreKept(t *testing.T) {
	m := mux(built)
	got := ask(m, "/assets/index-abc.js")
	if got.StatusCode != http.StatusOK || !strings.Contains(got.Header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("%s %v", got.Status, got.Header)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	m := mux(built)
	for _, path := range []string{"/assets/", "/assets/..%2findex.html", "/assets/none.js", "/index.html", "/other", "/assets/index-abc.js/x"} {
		if got := ask(m, path); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, got.Status)
		}
	}
}

func TestNotBuilt(t *testing.T) {
	got := ask(mux(fstest.MapFS{}), "/")
	if got.StatusCode != http.StatusNotFound {
		t.Errorf("%s", got.Status)
	}
}
