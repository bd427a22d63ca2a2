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
		out = append(strconv.AppendQuote(out, string(m)), ':')
		if figures.Value(m).Defined() {
			out = append(out, figures.Text(m)...)
		} else {
			out = append(out, "null"...)
		}
	}
	return append(out, '}')
}
