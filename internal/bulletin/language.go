package bulletin

import (
	"fmt"
	"strings"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// language is zh or en.
type language string

func (l language) t(zh, en string) string {
	if l == "zh" {
		return zh
	}
	return en
}

func (l language) f(zh, en string, args ...any) string { return fmt.Sprintf(l.t(zh, en), args...) }

// fullWidth are the brackets among Chinese letters.
var fullWidth = strings.NewReplacer("(", "（", ")", "）")

func (l language) name(d traffic.Definition) string { return l.t(fullWidth.Replace(d.ZH), d.EN) }

// bracket is a name with what stands in brackets after it: a unit, a date.
func (l language) bracket(name, text string) string { return l.f("%s（%s）", "%s (%s)", name, text) }

// row is a definition's name and unit at the head of a row. In English a service
// level is called by its threshold and its base, which its formula spells out elsewhere.
func (l language) row(d traffic.Definition) string {
	name, formula, isLevel := strings.Cut(l.name(d), " (answered within")
	if l == "en" && isLevel {
		_, base, _ := strings.Cut(formula, "/ ")
		return name + ", of " + strings.TrimSuffix(base, ")") + " (%)"
	}
	return l.head(d)
}

// unit is how a definition's unit is written in heads.
func (l language) unit(d traffic.Definition) string {
	switch d.Unit {
	case "calls":
		return l.t("通", "calls")
	case "offers":
		return l.t("次", "offers")
	case "s":
		return l.t("秒", "s")
	}
	return d.Unit
}

// head is a definition's name and unit.
func (l language) head(d traffic.Definition) string { return l.bracket(l.name(d), l.unit(d)) }

var weekdays = [7][2]string{{"星期日", "Sunday"}, {"星期一", "Monday"}, {"星期二", "Tuesday"}, {"星期三", "Wednesday"}, {"星期四", "Thursday"}, {"星期五", "Friday"}, {"星期六", "Saturday"}}

func (l language) weekday(w time.Weekday) string { return l.t(weekdays[w][0], weekdays[w][1]) }

func (l language) day(day calendar.Day) string {
	year, month, d := day.Date()
	if l == "zh" {
		return fmt.Sprintf("%d年%d月%d日", year, int(month), d)
	}
	return fmt.Sprintf("%d %s %d", d, month, year)
}

// period is a period in a sentence or title.
func (l language) period(p Period) string {
	year, month, _ := p.First.Date()
	switch {
	case p.Kind == Daily:
		return l.day(p.First)
	case p.Kind == Annual:
		return l.f("%d年", "%d", year)
	case l == "zh":
		return fmt.Sprintf("%d年%d月", year, int(month))
	}
	return fmt.Sprintf("%s %d", month, year)
}

// against names the base of a comparison; of it the column of values.
func (l language) against(p Period, a Against) string {
	switch a {
	case DayBefore:
		return l.t("前一日", "the day before")
	case WeekBefore:
		return l.t("上周同日", "the week before")
	case MonthBefore:
		return l.t("上月", "the month before")
	}
	switch p.Kind {
	case Daily:
		return l.t("上年同日", "the year before")
	case Monthly:
		return l.t("上年同月", "the year before")
	}
	return l.t("上年", "the year before")
}

const (
	minute = "2006-01-02 15:04"
	second = "2006-01-02 15:04:05"
	clock  = "15:04"
)

// span is a piece of a day: its date and both times, or both dates.
func (l language) span(from, to time.Time) string {
	dash := l.t("—", "–")
	switch {
	case from.Format(time.DateOnly) == to.Format(time.DateOnly):
		return from.Format(minute) + dash + to.Format(clock)
	case to.Sub(from) <= time.Hour:
		return from.Format(minute) + dash + "24:00" // the last of the day
	}
	return from.Format(minute) + l.t(" 至 ", " – ") + to.Format(minute)
}
