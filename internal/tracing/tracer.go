package tracing

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"hotline/internal/acd"
)

const (
	// queueCalls is how many calls wait for the collector: at 5 calls a second over 13
	// minutes, in some 4 MB.
	queueCalls = 4096
	// batchCalls go in one request, of some 100 KB; linger is how long the first of them
	// waits for the others.
	batchCalls = 128
	linger     = time.Second
	// requestTimeout bounds one request; retryFor, all those of one batch.
	requestTimeout = 10 * time.Second
	retryFor       = time.Minute
	retryFirst     = time.Second
	retryMost      = 10 * time.Second
	// flushFor bounds what is still sent at the end.
	flushFor = 2 * time.Second
	// tellEvery is how often a failure is logged at the most.
	tellEvery = time.Minute
	// longestReason of a failure in the log, in bytes: it may be an answer's body.
	longestReason = 300
	// longestAnswer of a collector in bytes.
	longestAnswer = 64 << 10
)

// What becomes of the trace of a call.
const (
	Sent    = "sent"    // the collector has it
	Failed  = "failed"  // the collector did not take it
	Dropped = "dropped" // it was not tried: too many waited, or the program ended
)

// Outcomes are all that can become of the trace of a call.
func Outcomes() []string { return []string{Sent, Failed, Dropped} }

// Meter counts. It must not block.
type Meter interface {
	// Traces tells what became of the traces of so many calls.
	Traces(outcome string, calls int)
}

// Options are what a Tracer needs; Headers and TLS may be left out.
type Options struct {
	// Endpoint is http or https, a host with a port, and perhaps a path; /v1/traces is added.
	Endpoint string
	Headers  map[string]string
	TLS      *tls.Config // nil: that of the system
	Sample   float64     // share of the calls, 0 to 1
	// Site, Version and Instance say whose traces they are.
	Site, Version, Instance string
	Meter                   Meter
	Log                     *zap.Logger
}

// Tracer sends the traces of calls.
type Tracer struct {
	exporter sdktrace.SpanExporter
	close    func() // of what the exporter uses
	sampler  sdktrace.Sampler
	builder  *builder // owned by the goroutine in Run
	queue    chan acd.CallRecord
	meter    Meter
	log      *zap.Logger
	told     time.Time // when a failure was logged last; owned by the goroutine in Run
	lost     int       // calls since then; owned by the goroutine in Run
	flushFor time.Duration
}

// New makes a tracer; Run sends. Nothing is asked of the collector yet.
func New(o Options) (*Tracer, error) {
	return newTracer(o, &http.Transport{
		TLSClientConfig: o.TLS, ForceAttemptHTTP2: true, MaxIdleConns: 1, IdleConnTimeout: 90 * time.Second,
		DialContext: (&net.Dialer{Timeout: requestTimeout / 2}).DialContext, TLSHandshakeTimeout: requestTimeout / 2,
	})
}

func newTracer(o Options, wire *http.Transport) (*Tracer, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("the endpoint of traces: %w", err)
	}
	client := &http.Client{
		Transport: patient{wire}, Timeout: requestTimeout,
		// Headers with a key go where they were meant to go, or nowhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	headers := o.Headers
	if headers == nil {
		headers = map[string]string{}
	}
	// Everything is said here, so that no OTEL_ variable of the environment says otherwise.
	options := []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(u.JoinPath("v1/traces").String()),
		otlptracehttp.WithHeaders(headers), otlptracehttp.WithHTTPClient(client),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithEncoding(otlptracehttp.EncodingProtobuf),
		otlptracehttp.WithMaxResponseSize(longestAnswer),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}),
	}
	exporter, err := otlptracehttp.New(context.Background(), options...)
	if err != nil {
		return nil, fmt.Errorf("the exporter of traces: %w", err)
	}
	return &Tracer{
		exporter: exporter, close: wire.CloseIdleConnections,
		sampler: sdktrace.TraceIDRatioBased(o.Sample), builder: newBuilder(o),
		queue: make(chan acd.CallRecord, queueCalls), meter: o.Meter, log: o.Log, flushFor: flushFor,
	}, nil
}

// patient lets a collector that nobody reaches be tried again as one that answers 503 is.
type patient struct{ http.RoundTripper }

func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := p.RoundTripper.RoundTrip(r)
	if err != nil {
		err = passing{err}
	}
	return answer, err
}

// passing is an error that may pass.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

// Temporary is what the exporter asks.
func (passing) Temporary() bool { return true }

// Trace hands over finished calls and returns at once. It copies what it keeps.
func (t *Tracer) Trace(calls []acd.CallRecord) {
	dropped := 0
	for _, call := range calls {
		// By the id, so that all who trace this call decide alike.
		if t.sampler.ShouldSample(sdktrace.SamplingParameters{TraceID: TraceID(call.Call)}).Decision == sdktrace.Drop {
			continue
		}
		call.Offers, call.Visits = slices.Clone(call.Offers), slices.Clone(call.Visits)
		select {
		case t.queue <- call:
		default:
			dropped++
		}
	}
	if dropped > 0 {
		t.meter.Traces(Dropped, dropped)
	}
}

// Run sends until ctx is done, and what waits then for at most two seconds more.
func (t *Tracer) Run(ctx context.Context) error {
	sending, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	stop := context.AfterFunc(ctx, func() {
		limit := time.NewTimer(t.flushFor)
		defer limit.Stop()
		select {
		case <-limit.C:
			giveUp()
		case <-sending.Done():
		}
	})
	defer stop()
	for batch := t.next(ctx); len(batch) > 0; batch = t.next(ctx) {
		t.send(sending, batch)
	}
	err := t.exporter.Shutdown(context.WithoutCancel(ctx))
	t.close()
	return err
}

// next waits for calls; there are none when ctx is done and none waits.
func (t *Tracer) next(ctx context.Context) (batch []acd.CallRecord) {
	var full <-chan time.Time
	for len(batch) < batchCalls {
		select {
		case call := <-t.queue:
			batch = append(batch, call)
			continue
		default:
		}
		if len(batch) > 0 && full == nil {
			timer := time.NewTimer(linger)
			defer timer.Stop()
			full = timer.C
		}
		select {
		case call := <-t.queue:
			batch = append(batch, call)
		case <-full:
			return batch
		case <-ctx.Done():
			if len(t.queue) == 0 {
				return batch
			}
		}
	}
	return batch
}

// send sends a batch, or says what became of it.
func (t *Tracer) send(ctx context.Context, batch []acd.CallRecord) {
	if ctx.Err() != nil {
		t.meter.Traces(Dropped, len(batch))
		return
	}
	err := t.exporter.ExportSpans(ctx, t.builder.build(batch))
	if err == nil {
		t.meter.Traces(Sent, len(batch))
		return
	}
	t.meter.Traces(Failed, len(batch))
	t.lost += len(batch)
	if !t.told.IsZero() && time.Since(t.told) < tellEvery {
		return
	}
	reason := err.Error()
	if len(reason) > longestReason {
		reason = strings.ToValidUTF8(reason[:longestReason], "") + "…"
	}
	t.log.Warn("traces do not reach the collector; calls are not affected", zap.Int("calls", t.lost), zap.String("reason", reason))
	t.told, t.lost = time.Now(), 0
}
