package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"go.opentelemetry.io/otel/trace"

	"hotline/internal/acd"
)

// TraceID is the first 16 bytes of the SHA-256 of the call's id, so that a log line leads
// to the trace, and a call that is told twice is one trace.
func TraceID(call acd.CallID) (id trace.TraceID) {
	sum := sha256.Sum256([]byte(call))
	copy(id[:], sum[:])
	return id
}

// spanID is that of the n-th span of a call, 0 being the root.
func spanID(call acd.CallID, n int) (id trace.SpanID) {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(call), uint32(n)))
	copy(id[:], sum[:])
	return id
}

// place tells the generator of ids which span is begun.
type place struct {
	call acd.CallID
	span int
}

type placeKey struct{}

func (p place) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, placeKey{}, p)
}

// ids fits the SDK's IDGenerator: it makes none of its own.
type ids struct{}

func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	p, _ := ctx.Value(placeKey{}).(place)
	return TraceID(p.call), spanID(p.call, p.span)
}

func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	p, _ := ctx.Value(placeKey{}).(place)
	return spanID(p.call, p.span)
}
