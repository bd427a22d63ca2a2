package httpapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

const (
	maxBody = 64 << 10 // bytes of a request's body
	// answerTime bounds how long the engine and the store may take to answer.
	answerTime = 3 * time.Second
)

// Control is the running controller.
type Control interface {
	// Snapshot is the state of everything. It is not changed here.
	Snapshot(ctx context.Context) (acd.Snapshot, error)
	// Request carries out acd.Login, Logout, SetReady or SetNotReady; a
	// refusal is a *acd.RequestError.
	Request(ctx context.Context, event acd.Event) error
}

// Traffic reads figures.
type Traffic interface {
	// Today is something that marshals to JSON.
	Today(ctx context.Context) (any, error)
}

// Meter receives counts; its methods must not block.
type Meter interface {
	HTTPRequest(method, route string, status int, took time.Duration)
	HTTPPanic(route string)
}

// Options are what the API needs; all fields are required.
type Options struct {
	Control Control
	Traffic Traffic
	Ready   func() []error // why the controller cannot serve callers; empty when it can
	Metrics http.Handler
	Meter   Meter
	Token   string // the bearer token of /api/v1
	Log     *zap.Logger
	Version string
}

// api holds what the handlers share.
type api struct {
	Options
	token [sha256.Size]byte
}

// New makes the handler of all routes. /api/v1 needs the token; health,
// readiness and metrics do not, and hold nothing about persons.
func New(o Options) http.Handler {
	a := &api{Options: o, token: sha256.Sum256([]byte(o.Token))}
	mux := http.NewServeMux()
	open := map[string]http.HandlerFunc{
		"GET /healthz": a.health,
		"GET /readyz":  a.ready,
		"GET /metrics": o.Metrics.ServeHTTP,
	}
	guarded := map[string]http.HandlerFunc{
		"GET /api/v1/snapshot":               a.snapshot,
		"GET /api/v1/queues":                 a.queues,
		"GET /api/v1/queues/{id}":            a.queue,
		"GET /api/v1/agents":                 a.agents,
		"GET /api/v1/agents/{id}":            a.agent,
		"GET /api/v1/calls":                  a.calls,
		"GET /api/v1/calls/{id}":             a.call,
		"GET /api/v1/traffic/today":          a.today,
		"POST /api/v1/agents/{id}/login":     a.login,
		"POST /api/v1/agents/{id}/logout":    a.logout,
		"POST /api/v1/agents/{id}/ready":     a.setReady,
		"POST /api/v1/agents/{id}/not-ready": a.setNotReady,
	}
	for pattern, h := range open {
		mux.HandleFunc(pattern, h)
	}
	for pattern, h := range guarded {
		mux.HandleFunc(pattern, a.authorised(h))
	}
	return a.observed(mux)
}

// NewServer makes a server for the handler, with bounds on slow clients.
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
}

// authorised lets a request through that bears the token.
func (a *api) authorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		// Of hashes, so that not even the length of the token is told.
		sum := sha256.Sum256([]byte(given))
		if !ok || a.Token == "" || subtle.ConstantTimeCompare(sum[:], a.token[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="hotline"`)
			problem(w, http.StatusUnauthorized, "unauthorized", "send the API's token as: Authorization: Bearer <token>")
			return
		}
		next(w, r)
	}
}

// observed logs and counts every request, answers unknown routes and methods
// with a problem, and survives a handler that panics.
func (a *api) observed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), answerTime)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		_, route := mux.Handler(r)
		out := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				a.Meter.HTTPPanic(route)
				a.Log.Error("a request handler panicked; please report it", zap.String("route", route), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
				if !out.wrote {
					problem(out, http.StatusInternalServerError, "internal", "the request failed inside the program; its log has the details")
				}
			}
			a.Meter.HTTPRequest(r.Method, route, out.status, time.Since(began))
			a.Log.Debug("request", zap.String("method", r.Method), zap.String("route", route), zap.Int("status", out.status), zap.Duration("took", time.Since(began)))
		}()
		if route == "" {
			unknown(mux, out, r)
			return
		}
		mux.ServeHTTP(out, r)
	})
}

// unknown answers a route that is not there, or not with this method.
func unknown(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, route := mux.Handler(other); route != "" {
			allow = append(allow, method)
		}
	}
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		problem(w, http.StatusMethodNotAllowed, "method_not_allowed", "this address takes "+strings.Join(allow, " or ")+" only")
		return
	}
	problem(w, http.StatusNotFound, "not_found", "there is nothing at this address")
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
