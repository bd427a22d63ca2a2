package config

import (
	"slices"
	"time"

	"hotline/internal/calendar"
)

// closed stands for the hours of a day without any.
const closed = "closed"

// longestRange is the most days that one item may stand for.
const longestRange = 366

// mostDays is how many days all such items of a file may stand for.
const mostDays = 20_000

// calendars checks holidays and calendars, and to which of them the queues
// refer. It returns the calendars by name.
func (c *checker) calendars(raw *file, cfg *Config) map[string]*calendar.Schedule {
	lists := c.unique("list of holidays")
	cfg.Holidays = make(map[string]*calendar.Holidays)
	c.empty(raw.Holidays.place, raw.Holidays.blank, "holidays", "a list of holidays")
	for _, h := range raw.Holidays.items {
		lists.add(h.ID.place, h.ID.v)
		cfg.Holidays[c.name(h.ID, "holidays.id", siteName)] = c.holidays(h)
	}
	names := c.unique("calendar")
	schedules := make(map[string]*calendar.Schedule)
	c.empty(raw.Calendars.place, raw.Calendars.blank, "calendars", "a calendar")
	for _, item := range raw.Calendars.items {
		names.add(item.ID.place, item.ID.v)
		c.known(item.Holidays, "calendar "+item.ID.v+" keeps", lists)
		rules := c.rules(item)
		rules.Holidays = cfg.Holidays[item.Holidays.v]
		if name := c.name(item.ID, "calendars.id", siteName); cfg.Location != nil {
			schedules[name] = calendar.NewSchedule(cfg.Location, rules)
		}
	}
	for _, q := range raw.Queues.items {
		c.known(q.Hours, "queue "+q.ID.v+" keeps the hours of", names)
	}
	return schedules
}

func (c *checker) holidays(raw holidaysItem) *calendar.Holidays {
	c.empty(raw.Days.place, raw.Days.blank, "holidays.days", "a day, for example: - {day: 2026-10-01, last_day: 2026-10-07, name: 国庆节}")
	var list []calendar.SpecialDay
	seen := c.unique("day")
	for _, item := range raw.Days.items {
		kind := calendar.Kind(c.oneOf(item.Kind, "holidays.days.kind", string(calendar.Holiday), string(calendar.Workday)))
		name := c.title(item.Name, "holidays.days.name", "")
		for _, day := range c.itemDays(item.Day, item.LastDay, "holidays.days") {
			if !seen.add(item.Day.place, day.String()) {
				break // the rest of a range that comes twice is no news
			}
			if w := day.Weekday(); kind == calendar.Workday && w != time.Saturday && w != time.Sunday {
				c.at(item.Day.place, "holidays.days: %s is a %s, which is a working day anyway; write a day at the weekend, or remove the item", day, w)
				break
			}
			list = append(list, calendar.SpecialDay{Day: day, Kind: kind, Name: name})
		}
	}
	holidays, _ := calendar.NewHolidays(list) // what it refuses has been reported
	return holidays
}

func (c *checker) rules(raw calendarItem) calendar.Rules {
	rules := calendar.Rules{Week: c.week(raw.Weekly), Exceptions: make(map[calendar.Day]calendar.Hours)}
	rules.OnHolidays = plain(c.hours(raw.HolidayHours, "calendars.holiday_hours"))
	if makeup, err := calendar.ParseWeekdays(raw.MakeupFollows.v); err != nil || len(makeup) != 1 {
		c.at(raw.MakeupFollows.place, "calendars.makeup_follows: %s is not a weekday; write one of mon, tue, wed, thu, fri, sat, sun", quoted(raw.MakeupFollows.v))
	} else {
		rules.OnWorkdays = rules.Week[makeup[0]]
	}
	if !raw.Holidays.set && raw.HolidayHours.set {
		c.at(raw.HolidayHours.place, "calendars.holiday_hours: the calendar keeps no holidays; add holidays, or remove the key")
	}
	if !raw.Holidays.set && raw.MakeupFollows.set {
		c.at(raw.MakeupFollows.place, "calendars.makeup_follows: the calendar keeps no holidays; add holidays, or remove the key")
	}
	seen := c.unique("day")
	for _, item := range raw.Exceptions.items {
		hours := plain(c.hours(item.Hours, "calendars.exceptions.hours"))
		for _, day := range c.itemDays(item.Day, item.LastDay, "calendars.exceptions") {
			if !seen.add(item.Day.place, day.String()) {
				break
			}
			rules.Exceptions[day] = hours
		}
	}
	return rules
}

// period is a period and where it stands.
type period struct {
	calendar.Period
	place
}

func plain(list []period) calendar.Hours {
	var out calendar.Hours
	for _, p := range list {
		out = append(out, p.Period)
	}
	return out
}

// hours reads the periods of one day, or the word closed.
func (c *checker) hours(raw texts, key string) []period {
	if raw.blank {
		c.at(raw.place, "%s is empty; write closed, or periods such as [\"08:30-12:00\", \"14:00-18:00\"]", key)
	}
	var out []period
	for _, item := range raw.items {
		if item.v == closed {
			if len(raw.items) > 1 {
				c.at(item.place, "%s: closed stands beside other hours; write either closed or periods", key)
			}
			continue
		}
		p, err := calendar.ParsePeriod(item.v)
		if err != nil {
			c.at(item.place, "%s: %v", key, err)
			continue
		}
		if i := slices.IndexFunc(out, func(other period) bool { return other.Overlaps(p, 0) }); i >= 0 {
			c.at(item.place, "%s: %s overlaps %s; let one end when the other begins", key, p, out[i].Period)
		}
		out = append(out, period{p, item.place})
	}
	return out
}

func (c *checker) week(raw list[weeklyItem]) (week [7]calendar.Hours) {
	c.empty(raw.place, raw.blank, "calendars.weekly", "weekdays with their hours, for example: - {days: mon-fri, hours: [\"08:30-12:00\", \"14:00-18:00\"]}")
	var placed [7][]period
	seen := c.unique("weekday")
	for _, item := range raw.items {
		c.empty(item.Days.place, item.Days.blank, "calendars.weekly.days", "weekdays, for example mon-fri")
		hours := c.hours(item.Hours, "calendars.weekly.hours")
		for _, text := range item.Days.items {
			days, err := calendar.ParseWeekdays(text.v)
			if err != nil {
				c.at(text.place, "calendars.weekly.days: %v", err)
			}
			for _, w := range days {
				if seen.add(text.place, calendar.WeekdayName(w)) {
					placed[w], week[w] = hours, plain(hours)
				}
			}
		}
	}
	c.nights(placed)
	return week
}

// nights reports periods that last into the next weekday's periods, each pair
// once and not for every weekday that it holds for.
func (c *checker) nights(week [7][]period) {
	reported := make(map[[2]place]bool)
	for w := range week {
		next := (w + 1) % 7
		for _, p := range week[w] {
			for _, q := range week[next] {
				pair := [2]place{p.place, q.place}
				if p.Overlaps(q.Period, 1) && !reported[pair] {
					reported[pair] = true
					c.at(q.place, "calendars.weekly.hours: %s of %s overlaps %s of the day before; let one end when the other begins",
						q.Period, calendar.WeekdayName(time.Weekday(next)), p.Period)
				}
			}
		}
	}
}

// itemDays are the day, or those from day to last.
func (c *checker) itemDays(day, last text, key string) []calendar.Day {
	first, ok := c.day(day, key+".day")
	if !ok {
		return nil
	}
	if !last.set {
		return []calendar.Day{first}
	}
	end, ok := c.day(last, key+".last_day")
	switch {
	case !ok:
		return nil
	case end.Before(first):
		c.at(last.place, "%s.last_day: %s is before %s; write a later day, or remove the key", key, end, first)
		return nil
	case first.AddDays(longestRange - 1).Before(end):
		c.at(last.place, "%s.last_day: %s is more than %d days after %s; correct it, or write several items", key, end, longestRange-1, first)
		return nil
	}
	var list []calendar.Day
	for d := first; !end.Before(d); d = d.Next() {
		if c.days++; c.days > mostDays {
			c.at(last.place, "%s.last_day: the items of this file stand for more than %d days; write fewer", key, mostDays)
			return nil
		}
		list = append(list, d)
	}
	return list
}

func (c *checker) day(t text, key string) (day calendar.Day, ok bool) {
	if !t.set {
		return day, false
	}
	day, err := calendar.ParseDay(t.v)
	if err != nil {
		c.at(t.place, "%s: %s is not a day; write year-month-day, for example 2026-10-01", key, quoted(t.v))
	}
	return day, err == nil
}
