package bulletin

import (
	"encoding/json"
	"strconv"
	"time"

	"hotline/internal/traffic"
)

// partFigures are known of an interval; the others would read as 0 though nobody counted.
var partFigures = []traffic.Metric{traffic.Offered, traffic.Answered, traffic.ConnectRate, traffic.AverageWait}

// agentFigures are those that mean something of one agent: calls are not offered to
// agents, nor do callers wait for one.
var agentFigures = []traffic.Metric{
	traffic.Answered, traffic.AverageTalk, traffic.LongestTalk, traffic.TalkOver10, traffic.TalkOver10Share,
	traffic.OutboundAttempted, traffic.OutboundAnswered, traffic.OutboundTalk, traffic.TotalAnswered, traffic.TotalTalk, traffic.RingTime,
	traffic.LoggedIn, traffic.Ready, traffic.NotReady, traffic.OnContact, traffic.WrapUp, traffic.Occupancy,
	traffic.RONA, traffic.OffersRefused, traffic.OffersNotReached,
}

// MarshalJSON writes the report with the figures that are known.
func (r *Report) MarshalJSON() ([]byte, error) {
	type plain Report
	return json.Marshal(struct {
		*plain
		Figures any `json:"figures"`
	}{(*plain)(r), known(r.Figures)})
}

// MarshalJSON writes the base with the figures that are known, or null when there are none.
func (b Base) MarshalJSON() ([]byte, error) {
	type plain Base
	var figures any
	if b.Found {
		figures = known(b.Figures)
	}
	return json.Marshal(struct {
		plain
		Figures any `json:"figures"`
	}{plain(b), figures})
}

// MarshalJSON writes the step with the figures that are known.
func (s Step) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		From    time.Time `json:"from"`
		To      time.Time `json:"to"`
		Figures any       `json:"figures"`
	}{s.From, s.To, known(s.Figures)})
}

// known are all figures and the raw sums, or those that were published of an imported period.
func known(f traffic.Figures) any {
	if partial(f) {
		return some(f, publishedByCity)
	}
	return f
}

// MarshalJSON writes the part with the figures that are known of it.
func (p Part) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		From    time.Time       `json:"from"`
		To      time.Time       `json:"to"`
		Figures json.RawMessage `json:"figures"`
	}{p.From, p.To, some(p.Figures, partFigures)})
}

// MarshalJSON writes the agent with the figures that mean something, and the raw sums.
func (a Agent) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID       string           `json:"id"`
		Figures  json.RawMessage  `json:"figures"`
		Counters traffic.Counters `json:"counters"`
	}{a.ID, some(a.Figures, agentFigures), a.Figures.Counters()})
}

// some writes figures as numbers with the published decimals, or null.
func some(figures traffic.Figures, metrics []traffic.Metric) json.RawMessage {
	out := []byte{'{'}
	for i, m := range metrics {
		if i > 0 {
			out = append(out, ',')
		}
		d, _ := figures.Definitions().Get(m)
		out = append(append(strconv.AppendQuote(out, string(m)), ':'), number(figures.Value(m), d.Decimals)...)
	}
	return append(out, '}')
}

// number is a value as it is published, or null.
func number(value traffic.Ratio, decimals int) json.RawMessage {
	if !value.Defined() {
		return json.RawMessage("null")
	}
	return json.RawMessage(value.Round(decimals))
}

// MarshalJSON writes the cell's published value as a number.
func (c ServiceCell) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Column traffic.Metric  `json:"column"`
		Value  json.RawMessage `json:"value"`
		Change traffic.Change  `json:"year_on_year"`
	}{c.Column, number(c.Value, c.Definition.Decimals), c.Change})
}
