package report

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"hotline/internal/traffic"
)

// Call is a finished call as lists show it. Caller is masked.
type Call struct {
	Arrived time.Time `json:"arrived"` // in the site's time zone
	Caller  string    `json:"caller"`
	Entry   string    `json:"entry"`
	Queue   string    `json:"queue,omitempty"`
	Result  string    `json:"result"`
	Reason  string    `json:"reason"`
	Agent   string    `json:"agent,omitempty"`     // who answered
	Wait    *float64  `json:"wait_s,omitempty"`    // seconds; nil: was not offered
	Talk    *float64  `json:"talk_s,omitempty"`    // seconds; nil: was not answered
	Way     string    `json:"direction,omitempty"` // outbound, or empty
	ID      string    `json:"call"`
}

var callHeads = map[string][]string{
	"zh": {"来电时间", "主叫号码", "拨打号码", "队列", "结果", "原因", "工号", "等待(秒)", "通话(秒)", "方向", "通话编号"},
	"en": {"arrived", "caller", "entry", "queue", "result", "reason", "agent", "wait (s)", "talk (s)", "direction", "call"},
}

var directions = map[string][2]string{"zh": {"呼入", "呼出"}, "en": {"inbound", "outbound"}}

// WriteCalls prints calls as table, csv or json, with heads in zh or en.
func WriteCalls(w io.Writer, format, lang string, calls []Call) error {
	head, known := callHeads[lang]
	if !known {
		return unknownLanguage(lang)
	}
	rows := [][]string{head}
	for _, c := range calls {
		way := directions[lang][0]
		if c.Way != "" {
			way = directions[lang][1]
		}
		rows = append(rows, []string{
			c.Arrived.Format(time.DateTime), c.Caller, c.Entry, c.Queue, c.Result, c.Reason, c.Agent, seconds(c.Wait), seconds(c.Talk), way, c.ID,
		})
	}
	switch format {
	case "table":
		var b strings.Builder
		grid(&b, rows)
		_, err := io.WriteString(w, b.String())
		return err
	case "csv":
		return writeCSV(w, rows)
	case "json":
		if calls == nil {
			calls = []Call{}
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(calls)
	}
	return unknownFormat(format)
}

func seconds(value *float64) string {
	if value == nil {
		return traffic.None
	}
	return strconv.FormatFloat(*value, 'f', 1, 64)
}
