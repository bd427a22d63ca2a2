package replay

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
)

// File is a file of the scenario's folder.
type File struct {
	Name string
	Text string
}

// ScenarioFile is the name of the scenario; the arrivals stand beside.
const ScenarioFile = "scenario.yaml"

// Summary says how much was recorded.
type Summary struct {
	Calls    int // dialled, redials among them
	Redials  int
	Answered int
	GaveUp   int
	Agents   int // who were seen
}

// Files writes the day as a scenario that names routingFile. The error says
// what the records lack.
func (r *Recorder) Files(routingFile string) ([]File, Summary, error) {
	switch {
	case len(r.calls) == 0:
		return nil, Summary{}, fmt.Errorf("there are no call records of %s; choose a day with calls", r.day)
	case len(r.talks) == 0:
		return nil, Summary{}, fmt.Errorf("no call of %s was answered, so that talks cannot be measured; choose another day", r.day)
	}
	firsts, again := r.firstDials()
	files := r.arrivals(firsts)
	w := &writer{}
	r.head(w, routingFile)
	w.line("arrivals:")
	for i, number := range r.numbers(firsts) {
		w.line("  - {entry: %s, recorded: %s}", strconv.Quote(number), strconv.Quote(files[i].Name))
	}
	r.callers(w, again)
	r.lines(w)
	r.agents(w)
	r.signs.sort()
	found := duties(r.routing, r.signs, r.offers, r.length)
	r.shifts(w, found)
	summary := Summary{
		Calls: len(r.calls), Redials: len(r.calls) - len(firsts), Answered: r.answered, GaveUp: r.gaveUp, Agents: len(found),
	}
	return append([]File{{ScenarioFile, w.String()}}, files...), summary, nil
}

// numbers are those that were dialled, in the order of the routing.
func (r *Recorder) numbers(calls []inbound) []string {
	var list []string
	for _, e := range r.routing.Entries {
		if slices.ContainsFunc(calls, func(c inbound) bool { return c.entry == e.Number }) {
			list = append(list, e.Number)
		}
	}
	return list
}

// arrivals has a file for each number: when persons dialled first, one a line.
func (r *Recorder) arrivals(calls []inbound) []File {
	var files []File
	for i, number := range r.numbers(calls) {
		name := strings.Map(func(c rune) rune {
			if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
				return c
			}
			return '-'
		}, number)
		if slices.ContainsFunc(files, func(f File) bool { return f.Name == "arrivals-"+name+".csv" }) {
			name += "-" + strconv.Itoa(i)
		}
		var b strings.Builder
		b.WriteString("arrived\n")
		for _, c := range calls {
			if c.entry == number {
				b.WriteString(r.start.Add(c.at).Format("2006-01-02T15:04:05.000Z07:00") + "\n")
			}
		}
		files = append(files, File{"arrivals-" + name + ".csv", b.String()})
	}
	return files
}

// writer gathers the lines of a scenario file.
type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// distribution writes a histogram, a few cells a line.
func (w *writer) distribution(indent, key string, cells []cell) {
	w.line("%s%s:", indent, key)
	w.line("%s  kind: histogram", indent)
	w.line("%s  cells: [", indent)
	for part := range slices.Chunk(cells, 6) {
		var items []string
		for _, c := range part {
			items = append(items, fmt.Sprintf("{up_to: %v, weight: %s}", c.upTo, strconv.FormatFloat(c.weight, 'g', 6, 64)))
		}
		w.line("%s    %s,", indent, strings.Join(items, ", "))
	}
	w.line("%s  ]", indent)
}

func (r *Recorder) head(w *writer, routingFile string) {
	w.line("# The calls of %s, from the call records, as a scenario of hotline simulate.", r.day)
	w.line("# Measured unless a comment says that it is assumed. docs/simulation.md says how.")
	for _, left := range []struct {
		n    int
		what string
	}{
		{r.blocked, "calls of blocked callers are left out"},
		{r.unknown, "calls to numbers that the routing does not have are left out"},
		{r.unknownAgent, "offers to agents whom the routing does not have are left out"},
	} {
		if left.n > 0 {
			w.line("# %d %s.", left.n, left.what)
		}
	}
	w.line("title: %s", strconv.Quote("话务回放 the calls of "+r.day.String()))
	w.line("routing: %s", strconv.Quote(routingFile))
	w.line("from: %s", r.day)
}

func (r *Recorder) callers(w *writer, again redials) {
	w.line("callers:")
	w.line("  # Kaplan-Meier: %d callers gave up; the others were answered or sent elsewhere before,", r.gaveUp)
	w.line("  # so that they were more patient than they waited.")
	if cells := patience(r.waits); cells != nil {
		w.distribution("  ", "patience", cells)
	} else {
		w.line("  patience: {kind: never}")
	}
	w.distribution("  ", "talk", histogram(r.talks))
	w.line("  hangs_up_first: %s", share(r.endedByCaller, len(r.talks)))
	w.line("  leaves_in_greeting: %s", share(r.leftInGreeting, r.leftInGreeting+r.offered))
	if len(again.delays) > 0 {
		w.line("  # The same number again within %v minutes of a call that came to nothing.", redialWithin.Minutes())
		w.line("  redial:")
		w.line("    probability: %.4f", again.gaveUp)
		w.line("    refused: %.4f", again.sentAway)
		w.distribution("    ", "delay", histogram(again.delays))
	}
	if r.asked > 0 || r.called > 0 {
		w.line("  # %d callers asked to be called back; who heard the offer is not recorded, so write", r.asked)
		w.line("  # what share takes it, and after which delay.")
		w.line("  callback: {takes: 0, answers: %s}", share(r.reached, r.called))
	}
	if r.referred > 0 {
		w.line("# Partners took %d calls; how many they were offered is not recorded, so write what share", r.referred)
		w.line("# they take, and how long they let the phone ring.")
		w.line("# partners: {takes: 0.5, answer: {kind: exponential, mean: 8s}}")
	}
}

// share is part / whole, 0 of nothing.
func share(part, whole int) string {
	return strconv.FormatFloat(float64(part)/float64(max(1, whole)), 'f', 4, 64)
}

// lines writes what the switch took. The time from lifting to being connected
// is not recorded by itself: it is part of the agents' answer.
func (r *Recorder) lines(w *writer) {
	w.line("switch:")
	if len(r.delays) > 0 {
		w.line("  ring_delay: %v", max(0, median(r.delays)).Round(time.Millisecond))
	}
	w.line("  connect_delay: 0s # it is part of agents.answer")
	known := map[string]bool{}
	var prompts []string
	for _, e := range r.routing.Entries {
		took := r.greetings[e.Number]
		if len(took) == 0 || len(e.Greeting) == 0 {
			continue
		}
		each := (median(took) / time.Duration(len(e.Greeting))).Round(time.Millisecond)
		for _, p := range e.Greeting {
			if !known[p] {
				known[p] = true
				prompts = append(prompts, fmt.Sprintf("{name: %s, length: %v}", strconv.Quote(p), max(0, each)))
			}
		}
	}
	if len(prompts) > 0 {
		w.line("  prompts: [%s] # greetings, from the call to the queue", strings.Join(prompts, ", "))
	}
}

func (r *Recorder) agents(w *writer) {
	w.line("agents:")
	offers := len(r.rings) + r.missed + r.refused + r.unreachable
	if len(r.rings) > 0 {
		w.distribution("  ", "answer", histogram(r.rings))
	} else {
		w.line("  answer: {kind: constant, mean: 3s} # assumed")
	}
	w.line("  no_answer: %s", share(r.missed, offers))
	w.line("  refuse: %s", share(r.refused, offers))
	w.line("  unreachable: %s", share(r.unreachable, offers))
	w.line("  back: {kind: exponential, mean: 45s} # assumed: records do not say when an agent was ready again")
	w.line("  ready_after_login: 0s")
}

func (r *Recorder) shifts(w *writer, found map[acd.AgentID][]span) {
	w.line("# Logins and breaks are not in the records. An agent is taken to have been away when calls")
	w.line("# went to others who had been idle for less long; where calls are not offered by idle time,")
	w.line("# when there was no sign of the agent for more than %v minutes.", silence.Minutes())
	w.line("# Wrap-up is not recorded either; the routing's is taken.")
	gaps := r.signs.wrapUps()
	for _, id := range slices.Sorted(maps.Keys(gaps)) {
		w.line("# After talks in %s, agents whose next caller waited already were rung after %v (median of %d).",
			id, median(gaps[id]).Round(100*time.Millisecond), len(gaps[id]))
	}
	w.line("shifts:")
	for _, s := range shiftsOf(found, r.length) {
		var agents []string
		for _, id := range s.agents {
			agents = append(agents, strconv.Quote(string(id)))
		}
		w.line("  - {begin: %q, end: %q, agents: [%s]}", clock(s.begin), clock(s.end), strings.Join(agents, ", "))
	}
}

func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }
