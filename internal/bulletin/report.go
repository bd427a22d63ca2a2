package bulletin

import (
	"errors"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Line is the course of a day.
type Line struct {
	Day      calendar.Day
	Site     traffic.Counters
	Offered  []int64 // by interval, as are the following; empty for a day without calls
	Answered []int64 // of the calls offered in the interval
	Wait     []int64 // of those, in milliseconds
	Peaks    traffic.Peaks
	// PeaksLack is how many calls came for the day when it was archived, so that the
	// peaks do not have them.
	PeaksLack int
}

// Named is a queue or partner and what people call it.
type Named struct {
	ID    string
	Title string // empty: the id
}

// Input is what a report is assembled from.
type Input struct {
	Period      Period
	Location    *time.Location
	ReadAt      time.Time // when the counters were read
	Office      string    // that publishes the report; may be empty
	Definitions *traffic.Definitions

	Site   traffic.Counters   // of the period
	Table  traffic.Table      // its queues, agents and targets
	Bases  []traffic.Counters // of the site, in the order of Period.Bases; empty where there are no data
	Lines  []Line             // of the day before the period, then of each day of it that has begun
	Months []traffic.Counters // of the site, of an annual report
	Queues []Named            // in the order in which they are shown; others follow
	// Partners are other hotlines to which callers were sent.
	Partners []Named
	Closed   Closed
}

// Closed is how far the figures are final.
type Closed struct {
	Days        int          `json:"days"`         // that are closed
	Corrections int          `json:"corrections"`  // that came to them afterwards
	Day         *DayClosing  `json:"day,omitzero"` // of a daily bulletin whose day is closed
	Later       []Correction `json:"later,omitempty"`
}

// DayClosing says with what a day was closed.
type DayClosing struct {
	At       time.Time `json:"at"`
	Calls    int       `json:"calls"`
	Checksum string    `json:"sha256"`
}

// Correction is what was counted after the day had been closed.
type Correction struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

// ErrNoData says that nothing was counted in the period.
var ErrNoData = errors.New("no traffic was counted")

// Report is everything that is published of a period. As JSON it has every figure,
// with the published decimals, beside the raw sums.
type Report struct {
	Period
	Office   string          `json:"office,omitempty"`
	TimeZone string          `json:"time_zone"`
	ReadAt   time.Time       `json:"as_of"`
	GoesOn   bool            `json:"goes_on"` // the period is not over
	Service  []ServiceRow    `json:"service"` // 话务服务
	Figures  traffic.Figures `json:"figures"`
	Bases    []Base          `json:"bases"`
	Busiest  *Part           `json:"busiest_interval"` // null when no call was offered
	Worst    *Window         `json:"worst_24_hours"`   // null when no 24 hours have calls
	Peaks    traffic.Peaks   `json:"peaks"`            // of each kind, the highest of the period's days
	// PeaksLack is how many calls the peaks do not have; see Line.
	PeaksLack int      `json:"peaks_lack_corrections,omitempty"`
	Hours     []Part   `json:"hours,omitempty"`  // of a daily bulletin
	Days      []Step   `json:"days,omitempty"`   // of the others
	Months    []Step   `json:"months,omitempty"` // of an annual report
	Week      *Week    `json:"week,omitempty"`   // of the others than daily
	Queues    []Queue  `json:"queues"`
	Agents    []Agent  `json:"agents"`
	Targets   []Target `json:"overflow"`
	Closed    Closed   `json:"closed"`
	DaysOver  int      `json:"days_over"` // of the period

	location *time.Location
}

// ServiceRow is a row of the table 话务服务: 接听, 呼出 or 总计.
type ServiceRow struct {
	Kind  string        `json:"kind"` // inbound, outbound or total
	Cells []ServiceCell `json:"cells"`
}

// ServiceCell is a figure of the table with its change against the year before.
type ServiceCell struct {
	Column     traffic.Metric     // by the figure of the first row
	Definition traffic.Definition // empty where the table has no figure
	Value      traffic.Ratio      // not defined there
	Change     traffic.Change
}

// Base is an earlier period with its figures.
type Base struct {
	BasePeriod
	Found   bool                              `json:"found"` // there are data
	Figures traffic.Figures                   `json:"figures"`
	Changes map[traffic.Metric]traffic.Change `json:"changes"`
}

// Step is a day or a month.
type Step struct {
	From    time.Time       `json:"from"`
	To      time.Time       `json:"to"`
	Figures traffic.Figures `json:"figures"`
}

// Part is an interval or hour of a day. It has the figures of partFigures only.
type Part Step

// Agent is an agent with the figures of agentFigures.
type Agent struct {
	ID      string
	Figures traffic.Figures
}

// Window is 24 hours without a break.
type Window struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Offered  int64     `json:"offered"`
	Answered int64     `json:"answered"`
}

// Queue is a queue with its figures.
type Queue struct {
	ID      string          `json:"id"`
	Title   string          `json:"title,omitempty"`
	Figures traffic.Figures `json:"figures"`
}

// Target is where callers were sent.
type Target struct {
	Target string `json:"target"` // queue:<id>, moved:<queue's id>, partner:<id>, or the reason
	Title  string `json:"title,omitempty"`
	Calls  int64  `json:"calls"`
}
