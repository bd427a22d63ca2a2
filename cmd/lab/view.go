package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"hotline/internal/apiclient"
	"hotline/internal/lab"
	"hotline/internal/liveview"
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
		board, err := ask(ctx, l.Client, script.Live())
		if err != nil {
			continue // at the very end, or for a moment; the account tells
		}
		if !terminal {
			fmt.Fprintf(out, "%3.0fs  %s\n", script.Live().Elapsed.Seconds(), liveview.Line(board))
			continue
		}
		if drawn > 0 {
			fmt.Fprintf(out, "\x1b[%dA", drawn)
		}
		text := liveview.Render(board)
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

// ask takes what the board shows from the API, and what the phones tell.
func ask(ctx context.Context, api *apiclient.Client, phones phonescript.Live) (liveview.Board, error) {
	live, err := api.Snapshot(ctx)
	if err != nil {
		return liveview.Board{}, err
	}
	today, err := api.Today(ctx)
	if err != nil {
		return liveview.Board{}, err
	}
	people := fmt.Sprintf("  电话端 phones: 已拨 placed %d · 接通 answered %d · 放弃 gave up %d", phones.Placed, phones.Answered, phones.Abandoned)
	if phones.Placed == 0 {
		people = fmt.Sprintf("  电话端 phones: 坐席登录 agents logged in %d / %d", phones.Seated, demoAgents)
	}
	return liveview.Board{
		Title: fmt.Sprintf("12345 热线演示 hotline demo · %s · Ctrl-C 结束 ends it", phones.Elapsed.Round(time.Second)),
		Live:  live,
		Today: &today,
		Notes: []string{people},
	}, nil
}
