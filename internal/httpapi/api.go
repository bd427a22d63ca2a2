package httpapi

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/alert"
	"hotline/internal/calendar"
	"hotline/internal/httpapi/live"
	"hotline/internal/httpapi/view"
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
	// Board is what a wallboard shows: hundreds may ask for it every other second.
	Board(ctx context.Context) (Prepared, error)
	// Intervals is the course of a day, of a queue or, when it is empty, of the site.
	Intervals(ctx context.Context, day calendar.Day, queue string) (Prepared, error)
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
	Reports Reports
	Records Records
	// Site says what is configured, for pages that offer a choice of it.
	Site func() view.Site
	// Pages are those for people, by the pattern at which each is served; may be nil.
	Pages map[string]http.Handler
	// Reload reads the configuration file again and applies it, or says why not. by is
	// the name of who wants it.
	Reload func(ctx context.Context, by string) error
	// Configuration is the text of the configuration.
	Configuration Configuration
	// Announcements are the prompts of which is known; emergency are those that every
	// caller hears first at this moment.
	Announcements func(emergency []string) []view.Announcement
	// Ready lists why the program cannot take calls; none when it can.
	Ready func() []error
	// Alerts are those of a snapshot that was just taken; nil: there are none.
	Alerts func(acd.Snapshot) []alert.Alert
	// Metrics answers /metrics; nil: nothing does.
	Metrics http.Handler
	Meter   Meter
	// Guard lets people and programs into /api/v1. Without one there are no users,
	// and only Token lets in.
	Guard *access.Guard
	// Issuer lets people log in by OpenID Connect, too, and IssuerTitle is what the page
	// calls it; nil: they have passwords only.
	Issuer      Issuer
	IssuerTitle string
	// Token is the bearer token of /api/v1 when there is no Guard. Without either
	// every request there is refused.
	Token string
	// Events is what GET /api/v1/events is served by; whoever has made it lets it run.
	Events *live.Hub
	// FullNumbers lets those who may see the full numbers of calls and callbacks.
	FullNumbers bool
	Log         *zap.Logger
	Version     string
}

// answerBound is how long the engine, or Redis behind the figures, may take.
const answerBound = 2 * time.Second

type api struct {
	Options
	foreign *http.CrossOriginProtection
	turns   turns
	answers *answers
}

// newAPI fills in what may be left out.
func newAPI(o Options) *api {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Meter == nil {
		o.Meter = noMeter{}
	}
	if o.Guard == nil {
		o.Guard = access.New(access.Options{TokenFile: o.Token})
	}
	return &api{Options: o, foreign: http.NewCrossOriginProtection(), turns: newTurns(), answers: newAnswers()}
}

// probes are what anybody may ask who reaches the address.
func (a *api) probes(mux *http.ServeMux) {
	mux.Handle("/healthz", methods{http.MethodGet: a.health})
	mux.Handle("/readyz", methods{http.MethodGet: a.ready})
	if a.Metrics != nil {
		mux.Handle("/metrics", methods{http.MethodGet: plain(a.Metrics)})
	}
	mux.Handle("/", methods(nil))
}

// New makes the handler of the API; see Operations for what else the program serves.
func New(o Options) http.Handler {
	a := newAPI(o)
	mux := http.NewServeMux()
	a.probes(mux)

	for pattern, of := range a.unsecured() {
		mux.Handle(pattern, of)
	}
	for pattern, of := range a.secured() {
		mux.Handle(pattern, a.authorised(of))
	}
	mux.Handle("/api/v1/", a.authorised(nil))
	for pattern, page := range a.Pages {
		mux.Handle(pattern, methods{http.MethodGet: plain(page)})
	}

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
