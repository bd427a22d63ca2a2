package alert

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hotline/internal/acd"
)

// The bounds. docs/events.md has them, too.
const (
	// unattended is how long callers wait in a queue without agents before it is told: an
	// agent who comes back from not ready needs no alert.
	unattended = 10 * time.Second
	// lingers is how long an alert stays that comes and goes with single calls and
	// connections, so that the wall does not flicker.
	lingers = 5 * time.Second

	// A wait of longWait targets is told, and no longer one under keepWait; over
	// critical it is not only a warning.
	longWait = 2
	keepWait = 1.5
	critical = 5 * time.Minute

	// The connect rate of GB/T 33358-2016, in per cent, and where it is well again. Of
	// fewer than leastCalls a rate says nothing.
	leastRate  = 95
	goodRate   = 95.5
	leastCalls = 20

	longNotReady = time.Hour
	longWrapUp   = 10 * time.Minute
)

// finding is what a rule has found in a look. Its Since is zero when only the looks can tell.
type finding struct {
	Alert
	after   time.Duration // since Since, before it is shown
	lingers time.Duration // after it was found last
	only    bool          // keeps an alert, and is not enough to begin one
	exact   bool          // Since is right each time, also that of an alert that lasts
}

func (l Look) findings() (all []finding) {
	for _, q := range l.Queues {
		all = append(all, l.queue(q)...)
	}
	for _, a := range l.Agents {
		all = append(all, l.agent(a)...)
	}
	return append(all, l.site()...)
}

func (l Look) queue(q acd.QueueStatus) (all []finding) {
	title := string(q.Queue)
	if q.Title != "" {
		title = q.Title
	}
	began := l.At.Add(-q.LongestWait).Round(0)
	if q.Waiting > 0 && atWork(q) == 0 {
		all = append(all, finding{after: unattended, lingers: lingers, Alert: Alert{
			ID: about(NobodyReady, q.Queue), Code: NobodyReady, Severity: Critical, Since: l.leftAlone(q.Queue, began), Queue: q.Queue, Value: value(float64(q.Waiting)),
			Detail: "Callers wait in " + title + ", and each of its agents is logged out or not ready.",
		}})
	}
	target := float64(l.Target)
	if wait := float64(q.LongestWait); q.Waiting > 0 && l.Target > 0 && wait > keepWait*target {
		bound := longWait * l.Target
		f := finding{lingers: lingers, only: q.LongestWait <= bound, Alert: Alert{
			ID: about(LongWait, q.Queue), Code: LongWait, Severity: Warning, Since: began.Add(bound), Queue: q.Queue, Value: value(math.Round(wait/1e6) / 1e3),
			Detail: fmt.Sprintf("Callers wait in %s for more than %s; the target is %s.", title, seconds(bound), seconds(l.Target)),
		}}
		if q.LongestWait > critical {
			f.Severity = Critical
			f.Detail = fmt.Sprintf("Callers wait in %s for more than five minutes; the target is %s.", title, seconds(l.Target))
		}
		all = append(all, f)
	}
	return all
}

// atWork are the agents of a queue who take calls now or when what they do is over.
func atWork(q acd.QueueStatus) int {
	return q.Agents[acd.Ready] + q.Agents[acd.Ringing] + q.Agents[acd.Talking] + q.Agents[acd.WrapUp]
}

// leftAlone is since when callers wait and nobody is at work: when the last agent ceased
// to be, if that was after the first of them came.
func (l Look) leftAlone(queue acd.QueueID, came time.Time) time.Time {
	for _, a := range l.Agents {
		if a.Since.After(came) && slices.Contains(a.Queues, queue) {
			came = a.Since
		}
	}
	return came
}

func (l Look) agent(a acd.AgentStatus) []finding {
	who := "Agent " + string(a.Agent)
	if a.Name != "" {
		who += " (" + a.Name + ")"
	}
	tell := func(code Code, after time.Duration, detail string) []finding {
		return []finding{{exact: true, Alert: Alert{
			ID: about(code, a.Agent), Code: code, Severity: Warning, Since: a.Since.Add(after), Agent: a.Agent, Detail: who + " " + detail,
		}}}
	}
	took := l.At.Sub(a.Since)
	switch {
	case a.Since.IsZero():
	case a.State == acd.NotReady && a.Reason == acd.ReasonRONA:
		return tell(AgentRONA, 0, "did not answer the phone and is set aside as not ready.")
	case a.State == acd.NotReady && (a.Reason == acd.ReasonUnreachable || a.Reason == acd.ReasonFailed):
		return tell(AgentUnreachable, 0, "is set aside as not ready: the phone at seat "+string(a.Seat)+" could not be rung.")
	case a.State == acd.NotReady && took >= longNotReady:
		return tell(LongNotReady, longNotReady, "has not been ready for more than 60 minutes ("+a.Reason+").")
	case a.State == acd.WrapUp && took >= longWrapUp:
		return tell(LongWrapUp, longWrapUp, "has been in wrap-up for more than 10 minutes.")
	}
	return nil
}

func (l Look) site() (all []finding) {
	if r := l.Rate; r.Offered >= leastCalls {
		rate := 100 * float64(r.Answered) / float64(r.Offered)
		if rate < goodRate {
			all = append(all, finding{only: rate >= leastRate, Alert: Alert{
				ID: string(ConnectRate), Code: ConnectRate, Severity: Warning, Value: value(math.Round(rate*100) / 100),
				Detail: fmt.Sprintf("%.2f %% of the calls of the last 24 hours were answered; GB/T 33358-2016 asks for 95 %%.", rate),
			}})
		}
	}
	for _, n := range l.Nodes {
		all = append(all, finding{lingers: lingers, Alert: Alert{ID: about(NodeDown, n.ID), Code: NodeDown, Severity: Critical, Node: n.ID, Detail: sentence(n.Why)}})
	}
	if l.Store != "" {
		code, severity := NotReady, Critical
		if l.Spools {
			code, severity = Spool, Warning
		}
		all = append(all, finding{lingers: lingers, Alert: Alert{ID: string(code), Code: code, Severity: severity, Detail: sentence(l.Store)}})
	}
	if len(l.Emergency) > 0 {
		all = append(all, finding{Alert: Alert{
			ID: string(EmergencyOn), Code: EmergencyOn, Severity: Warning, Detail: "Every caller hears the emergency announcement first: " + strings.Join(l.Emergency, ", ") + ".",
		}})
	}
	return all
}

func about[T ~string](code Code, whom T) string { return string(code) + ":" + string(whom) }

func value(v float64) *float64 { return &v }

func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// sentence makes one of the text of an error.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return "No reason is known."
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}
