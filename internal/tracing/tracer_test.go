package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/protobuf/proto"

	"hotline/internal/acd"
)

// counts fits Meter.
type counts struct {
	mu  sync.Mutex
	got map[string]int
}

func (c *counts) Traces(outcome string, calls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.got == nil {
		c.got = make(map[string]int)
	}
	c.got[outcome] += calls
}

func (c *counts) all() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.got)
}

// receiver is a collector: it reads what OTLP over HTTP brings.
type receiver struct {
	answer func(w http.ResponseWriter, r *http.Request) // nil: it takes everything

	mu       sync.Mutex
	requests []*http.Request
	bodies   [][]byte
	spans    []*otlp.ResourceSpans
}

func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.answer != nil {
		c.answer(w, r)
		return
	}
	body, err := readAll(r)
	var batch collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &batch)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.requests, c.bodies, c.spans = append(c.requests, r), append(c.bodies, body), append(c.spans, batch.ResourceSpans...)
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func readAll(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return nil, errors.New("what came is not compressed")
	}
	unzip, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unzip)
}

// traces counts the spans by trace.
func (c *receiver) traces() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := make(map[string]int)
	for _, of := range c.spans {
		for _, scope := range of.ScopeSpans {
			for _, s := range scope.Spans {
				found[fmt.Sprintf("%x", s.TraceId)]++
			}
		}
	}
	return found
}

// many are so many answered calls, each another one.
func many(from, n int) (calls []acd.CallRecord) {
	r := record("answered")
	for i := range n {
		r.Call = acd.CallID(fmt.Sprintf("a1-%d", from+i))
		calls = append(calls, r)
	}
	return calls
}

// TestOverTheWire has a real server read what arrives over TLS, while the environment
// wants something else.
func TestOverTheWire(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/x", "OTEL_EXPORTER_OTLP_HEADERS": "x-other=1",
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_COMPRESSION": "none", "OTEL_EXPORTER_OTLP_TIMEOUT": "1", "OTEL_TRACES_SAMPLER": "always_off",
		"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "2", "OTEL_SPAN_EVENT_COUNT_LIMIT": "0", "OTEL_SDK_DISABLED": "true", "OTEL_SERVICE_NAME": "other",
		"HTTPS_PROXY": "http://127.0.0.1:1",
	} {
		t.Setenv(name, value)
	}
	c := &receiver{}
	server := httptest.NewTLSServer(c)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	var meter counts
	tracer, err := New(Options{
		Endpoint: server.URL + "/otlp", Headers: map[string]string{"authorization": "Bearer abc"}, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, Sample: 1,
		Site: "test", Version: "v1.2.3", Instance: "host-1-abc", Meter: &meter, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]int)
	var calls []acd.CallRecord
	for name := range records {
		r := record(name)
		r.Call = acd.CallID(name) // each another one
		calls = append(calls, r)
		want[TraceID(r.Call).String()] = len(spansOf(r))
	}
	tracer.Trace(calls)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what waits is sent still
	if err := tracer.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := c.traces(); !maps.Equal(got, want) {
		t.Errorf("got the traces %v, want %v", got, want)
	}
	if got := meter.all(); !maps.Equal(got, map[string]int{Sent: len(records)}) {
		t.Errorf("counted: %v, want %d sent", got, len(records))
	}
	if r := c.requests[0]; r.URL.Path != "/otlp/v1/traces" || r.Header.Get("Authorization") != "Bearer abc" || r.Header.Get("X-Other") != "" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("the request: %s %v", r.URL, r.Header)
	}
	resource := make(map[string]string)
	for _, a := range c.spans[0].Resource.Attributes {
		resource[a.Key] = a.Value.GetStringValue()
	}
	if want := map[string]string{"service.name": "hotline", "service.version": "v1.2.3", "service.instance.id": "host-1-abc", "hotline.site": "test"}; !maps.Equal(resource, want) {
		t.Errorf("the resource has %v, want %v", resource, want)
	}
	for _, body := range c.bodies {
		for _, number := range []string{caller, caller[3:], "05188888888", "88888888"} {
			if bytes.Contains(body, []byte(number)) {
				t.Errorf("the number %s is in what was sent", number)
			}
		}
	}
	sent := spanOf(t, c, "answered", "queue general")
	if from, to := time.Unix(0, int64(sent.StartTimeUnixNano)), time.Unix(0, int64(sent.EndTimeUnixNano)); !from.Equal(s(4)) || !to.Equal(s(12.5)) {
		t.Errorf("the caller waited from %v to %v", from, to)
	}
	root, offered := spanOf(t, c, "answered", "call"), spanOf(t, c, "answered", "offer")
	if root.Kind != otlp.Span_SPAN_KIND_SERVER || !bytes.Equal(sent.ParentSpanId, root.SpanId) || !bytes.Equal(offered.ParentSpanId, sent.SpanId) || len(offered.Events) != 1 {
		t.Errorf("the root %v,\nthe queue %v,\nthe offer %v", root, sent, offered)
	}
}

// spanOf is a span that has arrived, by its call and name.
func spanOf(t *testing.T, c *receiver, call acd.CallID, name string) *otlp.Span {
	t.Helper()
	id := TraceID(call)
	for _, of := range c.spans {
		for _, s := range of.ScopeSpans[0].Spans {
			if s.Name == name && bytes.Equal(s.TraceId, id[:]) {
				return s
			}
		}
	}
	t.Fatalf("there is no span %s of the call %s", name, call)
	return nil
}

// pipes is a listener in memory, for virtual time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// lab is a tracer that runs in virtual time, and its collector.
type lab struct {
	*Tracer
	meter *counts
	logs  *observer.ObservedLogs
	wire  *http.Transport
	end   func() // ends the tracer and waits for it
}

func inBubble(t *testing.T, c *receiver, body func(t *testing.T, l *lab)) {
	synctest.Test(t, func(t *testing.T) {
		listener := pipes{make(chan net.Conn), make(chan struct{})}
		var open atomic.Int64 // connections
		server := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute, ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Add(-1)
			}
		}}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		wire := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			listener.conns <- far
			return near, nil
		}}
		core, logs := observer.New(zapcore.InfoLevel)
		l := &lab{meter: &counts{}, logs: logs, wire: wire}
		tracer, err := newTracer(Options{Endpoint: "http://collector:4318", Sample: 1, Meter: l.meter, Log: zap.New(core)}, wire)
		if err != nil {
			t.Fatal(err)
		}
		l.Tracer = tracer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- tracer.Run(ctx) }()
		l.end = sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		body(t, l)
		l.end()
		synctest.Wait()
		if n := open.Load(); n > 0 {
			t.Errorf("%d connections are left open", n)
		}
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

func (l *lab) counted(t *testing.T, want map[string]int) {
	t.Helper()
	if got := l.meter.all(); !maps.Equal(got, want) {
		t.Errorf("counted: %v, want %v", got, want)
	}
}

// TestCallsGoInBatches: a second after the first, or when 128 wait.
func TestCallsGoInBatches(t *testing.T) {
	c := &receiver{}
	inBubble(t, c, func(t *testing.T, l *lab) {
		l.Trace(many(0, 2))
		time.Sleep(linger - time.Millisecond)
		synctest.Wait()
		l.counted(t, map[string]int{})
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		l.counted(t, map[string]int{Sent: 2})
		l.Trace(many(2, batchCalls))
		synctest.Wait()
		l.counted(t, map[string]int{Sent: 2 + batchCalls})
		l.Trace(many(1000, 1))
		l.end()
		l.counted(t, map[string]int{Sent: 3 + batchCalls})
		if len(c.bodies) != 3 || len(c.traces()) != 3+batchCalls {
			t.Errorf("%d requests with %d traces, want 3 with %d", len(c.bodies), len(c.traces()), 3+batchCalls)
		}
	})
}

// TestACollectorThatComesBackGetsEverything: it answered 503, or nobody answered.
func TestACollectorThatComesBackGetsEverything(t *testing.T) {
	c := &receiver{}
	var busy, away atomic.Bool
	c.answer = func(w http.ResponseWriter, r *http.Request) {
		if busy.Load() {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		(&receiver{}).ServeHTTP(w, r)
	}
	inBubble(t, c, func(t *testing.T, l *lab) {
		dial := l.wire.DialContext
		l.wire.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if away.Load() {
				return nil, errors.New("connection refused")
			}
			return dial(ctx, network, addr)
		}
		l.wire.DisableKeepAlives = true
		for i, trouble := range []*atomic.Bool{&busy, &away} {
			trouble.Store(true)
			l.Trace(many(100*i, 100))
			time.Sleep(30 * time.Second)
			trouble.Store(false)
			time.Sleep(20 * time.Second)
			synctest.Wait()
			l.counted(t, map[string]int{Sent: 100 * (i + 1)})
		}
		if l.logs.Len() > 0 {
			t.Errorf("logged: %v", l.logs.All())
		}
	})
}

// TestACollectorThatFails for ten minutes, at once or after a while: the calls go on, each is
// accounted for, and the log is quiet.
func TestACollectorThatFails(t *testing.T) {
	hangs := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see the client leave
		<-r.Context().Done()
	}
	answers := func(status int, text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://elsewhere:4318/v1/traces")
			http.Error(w, text, status)
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		reason string // in the log
	}{
		"hangs":     {hangs, "Client.Timeout exceeded"},
		"503":       {answers(503, "busy"), "busy"},
		"400":       {answers(400, "what is this?"), "what is this?"},
		"redirects": {answers(307, ""), "307 Temporary Redirect"},
		"talks":     {answers(400, string(bytes.Repeat([]byte("界"), 10_000))), "界…"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &receiver{answer: c.answer}, func(t *testing.T, l *lab) {
				const seconds = 600
				perSecond := 1
				if waits := name == "hangs" || name == "503"; waits {
					perSecond = 10 // fills the queue
				}
				for i := range seconds {
					began := time.Now()
					l.Trace(many(i*perSecond, perSecond))
					if waited := time.Since(began); waited > 0 {
						t.Fatalf("whoever told of a call waited %v", waited)
					}
					time.Sleep(time.Second)
				}
				ends := time.Now()
				l.end()
				if took := time.Since(ends); took > flushFor {
					t.Errorf("the end took %v, and may take %v", took, flushFor)
				}
				got, all := l.meter.all(), seconds*perSecond
				if got[Sent] != 0 || got[Failed]+got[Dropped] != all || (got[Dropped] > 0) != (perSecond > 1) {
					t.Errorf("counted %v of %d", got, all)
				}
				if n := l.logs.Len(); n < 5 || n > 11 {
					t.Errorf("%d lines in the log in ten minutes", n)
				}
				line := l.logs.All()[0].ContextMap()
				if reason := fmt.Sprint(line["reason"]); !bytes.Contains([]byte(reason), []byte(c.reason)) || len(reason) > longestReason+10 {
					t.Errorf("logged: %v", line)
				}
				t.Logf("%v, %d lines: %v", got, l.logs.Len(), line)
			})
		})
	}
}

// TestSampleGoesByTheCall, so that two controllers decide alike.
func TestSampleGoesByTheCall(t *testing.T) {
	traced := func(sample float64) (calls []acd.CallID) {
		tracer, err := New(Options{Endpoint: "http://127.0.0.1:4318", Sample: sample, Meter: &counts{}, Log: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		tracer.Trace(many(0, queueCalls))
		for len(tracer.queue) > 0 {
			calls = append(calls, (<-tracer.queue).Call)
		}
		return calls
	}
	all, some, none := traced(1), traced(0.25), traced(0)
	if share := float64(len(some)) / queueCalls; len(all) != queueCalls || len(none) != 0 || share < 0.2 || share > 0.3 {
		t.Errorf("of %d calls %d, %d and %d are traced", queueCalls, len(all), len(some), len(none))
	}
	if !slices.Equal(some, traced(0.25)) {
		t.Error("the same calls are decided upon otherwise")
	}
}

// TestTellingCostsMicroseconds, in real time, while a real collector hangs and the queue
// is full.
func TestTellingCostsMicroseconds(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(&receiver{answer: func(http.ResponseWriter, *http.Request) { <-release }})
	defer server.Close()
	defer close(release)
	meter := &counts{}
	tracer, err := New(Options{Endpoint: server.URL, Sample: 1, Meter: meter, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	tracer.flushFor = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tracer.Run(ctx) }()
	calls := many(0, 5*queueCalls)
	var took []time.Duration
	for i := range calls {
		began := time.Now()
		tracer.Trace(calls[i : i+1])
		took = append(took, time.Since(began))
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	slices.Sort(took)
	median, most := took[len(took)/2], took[len(took)*99/100]
	t.Logf("median %v, 99 of 100 within %v, the longest %v; %v", median, most, took[len(took)-1], meter.all())
	if median > 50*time.Microsecond || most > time.Millisecond {
		t.Errorf("to tell of a call took %v in the median, and %v for one of 100", median, most)
	}
	if got := meter.all(); got[Dropped] < 3*queueCalls || got[Dropped]+got[Failed] != len(calls) {
		t.Errorf("counted %v of %d", got, len(calls))
	}
}
