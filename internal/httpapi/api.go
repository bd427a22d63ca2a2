package httpapi

import (
	"context"
	"crypto/sha256"
	"net/http"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// Control is the runner as the API sees it. Both methods return early when
// their context is done.
type Control interface {
	Snapshot(ctx context.Context) (acd.Snapshot, error)
	// Request carries out what a person asks for, such as Login or
	// CancelCallback; the engine's refusal is an *acd.RequestError.
	Request(ctx context.Context, event acd.Event) error
}

// Traffic gives the figures of a day, ready to be written as JSON. A day without
// calls has figures too.
type Traffic interface {
	Today(ctx context.Context) (any, error)
	Day(ctx context.Context, day calendar.Day) (any, error)
}

// Meter counts requests. route is the pattern that matched, never a path.
type Meter interface {
	HTTPRequest(method, route string, status int, took time.Duration)
	HTTPPanic(route string)
}

// Options are what the API is made of. Meter and Log may be nil.
type Options struct {
	Control Control
	Traffic Traffic
	// Reload reads the configuration file again and applies it, or says why not.
	Reload func(ctx context.Context) error
	// Ready lists why the program cannot take calls; none when it can.
	Ready   func() []error
	Metrics http.Handler
	Meter   Meter
	// Token is the bearer token of /api/v1. Without one every request
	// there is refused.
	Token   string
	Log     *zap.Logger
	Version string
}

// answerBound is how long the engine, or Redis behind the figures, may take.
const answerBound = 2 * time.Second

type api struct {
	Options
	token [sha256.Size]byte
}

// New makes the handler of everything that the program serves.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Meter == nil {
		o.Meter = noMeter{}
	}
	a := &api{Options: o, token: sha256.Sum256([]byte(o.Token))}
	mux := http.NewServeMux()
	open := func(pattern string, m methods) { mux.Handle(pattern, m) }
	secured := func(pattern string, m methods) { mux.Handle(pattern, a.authorised(m)) }

	open("/healthz", methods{http.MethodGet: a.health})
	open("/readyz", methods{http.MethodGet: a.ready})
	open("/metrics", methods{http.MethodGet: func(w http.ResponseWriter, r *http.Request) error {
		a.Metrics.ServeHTTP(w, r)
		return nil
	}})
	open("/", nil)

	secured("/api/v1/snapshot", methods{http.MethodGet: a.snapshot})
	secured("/api/v1/queues", methods{http.MethodGet: a.queues})
	secured("/api/v1/queues/{id}", methods{http.MethodGet: a.queue})
	secured("/api/v1/agents", methods{http.MethodGet: a.agents})
	secured("/api/v1/agents/{id}", methods{http.MethodGet: a.agent})
	secured("/api/v1/agents/{id}/login", methods{http.MethodPost: a.login})
	secured("/api/v1/agents/{id}/logout", methods{http.MethodPost: a.logout})
	secured("/api/v1/agents/{id}/ready", methods{http.MethodPost: a.setReady})
	secured("/api/v1/agents/{id}/not-ready", methods{http.MethodPost: a.setNotReady})
	secured("/api/v1/agents/{id}/wrap-up", methods{http.MethodPost: a.extendWrapUp})
	secured("/api/v1/partners", methods{http.MethodGet: a.partners})
	secured("/api/v1/callbacks", methods{http.MethodGet: a.callbacks})
	secured("/api/v1/callbacks/{id}/cancel", methods{http.MethodPost: a.cancelCallback})
	secured("/api/v1/blocked", methods{http.MethodGet: a.blocked, http.MethodPost: a.block})
	secured("/api/v1/blocked/lift", methods{http.MethodPost: a.unblock})
	secured("/api/v1/emergency", methods{http.MethodGet: a.emergency, http.MethodPut: a.setEmergency})
	secured("/api/v1/reload", methods{http.MethodPost: a.reload})
	secured("/api/v1/calls", methods{http.MethodGet: a.calls})
	secured("/api/v1/calls/{id}", methods{http.MethodGet: a.call})
	secured("/api/v1/traffic/today", methods{http.MethodGet: a.today})
	secured("/api/v1/traffic/days/{day}", methods{http.MethodGet: a.day})
	secured("/api/v1/", nil)

	return a.watched(mux)
}

type noMeter struct{}

func (noMeter) HTTPRequest(string, string, int, time.Duration) {}
func (noMeter) HTTPPanic(string)                               {}

// NewServer makes a server that slow or silent clients cannot exhaust.
func NewServer(handler http.Handler, log *zap.Logger) *http.Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
	if log != nil {
		// What net/http has to say concerns clients, not this program. The
		// error is about unknown levels only.
		s.ErrorLog, _ = zap.NewStdLogAt(log.Named("http"), zap.DebugLevel)
	}
	return s
}
