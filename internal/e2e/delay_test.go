package e2e

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"hotline/internal/lab"
)

// delays measures how late this machine does what is asked of it while the calls
// are on: a question to Asterisk that needs no work (ARI's ping), over and over,
// and by how much each answer took longer than the quickest. The question takes
// the way that hotline's requests take, from process to process, and hotline has
// no part in it: a hotline that polls or sleeps does not make the machine late.
type delays struct {
	cancel context.CancelFunc
	took   chan []time.Duration // given once, at the end
}

// pause between two questions: some thousands a minute, a load of a few per cent
// of one core.
const pause = 20 * time.Millisecond

// measureDelays measures while busy says so, until it is asked for the result or
// the test ends. Quiet minutes before and after would make a loaded machine look
// quiet.
func measureDelays(t *testing.T, l *lab.Lab, busy func() bool) *delays {
	ctx, cancel := context.WithCancel(t.Context())
	d := &delays{cancel: cancel, took: make(chan []time.Duration, 1)}
	go func() {
		var took []time.Duration
		defer func() { d.took <- took }()
		client := http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		// Each question is due at its time, also when the answer before it is
		// late, and counts from then: else the worst moments would be asked
		// about least.
		for due := time.Now(); ; due = due.Add(pause) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(due)):
			}
			if busy() && ping(ctx, &client, l) == nil {
				took = append(took, time.Since(due))
			}
		}
	}()
	t.Cleanup(cancel)
	return d
}

func ping(ctx context.Context, client *http.Client, l *lab.Lab) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.Asterisk.URL+"/asterisk/ping", nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(l.Asterisk.Params.ARIUser, l.Asterisk.Params.ARIPassword)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// end ends the measurement and returns, in order, what so many delays one after
// the other came to; the quickest answer is no delay.
func (d *delays) end(inARow int) []time.Duration {
	d.cancel()
	took := <-d.took
	if len(took) < inARow {
		return nil
	}
	quickest := slices.Min(took)
	var sums []time.Duration
	for i := range len(took) - inARow + 1 {
		sum := -time.Duration(inARow) * quickest
		for _, one := range took[i : i+inARow] {
			sum += one
		}
		sums = append(sums, sum)
	}
	slices.Sort(sums)
	return sums
}

// quantile of ordered values, in milliseconds; 0 without any.
func quantile(ordered []time.Duration, q float64) float64 {
	if len(ordered) == 0 {
		return 0
	}
	at := min(int(q*float64(len(ordered))), len(ordered)-1)
	return float64(ordered[at]) / float64(time.Millisecond)
}
