package httpapi

import (
	"net/http"
	"net/http/pprof"
	"time"

	"go.uber.org/zap"
)

// longestProfile bounds what may be asked of /debug/pprof/profile and trace.
const longestProfile = 2 * time.Minute

// Operations makes the handler for those who run the program: health, readiness, metrics
// and the profiles of Go. Nobody is asked who it is: the address must be reached by them only.
func Operations(o Options) http.Handler {
	a := newAPI(o)
	mux := http.NewServeMux()
	a.probes(mux)
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/cmdline": pprof.Cmdline, "/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
	} {
		mux.Handle(path, methods{http.MethodGet: plain(h), http.MethodPost: plain(h)})
	}
	return a.watched(mux)
}

// plain is a handler that answers errors by itself.
func plain(h http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// NewOperationsServer is NewServer with time for profiles.
func NewOperationsServer(handler http.Handler, log *zap.Logger) *http.Server {
	s := NewServer(handler, log)
	s.WriteTimeout = longestProfile + 30*time.Second
	return s
}
