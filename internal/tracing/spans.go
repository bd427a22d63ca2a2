package tracing

import (
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"hotline/internal/acd"
)

// span is a part of a call as it will be told.
type span struct {
	name     string
	parent   int // place in the list of the call's spans; the root, at 0, has none
	kind     trace.SpanKind
	from, to time.Time
	rang     time.Time // of an offer; zero: the phone did not ring
	fault    string    // what failed at the hotline's side; empty: nothing
	origin   acd.CallID
	attrs    []attribute.KeyValue
}

// teller lists the spans of one call, parents before children.
type teller struct {
	call  acd.CallRecord
	spans []span
}

// spansOf are the spans of a call. A time that is not known is not made up: there is no
// span for what the record does not date, such as when the caller was on hold.
func spansOf(call acd.CallRecord) []span {
	t := &teller{call: call}
	t.root()
	t.queues()
	t.offers()
	t.conversation()
	return t.spans
}

func (t *teller) add(s span) {
	if s.to.Before(s.from) {
		s.to = s.from // a clock was set back
	}
	t.spans = append(t.spans, s)
}

func (t *teller) root() {
	c := &t.call
	s := span{name: "call", parent: -1, kind: trace.SpanKindServer, from: c.Arrived, to: c.Ended}
	s.attrs = []attribute.KeyValue{
		text("call", c.Call), text("node", c.Node), text("entry", t.entry()), text("caller", acd.Mask(c.Caller)),
		text("direction", t.direction()), text("result", c.Result), text("reason", c.Reason),
	}
	s.attrs = append(s.attrs, texts(
		"queue", string(c.Queue), "agent", string(c.Agent), "seat", string(c.Seat),
		"partner", string(c.Partner), "callback", string(c.Callback), "outcome", string(c.Outcome),
	)...)
	if len(c.Skills) > 0 {
		s.attrs = append(s.attrs, attribute.StringSlice(prefix+"skills", names(c.Skills)))
	}
	if c.Offered() {
		s.attrs = append(s.attrs, attribute.Float64(prefix+"wait_seconds", max(0, c.Wait().Seconds())))
	}
	if c.Recovered {
		s.attrs = append(s.attrs, attribute.Bool(prefix+"recovered", true))
	}
	if !c.Resumed.IsZero() {
		s.attrs = append(s.attrs, attribute.String(prefix+"resumed", c.Resumed.UTC().Format(time.RFC3339Nano)))
	}
	if c.Direction == acd.Outbound {
		s.name, s.kind, s.origin = "callback", trace.SpanKindClient, c.Callback
	}
	if c.Reason == acd.NodeLost || c.Outcome == acd.OfferNodeFault {
		s.fault = string(c.Reason)
	}
	t.add(s)
}

// entry is a number of the hotline's own, unless nobody knows it.
func (t *teller) entry() string {
	if t.call.Reason == acd.UnknownEntry {
		return acd.Mask(t.call.Entry)
	}
	return t.call.Entry
}

func (t *teller) direction() string {
	if t.call.Direction == acd.Outbound {
		return "outbound"
	}
	return "inbound"
}

// queues are the stays in queues: those that the call left by overflow, and the last.
func (t *teller) queues() {
	c := &t.call
	from := c.Queued
	if c.Direction == acd.Outbound {
		from = c.Arrived // in the caller's place
	}
	for _, v := range c.Visits {
		t.queue(v.Queue, v.Entered, v.Left)
		from = v.Left
	}
	if from.IsZero() || c.Result == acd.Overflowed || c.Result == acd.NotOffered {
		return
	}
	to := c.Ended
	if c.Result == acd.Answered {
		to = c.Answered
	}
	t.queue(c.Queue, from, to)
}

func (t *teller) queue(id acd.QueueID, from, to time.Time) {
	t.add(span{name: "queue " + clean(id), kind: trace.SpanKindInternal, from: from, to: to, attrs: texts("queue", string(id))})
}

// offers stand below the queue in which the call was when they were made.
func (t *teller) offers() {
	queues := len(t.spans)
	for i, o := range t.call.Offers {
		s := span{name: "offer", kind: trace.SpanKindClient, from: o.Made, to: o.Ended, rang: o.Rang}
		for q := 1; q < queues && !t.spans[q].from.After(o.Made); q++ {
			s.parent = q
		}
		if o.Ended.IsZero() {
			s.to = t.spans[s.parent].to // was in flight
		}
		number := o.Number
		if number == 0 {
			number = i + 1
		}
		s.attrs = append(texts("agent", string(o.Agent), "seat", string(o.Seat), "outcome", string(o.Outcome)), attribute.Int(prefix+"offer", number))
		switch o.Outcome {
		case acd.OfferUnreachable, acd.OfferFailed, acd.OfferNodeFault:
			s.fault = string(o.Outcome)
		}
		t.add(s)
	}
}

// conversation is what came after the queues.
func (t *teller) conversation() {
	c := &t.call
	if c.Result == acd.Answered {
		attrs := append(texts("agent", string(c.Agent), "seat", string(c.Seat)), attribute.Float64(prefix+"hold_seconds", c.Hold.Seconds()))
		t.add(span{name: "talk", kind: trace.SpanKindInternal, from: c.Answered, to: c.TalkedUntil(), attrs: attrs})
	}
	if c.RatingAsked {
		s := span{name: "rating", kind: trace.SpanKindInternal, from: c.TalkedUntil(), to: c.Ended}
		if c.Rating > 0 {
			s.attrs = append(s.attrs, attribute.Int(prefix+"rating", c.Rating))
		}
		t.add(s)
	}
	if n := len(c.Visits); n > 0 && c.Partner != "" {
		t.add(span{name: "partner " + clean(c.Partner), kind: trace.SpanKindClient, from: c.Visits[n-1].Left, to: c.Ended, attrs: texts("partner", string(c.Partner))})
	}
}

// prefix is that of all attributes of ours; what follows is the word of the call records.
const prefix = "hotline."

func text[T ~string](key string, value T) attribute.KeyValue {
	return attribute.String(prefix+key, clean(value))
}

// texts are attributes of key and value in turn, those without a value left out.
func texts(pairs ...string) (attrs []attribute.KeyValue) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			attrs = append(attrs, text(pairs[i], pairs[i+1]))
		}
	}
	return attrs
}

func names[T ~string](list []T) (out []string) {
	for _, v := range list {
		out = append(out, clean(v))
	}
	return out
}

// clean keeps one caller's odd number from spoiling what is sent together: protobuf
// takes UTF-8 only.
func clean[T ~string](s T) string { return strings.ToValidUTF8(string(s), "?") }
