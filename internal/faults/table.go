package faults

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table prints results as a table, and beneath what there is to say about rows that
// missed their limits, or about all when verbose.
func Table(out io.Writer, results []Result, verbose bool) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "fault\tin progress\tdropped\tdied with node\tlost place\trecords lost\tdouble\taudio broken\tresumed s\tusual s\tlimit s\tverdict\t")
	for _, r := range results {
		verdict := "ok"
		switch {
		case r.Skipped != "":
			fmt.Fprintf(t, "%s\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\tskipped\t\n", r.Name)
			continue
		case !r.OK:
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.2f\t%.2f\t%.2f\t%s\t\n", r.Name, r.InProgress, r.Dropped+r.Unserved, r.Died, r.LostPlace,
			r.RecordsLost, r.RecordsDouble, r.AudioBroken, r.Resumed.Seconds(), r.Usual.Seconds(), r.Limit.Seconds(), verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var text strings.Builder
	for _, r := range results {
		if r.Skipped != "" {
			fmt.Fprintf(&text, "%s: skipped: %s\n", r.Name, r.Skipped)
		}
		if r.OK && !verbose {
			continue
		}
		for _, line := range append(r.Wrong, r.Notes...) {
			fmt.Fprintf(&text, "%s: %s\n", r.Name, line)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}
