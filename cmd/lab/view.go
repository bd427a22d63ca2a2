package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"hotline/internal/lab"
	"hotline/internal/phonescript"
)

// Pauses between two views: on a terminal the view is drawn in place, elsewhere
// (a file, CI) it is a line now and then.
const (
	redraw  = time.Second
	lineGap = 5 * time.Second
)

// show prints live figures until ctx is done.
func show(ctx context.Context, l *lab.Lab, script *phonescript.Script, out io.Writer) {
	terminal := isTerminal(out)
	pause := lineGap
	if terminal {
		pause = redraw
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	drawn := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		live, err := l.Snapshot(ctx)
		if err != nil {
			continue // at the very end, or for a moment; the account tells
		}
		today, err := l.Today(ctx)
		if err != nil {
			continue
		}
		if !terminal {
			fmt.Fprintln(out, line(live, today, script.Live()))
			continue
		}
		if drawn > 0 {
			fmt.Fprintf(out, "\x1b[%dA", drawn)
		}
		text := board(live, today, script.Live())
		drawn = strings.Count(text, "\n")
		fmt.Fprint(out, strings.ReplaceAll(text, "\n", "\x1b[K\n"))
	}
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// value prints a figure with its unit, or a dash while there is none.
func value(v *float64, unit string) string {
	if v == nil {
		return "—"
	}
	return strconv.FormatFloat(*v, 'f', -1, 64) + unit
}

func line(s lab.Snapshot, f lab.Figures, p phonescript.Live) string {
	return fmt.Sprintf("%3.0fs  waiting %d (longest %.0fs)  talking %d  ready %d  wrap-up %d  not ready %d | offered %d  answered %d  abandoned %d  connect rate %s  average wait %s  average talk %s",
		p.Elapsed.Seconds(), s.Waiting, s.LongestWait, s.Talking, s.Agents["ready"], s.Agents["wrap_up"], s.Agents["not_ready"],
		f.Offered, f.Answered, f.Abandoned, value(f.ConnectRate, "%"), value(f.AverageWait, "s"), value(f.AverageTalk, "s"))
}

// board is the view for a terminal of 80 columns.
func board(s lab.Snapshot, f lab.Figures, p phonescript.Live) string {
	return fmt.Sprintf(`12345 热线演示 hotline demo · %s · Ctrl-C 结束 ends it
  排队 waiting        %4d    最长等候 longest wait   %5.0f s
  通话 talking        %4d    电话端 phones: placed   %5d
  坐席 agents         空闲 ready %d · 振铃 ringing %d · 通话 talking %d
                      整理 wrap-up %d · 示忙 not ready %d · 离席 logged out %d
  来电 offered        %4d    接通 answered           %5d
  放弃 abandoned      %4d    接通率 connect rate     %5s
  平均等待 avg wait   %4s    平均通话 avg talk       %5s
`, p.Elapsed.Round(time.Second), s.Waiting, s.LongestWait, s.Talking, p.Placed,
		s.Agents["ready"], s.Agents["ringing"], s.Agents["talking"], s.Agents["wrap_up"], s.Agents["not_ready"], s.Agents["logged_out"],
		f.Offered, f.Answered, f.Abandoned, value(f.ConnectRate, "%"), value(f.AverageWait, "s"), value(f.AverageTalk, "s"))
}
