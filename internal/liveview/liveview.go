package liveview

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/httpapi/view"
)

// Columns is the width of the widest line.
const Columns = 80

// none stands for a figure that is not known or has no denominator.
const none = "—"

// Board is what is shown.
type Board struct {
	Title string
	Live  view.Snapshot
	Today *view.Traffic // nil: not known
	Notes []string      // lines at the end
}

// totals are the figures of all queues together.
type totals struct {
	waiting, talking int
	longest          time.Duration
	agents           map[acd.AgentState]int
}

func (b Board) totals() totals {
	t := totals{agents: make(map[acd.AgentState]int)}
	for _, q := range b.Live.Queues {
		t.waiting += q.Waiting
		t.talking += q.Talking
		t.longest = max(t.longest, q.LongestWait.Duration())
	}
	for _, a := range b.Live.Agents {
		t.agents[a.State]++
	}
	return t
}

// today are the day's figures as text.
type today struct{ offered, answered, abandoned, connectRate, averageWait, averageTalk string }

func (b Board) today() today {
	if b.Today == nil {
		return today{none, none, none, none, none, none}
	}
	f := b.Today.Site
	return today{
		strconv.FormatInt(f.Offered, 10), strconv.FormatInt(f.Answered, 10), strconv.FormatInt(f.Abandoned, 10),
		number(f.ConnectRate, "%"), number(f.AverageWait, " s"), number(f.AverageTalk, " s"),
	}
}

func number(v *json.Number, unit string) string {
	if v == nil {
		return none
	}
	return v.String() + unit
}

// wholeSeconds shows a wait as a clock on the wall would: seconds that are over.
func wholeSeconds(d time.Duration) string {
	return strconv.Itoa(int(math.Floor(d.Seconds()))) + " s"
}

// Render draws the board. Every line ends with a line feed and is at most
// Columns wide.
func Render(b Board) string {
	t, day := b.totals(), b.today()
	var out strings.Builder
	line := func(s string) { out.WriteString(Cut(s, Columns) + "\n") }
	pair := func(leftLabel, left, rightLabel, right string) {
		line("  " + cell(leftLabel, left, 36) + "    " + cell(rightLabel, right, 36))
	}
	line(b.Title)
	line(strings.Repeat("-", Columns))
	pair("排队 waiting", strconv.Itoa(t.waiting), "最长等候 longest wait", wholeSeconds(t.longest))
	pair("通话 talking", strconv.Itoa(t.talking), "来电 offered", day.offered)
	pair("接通 answered", day.answered, "放弃 abandoned", day.abandoned)
	pair("接通率 connect rate", day.connectRate, "平均等待 average wait", day.averageWait)
	pair("坐席 agents", strconv.Itoa(len(b.Live.Agents)), "平均通话 average talk", day.averageTalk)
	state := func(label string, s acd.AgentState) string { return Pad(label, 18) + fmt.Sprintf("%4d", t.agents[s]) }
	line("  " + state("空闲 ready", acd.Ready) + "    " + state("振铃 ringing", acd.Ringing) + "    " + state("通话 talking", acd.Talking))
	line("  " + state("整理 wrap-up", acd.WrapUp) + "    " + state("示忙 not ready", acd.NotReady) + "    " + state("离席 logged out", acd.LoggedOut))
	if len(b.Live.Queues) > 1 {
		for _, q := range b.Live.Queues {
			line(fmt.Sprintf("  %s 排队 waiting %4d  最长 longest %7s  空闲 ready %4d",
				Pad(Cut(q.Title, 16), 16), q.Waiting, wholeSeconds(q.LongestWait.Duration()), q.Agents[acd.Ready]))
		}
	}
	for _, note := range b.Notes {
		line(note)
	}
	return out.String()
}

// Line is the board in one line without a line feed, for logs and files.
func Line(b Board) string {
	t, day := b.totals(), b.today()
	return fmt.Sprintf("waiting %d (longest %s)  talking %d  ready %d  wrap-up %d  not ready %d | offered %s  answered %s  abandoned %s  connect rate %s  average wait %s  average talk %s",
		t.waiting, wholeSeconds(t.longest), t.talking, t.agents[acd.Ready], t.agents[acd.WrapUp], t.agents[acd.NotReady],
		day.offered, day.answered, day.abandoned, day.connectRate, day.averageWait, day.averageTalk)
}

// cell puts a label at the left and a figure at the right of so many columns.
func cell(label, figure string, columns int) string {
	return label + strings.Repeat(" ", max(1, columns-Width(label)-Width(figure))) + figure
}
