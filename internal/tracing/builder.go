package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"hotline/internal/acd"
)

// builder makes the SDK's spans of calls that are over. It is for one goroutine.
type builder struct {
	tracer trace.Tracer
	ended  *ended
}

func newBuilder(o Options) *builder {
	b := &builder{ended: &ended{}}
	limits := sdktrace.SpanLimits{ // a record is bounded itself
		AttributeValueLengthLimit: -1, AttributeCountLimit: -1, EventCountLimit: -1, LinkCountLimit: -1, AttributePerEventCountLimit: -1, AttributePerLinkCountLimit: -1,
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithIDGenerator(ids{}), sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithRawSpanLimits(limits), sdktrace.WithSpanProcessor(b.ended),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "hotline"), attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", o.Instance), attribute.String("hotline.site", o.Site),
		)),
	)
	b.tracer = provider.Tracer("hotline/internal/tracing", trace.WithInstrumentationVersion(o.Version))
	return b
}

// build makes the spans of calls, ended, parents before children.
func (b *builder) build(calls []acd.CallRecord) []sdktrace.ReadOnlySpan {
	b.ended.spans = nil
	for _, call := range calls {
		b.call(call)
	}
	return b.ended.spans
}

func (b *builder) call(call acd.CallRecord) {
	spans := spansOf(call)
	within := make([]context.Context, len(spans))
	for n, s := range spans {
		ctx := context.Background()
		if s.parent >= 0 {
			ctx = within[s.parent]
		}
		options := []trace.SpanStartOption{trace.WithTimestamp(s.from), trace.WithSpanKind(s.kind), trace.WithAttributes(s.attrs...)}
		if s.origin != "" {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: rootOf(s.origin)}))
		}
		ctx, told := b.tracer.Start(place{call.Call, n}.in(ctx), s.name, options...)
		if !s.rang.IsZero() {
			told.AddEvent("rang", trace.WithTimestamp(s.rang))
		}
		if s.fault != "" {
			told.SetStatus(codes.Error, s.fault)
		}
		told.End(trace.WithTimestamp(s.to))
		within[n] = ctx
	}
}

// rootOf is the root of the trace of another call.
func rootOf(call acd.CallID) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: TraceID(call), SpanID: spanID(call, 0), TraceFlags: trace.FlagsSampled})
}

// ended is a SpanProcessor that keeps the spans for who has made them.
type ended struct{ spans []sdktrace.ReadOnlySpan }

func (e *ended) OnEnd(s sdktrace.ReadOnlySpan)                 { e.spans = append(e.spans, s) }
func (*ended) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (*ended) Shutdown(context.Context) error                  { return nil }
func (*ended) ForceFlush(context.Context) error                { return nil }
