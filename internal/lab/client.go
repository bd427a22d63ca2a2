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
