package acd_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
)

// words are the words of one line of a transcript: a verb, plain words and
// key=value. What nobody asks for is an error.
type words struct {
	verb  string
	plain []string
	keys  map[string]string
	err   error
}

func parseWords(text string) *words {
	w := &words{keys: map[string]string{}}
	for _, word := range strings.Fields(text) {
		key, value, isKey := strings.Cut(word, "=")
		_, twice := w.keys[key]
		switch {
		case w.verb == "":
			w.verb = word
		case isKey && twice:
			w.wrong("%s is given twice", key)
		case isKey:
			w.keys[key] = value
		default:
			w.plain = append(w.plain, word)
		}
	}
	return w
}

func (w *words) wrong(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// next is the next plain word; what says what it ought to be.
func (w *words) next(what string) string {
	if len(w.plain) == 0 {
		w.wrong("%s needs %s", w.verb, what)
		return ""
	}
	first := w.plain[0]
	w.plain = w.plain[1:]
	return first
}

// flag reports whether a plain word stands in the line.
func (w *words) flag(word string) bool {
	i := slices.Index(w.plain, word)
	if i < 0 {
		return false
	}
	w.plain = slices.Delete(w.plain, i, i+1)
	return true
}

// value hands the value of a key to use, if the key is given.
func (w *words) value(key string, use func(string) error) {
	text, given := w.keys[key]
	if !given {
		return
	}
	delete(w.keys, key)
	if err := use(text); err != nil {
		w.wrong("%s=%s: %v", key, text, err)
	}
}

func (w *words) duration(key string, into *time.Duration) {
	w.value(key, func(s string) (err error) { *into, err = time.ParseDuration(s); return err })
}

func (w *words) whole(key string, into *int) {
	w.value(key, func(s string) (err error) { *into, err = strconv.Atoi(s); return err })
}

func (w *words) number(key string, into *float64) {
	w.value(key, func(s string) (err error) { *into, err = strconv.ParseFloat(s, 64); return err })
}

func setWord[T ~string](w *words, key string, into *T) {
	w.value(key, func(s string) error { *into = T(s); return nil })
}

func setList[T ~string](w *words, key string, into *[]T) {
	w.value(key, func(s string) error { *into = listOf[T](s); return nil })
}

func listOf[T ~string](s string) (list []T) {
	for item := range strings.SplitSeq(s, ",") {
		if item != "" {
			list = append(list, T(item))
		}
	}
	return list
}

func (w *words) level(key string, into *acd.Level) {
	w.value(key, func(s string) error {
		n, err := strconv.Atoi(s)
		*into = acd.Level(n)
		return err
	})
}

// eachLevel reads english:3,german:5.
func (w *words) eachLevel(key string, use func(name string, level acd.Level), begin func()) {
	w.value(key, func(s string) error {
		begin()
		for _, item := range listOf[string](s) {
			name, level, _ := strings.Cut(item, ":")
			n, err := strconv.Atoi(level)
			if err != nil {
				return err
			}
			use(name, acd.Level(n))
		}
		return nil
	})
}

func (w *words) requirements(key string, into *[]acd.Requirement) {
	w.eachLevel(key, func(name string, l acd.Level) {
		*into = append(*into, acd.Requirement{Skill: acd.SkillID(name), Level: l})
	}, func() { *into = nil })
}

// done is the first error, or an error about words that nobody asked for.
func (w *words) done() error {
	for key := range w.keys {
		w.wrong("%s does not know the key %q", w.verb, key)
	}
	if len(w.plain) > 0 {
		w.wrong("%s does not know the word %q", w.verb, w.plain[0])
	}
	return w.err
}

// hours are open from one time of the day to another.
type hours struct{ from, to time.Duration }

func (h hours) Open(at time.Time) bool {
	since := at.Sub(at.Truncate(24 * time.Hour))
	return since >= h.from && since < h.to
}

func parseHours(s string) (h hours, err error) {
	from, to, _ := strings.Cut(s, "-")
	for _, part := range []struct {
		text string
		into *time.Duration
	}{{from, &h.from}, {to, &h.to}} {
		at, err := time.Parse("15:04", part.text)
		if err != nil {
			return h, err
		}
		*part.into = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	}
	return h, nil
}

// change applies one line about the site. A line about something that exists
// changes what it names and leaves the rest.
func change(cfg *acd.Config, text string) error {
	w := parseWords(text)
	switch w.verb {
	case "entry":
		changeEntry(cfg, w)
	case "agent":
		changeAgent(cfg, w)
	case "partner":
		changePartner(cfg, w)
	case "seats":
		cfg.Seats = listOf[acd.SeatID](w.next("seats"))
	case "reasons":
		cfg.NotReadyReasons = nil
		for _, name := range listOf[string](w.next("reasons")) {
			cfg.NotReadyReasons = append(cfg.NotReadyReasons, acd.NotReadyReason{Name: name})
		}
	case "admission":
		w.number("pace", &cfg.Admission.Pace)
		w.whole("burst", &cfg.Admission.Burst)
		setList(w, "prompts", &cfg.Admission.Prompts)
	case "site":
		setList(w, "blocked", &cfg.BlockedPrompts)
		w.duration("point", &cfg.PriorityWorth)
		w.value("seed", func(s string) (err error) { cfg.Seed, err = strconv.ParseUint(s, 10, 64); return err })
	case "remove":
		remove(cfg, w)
	default:
		changeQueue(cfg, w)
	}
	return w.done()
}

func remove(cfg *acd.Config, w *words) {
	what, name := w.next("what"), w.next("a name")
	count := func() int { return len(cfg.Agents) + len(cfg.Queues) + len(cfg.Entries) + len(cfg.Partners) }
	before := count()
	switch what {
	case "agent":
		cfg.Agents = slices.DeleteFunc(cfg.Agents, func(a acd.Agent) bool { return string(a.ID) == name })
	case "queue":
		cfg.Queues = slices.DeleteFunc(cfg.Queues, func(q acd.Queue) bool { return string(q.ID) == name })
	case "entry":
		cfg.Entries = slices.DeleteFunc(cfg.Entries, func(e acd.Entry) bool { return e.Number == name })
	case "partner":
		cfg.Partners = slices.DeleteFunc(cfg.Partners, func(p acd.Partner) bool { return string(p.ID) == name })
	default:
		w.wrong("remove does not know the word %q", what)
	}
	if count() == before {
		w.wrong("there is no %s %s to remove", what, name)
	}
}

// find is the element of that name, appended if there is none.
func find[T any](list *[]T, is func(T) bool, fresh T) *T {
	i := slices.IndexFunc(*list, is)
	if i < 0 {
		*list = append(*list, fresh)
		i = len(*list) - 1
	}
	return &(*list)[i]
}

func changeEntry(cfg *acd.Config, w *words) {
	number := w.next("a number")
	e := find(&cfg.Entries, func(e acd.Entry) bool { return e.Number == number }, acd.Entry{Number: number})
	setWord(w, "queue", &e.Queue)
	setList(w, "greeting", &e.Greeting)
	w.whole("priority", &e.Priority)
	w.requirements("skills", &e.Skills)
}

func changePartner(cfg *acd.Config, w *words) {
	id := acd.PartnerID(w.next("a partner"))
	p := find(&cfg.Partners, func(p acd.Partner) bool { return p.ID == id },
		acd.Partner{ID: id, AtMost: 1, RingTimeout: 20 * time.Second, Rest: 30 * time.Second})
	setWord(w, "number", &p.Number)
	w.whole("at-most", &p.AtMost)
	w.duration("ring", &p.RingTimeout)
	w.duration("rest", &p.Rest)
	p.ShowCaller = p.ShowCaller || w.flag("show-caller")
}

func changeAgent(cfg *acd.Config, w *words) {
	id := acd.AgentID(w.next("a work number"))
	a := find(&cfg.Agents, func(a acd.Agent) bool { return a.ID == id }, acd.Agent{ID: id})
	setList(w, "queues", &a.Queues)
	w.eachLevel("levels", func(q string, l acd.Level) { a.Levels[acd.QueueID(q)] = l }, func() { a.Levels = map[acd.QueueID]acd.Level{} })
	w.eachLevel("skills", func(s string, l acd.Level) { a.Skills[acd.SkillID(s)] = l }, func() { a.Skills = map[acd.SkillID]acd.Level{} })
	w.number("weight", &a.Weight)
	w.duration("wrap", &a.WrapUp)
}

// changeQueue takes the lines of a queue: queue, and what belongs to one.
func changeQueue(cfg *acd.Config, w *words) {
	if !slices.Contains([]string{"queue", "relax", "overflow", "callback", "redial", "last", "announce", "rating"}, w.verb) {
		w.wrong("unknown word %q", w.verb)
		return
	}
	id := acd.QueueID(w.next("a queue"))
	if w.verb != "queue" && !slices.ContainsFunc(cfg.Queues, func(q acd.Queue) bool { return q.ID == id }) {
		w.wrong("%s: there is no queue %q", w.verb, id)
		return
	}
	q := find(&cfg.Queues, func(q acd.Queue) bool { return q.ID == id },
		acd.Queue{ID: id, Music: "default", RingTimeout: 15 * time.Second})
	switch w.verb {
	case "queue":
		w.duration("ring", &q.RingTimeout)
		w.duration("wrap", &q.WrapUp)
		w.duration("not-again", &q.NotAgain)
		w.whole("at-once", &q.RingAtOnce)
		w.number("weight", &q.Weight)
		w.level("level", &q.Level)
		setWord(w, "strategy", &q.Strategy)
		if w.flag("ringback") {
			q.Ringback = true
		}
		w.value("open", func(s string) error {
			h, err := parseHours(s)
			q.Hours = h
			return err
		})
	case "relax":
		var step acd.Relaxation
		w.duration("after", &step.After)
		w.level("level", &step.Level)
		w.requirements("skills", &step.Skills)
		setList(w, "helped-by", &step.Queues)
		q.Relax = append(slices.Clone(q.Relax), step)
	case "overflow":
		changeOverflow(q, w)
	case "callback":
		if w.flag("none") {
			q.Callback = acd.Callback{}
		}
		w.whole("attempts", &q.Callback.Attempts)
		w.duration("spacing", &q.Callback.Spacing)
		w.duration("ring", &q.Callback.RingTimeout)
		w.duration("within", &q.Callback.Within)
		w.duration("missed-after", &q.Callback.MissedAfter)
		q.Callback.Missed = q.Callback.Missed || w.flag("missed")
		setList(w, "booked", &q.Callback.BookedPrompts)
	case "redial":
		w.duration("within", &q.Redial.Within)
		w.duration("after", &q.Redial.After)
		w.whole("at-most", &q.Redial.AtMost)
	case "last":
		w.duration("within", &q.LastAgent.Within)
		w.duration("wait", &q.LastAgent.Wait)
	case "rating":
		if w.flag("none") {
			q.Rating = acd.Rating{}
			return
		}
		setList(w, "prompts", &q.Rating.Prompts)
		setList(w, "thanks", &q.Rating.Thanks)
		w.whole("attempts", &q.Rating.Attempts)
		w.duration("timeout", &q.Rating.Timeout)
	case "announce":
		w.duration("after", &q.Announce.After)
		w.duration("every", &q.Announce.Every)
	}
}

func changeOverflow(q *acd.Queue, w *words) {
	if w.flag("none") {
		q.Overflow = nil
		return
	}
	var rule acd.Overflow
	rule.Closed, rule.NoAgents = w.flag("closed"), w.flag("no-agents")
	w.whole("length", &rule.Length)
	w.duration("expected", &rule.Expected)
	w.duration("wait", &rule.Wait)
	setList(w, "prompts", &rule.Prompts)
	setWord(w, "to", &rule.To)
	setWord(w, "partner", &rule.Partner)
	rule.Callback, rule.Refuse = w.flag("callback"), w.flag("refuse")
	q.Overflow = append(slices.Clone(q.Overflow), rule)
}
