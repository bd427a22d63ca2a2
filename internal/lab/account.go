package lab

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/httpapi/view"
)

// Totals are the site's counts of several days together.
type Totals struct {
	Offered, Answered, Abandoned int
	NotOffered                   int // ended before they entered a queue
	RONA                         int // offers, not calls
}

// Ended is how many calls are counted.
func (t Totals) Ended() int { return t.Offered + t.NotOffered }

// Total sums the days.
func Total(days []view.Traffic) Totals {
	var t Totals
	for _, day := range days {
		t.Offered += int(day.Site.Offered)
		t.Answered += int(day.Site.Answered)
		t.Abandoned += int(day.Site.Abandoned)
		t.NotOffered += int(day.Site.NotOffered)
		t.RONA += int(day.Site.RONA)
	}
	return t
}

// Days are the days of the site's time zone that the lab has touched since its
// start: one, or two when midnight has passed. A call belongs to the day in
// which it was offered, so together they hold every call of the lab.
func (l *Lab) Days() []calendar.Day {
	zone := l.Config.Location
	return calendar.DaysBetween(calendar.DayOf(l.started, zone), calendar.DayOf(time.Now(), zone))
}

// Total asks the API for the counts of all days of the lab.
func (l *Lab) Total(ctx context.Context) (Totals, error) {
	var days []view.Traffic
	for _, day := range l.Days() {
		figures, err := l.Client.Day(ctx, day)
		if err != nil {
			return Totals{}, err
		}
		days = append(days, figures)
	}
	return Total(days), nil
}

// Tables are the printed tables of all days of the lab, a blank line between two.
func (l *Lab) Tables(ctx context.Context) (string, error) {
	return l.eachDay(ctx, "\n", "traffic", "day")
}

// Verify recounts the call records of all days of the lab. The error says that
// counters of a day differ from them; the text tells of each day.
func (l *Lab) Verify(ctx context.Context) (string, error) {
	return l.eachDay(ctx, "", "traffic", "verify")
}

func (l *Lab) eachDay(ctx context.Context, between string, command ...string) (string, error) {
	var text strings.Builder
	for i, day := range l.Days() {
		if i > 0 {
			text.WriteString(between)
		}
		out, err := l.Hotline(ctx, append(command[:len(command):len(command)], "--day", day.String())...)
		text.WriteString(out)
		if err != nil {
			return text.String(), err
		}
	}
	return text.String(), nil
}

// Hotline runs a command of the program with the lab's configuration, and
// returns what it prints.
func (l *Lab) Hotline(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, l.binary, append(args, "--config", l.ConfigFile)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("hotline %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
