package httpapi

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// handler answers a request. An error that it returns is written as a problem;
// it has then written nothing itself.
type handler func(http.ResponseWriter, *http.Request) error

// methods are the handlers of one path by method; none at all for a path that
// does not exist.
type methods map[string]handler

// ServeHTTP answers HEAD like GET; net/http leaves the body out.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	h, allowed := m[method]
	switch {
	case len(m) == 0:
		writeProblem(w, refused(http.StatusNotFound, "unknown_path", "there is nothing at this path"))
	case !allowed:
		w.Header().Set("Allow", strings.Join(m.allowed(), ", "))
		writeProblem(w, refused(http.StatusMethodNotAllowed, "method_not_allowed", "this path takes "+strings.Join(m.allowed(), ", ")+" only"))
	default:
		if err := h(w, r); err != nil {
			writeProblem(w, problemOf(err))
		}
	}
}

func (m methods) allowed() []string {
	var names []string
	for name := range m {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return names
}

// watched counts and logs every request, and survives a handler's panic. What
// is logged is the pattern and not the path, which may hold anything.
func (a *api) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &statusWriter{ResponseWriter: w}
		seen.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			if cause := recover(); cause != nil {
				if cause == http.ErrAbortHandler {
					panic(cause)
				}
				a.Meter.HTTPPanic(route(r))
				a.Log.Error("A request hit a defect of the program", zap.String("route", route(r)), zap.Any("cause", cause), zap.Stack("stack"))
				if seen.status == 0 {
					writeProblem(seen, refused(http.StatusInternalServerError, "internal", "the program has a defect; its log says where"))
				}
			}
			took := time.Since(began)
			if !seen.began.IsZero() {
				took = seen.began.Sub(began)
			}
			a.account(r, seen, took)
		}()
		next.ServeHTTP(seen, r)
	})
}

func (a *api) account(r *http.Request, w *statusWriter, took time.Duration) {
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	a.Meter.HTTPRequest(methodLabel(r.Method), route(r), status, took)
	// Reads that went well come every few seconds from every display.
	level := zap.InfoLevel
	switch {
	case status >= http.StatusInternalServerError:
		level = zap.WarnLevel
	case status < http.StatusBadRequest && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		level = zap.DebugLevel
	}
	fields := []zap.Field{zap.String("method", methodLabel(r.Method)), zap.String("route", route(r)), zap.Int("status", status),
		zap.Int64("bytes", w.bytes), zap.Duration("took", took), zap.String("client", clientOf(r))}
	if w.instance != "" {
		fields = append(fields, zap.String("code", w.code), zap.String("instance", w.instance))
	}
	a.Log.Log(level, "Request", fields...)
}

// clientOf is the address from which a request comes. It is that of the connection: what
// a client writes into a header says nothing.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func route(r *http.Request) string {
	if r.Pattern == "" {
		return "none"
	}
	return r.Pattern
}

// methodLabel bounds what a client may write into labels and logs.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
	// Of the problem that was answered, if any.
	instance, code string
	began          time.Time // of a stream, which lasts as long as somebody follows; else zero
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController and MaxBytesReader reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
