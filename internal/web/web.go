package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

// policy lets a page load and ask only what comes from the same host.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pages are the paths at which people arrive; each is the same document, whose script
// shows the page of its path.
var pages = []string{"/{$}", "/floor", "/reports", "/desk", "/account", "/login"}

// Handlers are what is served at which pattern of http.ServeMux. A program that was built
// without the pages says at each how they are built.
func Handlers() map[string]http.Handler {
	built, err := fs.Sub(dist, "dist/site")
	if err != nil {
		panic(err) // the path is a constant
	}
	return handlers(built)
}

func handlers(built fs.FS) map[string]http.Handler {
	page := document(built)
	all := map[string]http.Handler{
		"/assets/":  assets(built),
		"/icon.svg": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, built, "icon.svg", "max-age=86400") }),
	}
	for _, pattern := range pages {
		all[pattern] = page
	}
	return all
}

// document is asked for anew each time, and answered with 304 while it is the same.
func document(built fs.FS) http.Handler {
	index, err := fs.ReadFile(built, "index.html")
	if err != nil {
		return http.HandlerFunc(notBuilt)
	}
	sum := sha256.Sum256(index)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("ETag", tag)
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(index))
	})
}

func notBuilt(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "The pages are not part of this program: build it with make build, which builds them first. The API is at /api/v1/docs.", http.StatusNotFound)
}

// assets have the hash of their content in their names: whoever has one needs not ask again.
func assets(built fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/assets/")
		if name == "" || strings.Contains(name, "/") { // there are no folders in it
			name = "none"
		}
		serve(w, r, built, "assets/"+name, "public, max-age=31536000, immutable")
	})
}

func serve(w http.ResponseWriter, r *http.Request, built fs.FS, name, keep string) {
	data, err := fs.ReadFile(built, name)
	if err != nil {
		http.Error(w, "There is no such file; load the page again.", http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", keep)
	w.Header().Set("Content-Security-Policy", policy)
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}
