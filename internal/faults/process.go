package faults

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hotline/internal/lab"
)

// instances are the controllers that run.
func (h *house) instances() (running []*lab.Instance) {
	for _, i := range []*lab.Instance{h.leader, h.standby} {
		if i != nil && i.PID() != 0 {
			running = append(running, i)
		}
	}
	return running
}

// stopServing ends all controllers, the leader last, so that nothing is handed over at
// the end.
func (h *house) stopServing(ctx context.Context) error {
	running := h.instances()
	leads := h.api(ctx)
	slices.SortStableFunc(running, func(a, b *lab.Instance) int {
		if a.Client == leads {
			return 1
		}
		if b.Client == leads {
			return -1
		}
		return 0
	})
	for _, i := range running {
		if err := i.Stop(); err != nil {
			return err
		}
	}
	return nil
}

// breaches finds invariants that a controller has seen broken.
func (h *house) breaches(ctx context.Context, result *Result) {
	for _, i := range h.instances() {
		n, err := metric(ctx, i, "hotline_invariant_breaches_total")
		if err != nil {
			result.wrong("metrics of controller %s: %v", i.Name, err)
		} else if n != 0 {
			result.wrong("controller %s has seen %v invariants broken", i.Name, n)
		}
	}
}

// metric is the sum of a metric over its labels; 0 when there is none.
func metric(ctx context.Context, i *lab.Instance, name string) (sum float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.API+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		rest, found := strings.CutPrefix(lines.Text(), name)
		if !found || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		sum += v
	}
	return sum, lines.Err()
}
