package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"hotline/internal/acd"
	"hotline/internal/lab"
	"hotline/internal/phone"
)

// traces is a collector.
type traces struct {
	mu    sync.Mutex
	raw   []byte
	spans []*otlp.Span
}

func (c *traces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	unzip, err := gzip.NewReader(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(unzip)
	var batch collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &batch)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, fmt.Sprint(r.URL.Path, err), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, body...)
	for _, of := range batch.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// TestTraceOfACall: the first agent does not answer, the second does; the collector is told
// the whole call with the times of its record, and nobody's number.
func TestTraceOfACall(t *testing.T) {
	c := &traces{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close) // after hotline has ended
	o := officeIn(t, startWith(t, lab.Site{Agents: 3, NoGreeting: true, RingTimeout: "2s", WrapUp: "0s"}, fmt.Sprintf("tracing: {endpoint: %q}\n", server.URL)))
	o.phones["1001"].plan(phone.RingOn())
	o.ready("1001")
	person := o.caller()
	call := o.dial(person, "12345")
	o.rings("1001", 5*time.Second)
	o.ready("1002")
	agent, _ := o.rings("1002", 8*time.Second)
	o.hearEachOther(call, agent)
	o.over(call)

	record := o.records(person.User())[person.User()]
	id := sha256.Sum256([]byte(record.Call)) // as docs/operations.md says
	found := make(map[string][]*otlp.Span)
	within(t, 5*time.Second, "the trace has arrived", func(context.Context) (bool, string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, s := range c.spans {
			if bytes.Equal(s.TraceId, id[:16]) {
				found[s.Name] = append(found[s.Name], s)
			}
		}
		return len(found) > 0, fmt.Sprint(c.spans)
	})
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, []string{"call", "offer", "queue general", "talk"}) || len(found["offer"]) != 2 || len(c.spans) != 5 {
		t.Fatalf("the trace has %v", c.spans)
	}
	root, queue := found["call"][0], found["queue general"][0]
	for _, want := range []struct {
		span     *otlp.Span
		below    []byte
		from, to time.Time
	}{
		{root, nil, record.Arrived, record.Ended},
		{queue, root.SpanId, record.Queued, record.Answered},
		{found["offer"][0], queue.SpanId, record.Offers[0].Made, record.Offers[0].Ended},
		{found["offer"][1], queue.SpanId, record.Offers[1].Made, record.Answered},
		{found["talk"][0], root.SpanId, record.Answered, record.Ended},
	} {
		s := want.span
		if from, to := time.Unix(0, int64(s.StartTimeUnixNano)), time.Unix(0, int64(s.EndTimeUnixNano)); !bytes.Equal(s.ParentSpanId, want.below) || !from.Equal(want.from) || !to.Equal(want.to) {
			t.Errorf("%s is from %v to %v below %x, want %v to %v below %x", s.Name, from, to, s.ParentSpanId, want.from, want.to, want.below)
		}
	}
	if outcome := attribute(found["offer"][0], "hotline.outcome"); outcome != string(acd.OfferNoAnswer) || attribute(root, "hotline.caller") != acd.Mask(person.User()) {
		t.Errorf("the first offer ended with %s, the caller is %s", outcome, attribute(root, "hotline.caller"))
	}
	if bytes.Contains(c.raw, []byte(person.User())) {
		t.Error("the caller's number was sent")
	}
	within(t, 5*time.Second, "the trace is counted", func(context.Context) (bool, string) {
		sent, _ := scrape(t, o.lab).Value("hotline_traces_total", "outcome", "sent")
		return sent == 1, fmt.Sprint(sent)
	})
}

func attribute(s *otlp.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}
