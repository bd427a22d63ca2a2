package app

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/config"
)

// demandLine is one interval of a demand.
type demandLine struct {
	start  string // as written; empty when the demand came from flags
	calls  float64
	handle float64 // seconds
}

// The first line of a demand file names its columns.
var demandHeads = [][]string{{"start", "calls"}, {"start", "calls", "aht"}}

// How the start of an interval is written; one file keeps to one of them.
var demandStarts = []string{"15:04", "2006-01-02 15:04", "2006-01-02T15:04"}

// maxCalls is more than an interval can bring; what is above is a mistake.
const maxCalls = 1e8

// demandReader reads a demand file; errors name file, line and remedy.
type demandReader struct {
	name   string
	length time.Duration // of an interval
	handle float64       // of lines without their own, seconds; zero: unknown

	columns    int
	form       string // of the starts in this file
	last       time.Time
	lastStart  string
	lastOnLine int
}

func (d *demandReader) read(r io.Reader) ([]demandLine, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1 // told with a remedy below
	in.TrimLeadingSpace = true
	var lines []demandLine
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			return nil, d.fault(syntax.Line, "this is not CSV (%v); write start,calls without quotation marks", syntax.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", d.name, err)
		}
		number, _ := in.FieldPos(0)
		for i := range record {
			record[i] = strings.TrimSpace(record[i])
		}
		if d.columns == 0 {
			if err := d.head(number, record); err != nil {
				return nil, err
			}
			continue
		}
		line, err := d.line(number, record)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s has no intervals; write a line start,calls and below it a line for each interval, as in 09:00,85", d.name)
	}
	return lines, nil
}

func (d *demandReader) fault(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", d.name, line, fmt.Sprintf(format, args...))
}

func (d *demandReader) head(number int, record []string) error {
	record[0] = strings.TrimPrefix(record[0], "\ufeff") // Excel's UTF-8
	for _, head := range demandHeads {
		if slices.Equal(record, head) {
			d.columns = len(head)
			return nil
		}
	}
	return d.fault(number, "the first line is %q; write start,calls or start,calls,aht there", strings.Join(record, ","))
}

func (d *demandReader) line(number int, record []string) (demandLine, error) {
	if len(record) != d.columns {
		return demandLine{}, d.fault(number, "the line has %s and the first line %d; write as many", Count(len(record), "column"), d.columns)
	}
	line := demandLine{start: record[0], handle: d.handle}
	if err := d.follow(number, line.start); err != nil {
		return demandLine{}, err
	}
	var ok bool
	if line.calls, ok = parseNumber(record[1]); !ok || line.calls > maxCalls {
		return demandLine{}, d.fault(number, "calls is %q; write the number of calls offered in the interval, as in 85", record[1])
	}
	if d.columns > 2 && record[2] != "" {
		if line.handle, ok = parseNumber(record[2]); !ok || line.handle == 0 {
			return demandLine{}, d.fault(number, "aht is %q; write the mean handling time in seconds, as in 236", record[2])
		}
	}
	if line.handle == 0 {
		return demandLine{}, d.fault(number, "no handling time is known; write the seconds in a column aht, or give --talk and --wrap-up")
	}
	return line, nil
}

// follow checks that an interval begins when the one before it has ended.
func (d *demandReader) follow(number int, start string) error {
	var at time.Time
	if d.form == "" {
		for _, form := range demandStarts {
			if t, err := time.Parse(form, start); err == nil {
				d.form, at = form, t
			}
		}
		if d.form == "" {
			return d.fault(number, "the interval starts at %q; write it as 09:00 or 2026-01-05 09:00", start)
		}
	} else {
		t, err := time.Parse(d.form, start)
		if err != nil {
			return d.fault(number, "the interval starts at %q; write it like that of line %d, %s", start, d.lastOnLine, d.lastStart)
		}
		if end := d.last.Add(d.length); t.Before(end) {
			return d.fault(number, "the interval starts at %s, before that of line %d ends (%s and %s); sort the lines, or correct --interval",
				start, d.lastOnLine, d.lastStart, config.PlainDuration(d.length))
		}
		at = t
	}
	d.last, d.lastStart, d.lastOnLine = at, start, number
	return nil
}

// parseNumber reads a finite number that is not negative.
func parseNumber(text string) (float64, bool) {
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil && x >= 0 && !math.IsInf(x, 1)
}
