package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
)

// Figures are those of today's traffic figures that a summary needs. An
// average or rate is nil while there is nothing to divide by.
type Figures struct {
	Offered     int      `json:"offered"`
	Answered    int      `json:"answered"`
	Abandoned   int      `json:"abandoned"`
	NotOffered  int      `json:"not_offered"`
	ConnectRate *float64 `json:"connect_rate"`
	AverageWait *float64 `json:"average_wait"`
	AverageTalk *float64 `json:"average_talk"`
	RONA        int      `json:"rona"`
}

// Today asks the API for today's figures of the site.
func (l *Lab) Today(ctx context.Context) (Figures, error) {
	var day struct {
		Site Figures `json:"site"`
	}
	err := l.Get(ctx, "/api/v1/traffic/today", &day)
	return day.Site, err
}

// Get asks the API for something and decodes it.
func (l *Lab) Get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.API+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+l.Config.HTTP.Token.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// Hotline runs a command of the program with the lab's configuration, and
// returns what it prints.
func (l *Lab) Hotline(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, l.binary, append(args, "--config", l.ConfigFile)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("hotline %v: %w: %s", args, err, out)
	}
	return string(out), nil
}

// Snapshot is the live state, as far as a view of it needs.
type Snapshot struct {
	Waiting     int     // in all queues, including those for whom a phone rings
	LongestWait float64 // seconds
	Talking     int
	Calls       int            // in progress, also those not yet in a queue
	Agents      map[string]int // by state
	Offered     int            // since the controller started
}

// Snapshot asks the API for the live state.
func (l *Lab) Snapshot(ctx context.Context) (Snapshot, error) {
	var live struct {
		Queues []struct {
			Waiting     int     `json:"waiting"`
			LongestWait float64 `json:"longest_wait"`
			Talking     int     `json:"talking"`
			SinceStart  struct {
				Offered int `json:"offered"`
			} `json:"since_start"`
		} `json:"queues"`
		Agents []struct {
			State string `json:"state"`
		} `json:"agents"`
		Calls []struct{} `json:"calls"`
	}
	if err := l.Get(ctx, "/api/v1/snapshot", &live); err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Calls: len(live.Calls), Agents: make(map[string]int)}
	for _, q := range live.Queues {
		s.Waiting += q.Waiting
		s.Talking += q.Talking
		s.Offered += q.SinceStart.Offered
		s.LongestWait = max(s.LongestWait, q.LongestWait)
	}
	for _, a := range live.Agents {
		s.Agents[a.State]++
	}
	return s, nil
}
