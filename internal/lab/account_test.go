package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotline/internal/apiclient"
	"hotline/internal/config"
	"hotline/internal/nethost"
)

// noHosts says why a test cannot have a network of hosts.
var noHosts error

func TestMain(m *testing.M) {
	noHosts = nethost.Isolate()
	goleak.VerifyTestMain(m)
}

// figures of a day as the API writes them.
func figures(offered, answered, abandoned, notOffered, rona int) map[string]int {
	return map[string]int{"offered": offered, "answered": answered, "abandoned": abandoned, "not_offered": notOffered, "rona": rona}
}

// crossing is a lab that was started two minutes ago, when it was a minute to
// midnight, and whose API has the given figures of yesterday and today.
func crossing(t *testing.T, yesterday, today map[string]int) *Lab {
	t.Helper()
	now := time.Now().UTC()
	sinceMidnight := now.Sub(now.Truncate(24 * time.Hour))
	zone := time.FixedZone("midnight a minute ago", -int((sinceMidnight - time.Minute).Seconds()))
	days := map[string]map[string]int{
		now.In(zone).AddDate(0, 0, -1).Format(time.DateOnly): yesterday,
		now.In(zone).Format(time.DateOnly):                   today,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		day := filepath.Base(r.URL.Path)
		site := days[day]
		if r.URL.Path != "/api/v1/traffic/days/"+day || site == nil {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"day": day, "site": site})
	}))
	t.Cleanup(server.Close)
	client := apiclient.New(server.URL, "")
	t.Cleanup(client.Close)
	return &Lab{Config: &config.Config{Location: zone}, Client: client, started: now.Add(-2 * time.Minute)}
}

func TestCallsOnBothSidesOfMidnightAreCounted(t *testing.T) {
	l := crossing(t, figures(7, 5, 2, 1, 3), figures(4, 4, 0, 2, 1))
	got, err := l.Total(t.Context())
	if want := (Totals{Offered: 11, Answered: 9, Abandoned: 2, NotOffered: 3, RONA: 4}); err != nil || got != want {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	if got.Ended() != 14 {
		t.Errorf("%d calls, want 14", got.Ended())
	}
}

// A program that notes how it is called, and finds a difference on one day.
func TestEveryDayIsPrintedAndVerified(t *testing.T) {
	l := crossing(t, nil, nil)
	days := l.Days()
	if len(days) != 2 {
		t.Fatalf("%v, want two days", days)
	}
	l.ConfigFile, l.binary = "site.yaml", filepath.Join(t.TempDir(), "hotline")
	write := func(script string) {
		t.Helper()
		if err := os.WriteFile(l.binary, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(`echo "$@"`)
	for command, run := range map[string]func() (string, error){
		"day":    func() (string, error) { return l.Tables(t.Context()) },
		"verify": func() (string, error) { return l.Verify(t.Context()) },
	} {
		want := ""
		for i, day := range days {
			if i > 0 && command == "day" {
				want += "\n"
			}
			want += fmt.Sprintf("traffic %s --day %s --config site.yaml\n", command, day)
		}
		if got, err := run(); err != nil || got != want {
			t.Errorf("%v, it ran\n%swant\n%s", err, got, want)
		}
	}
	for _, day := range days {
		write(fmt.Sprintf("[ $4 != %s ]", day))
		if _, err := l.Verify(t.Context()); err == nil {
			t.Errorf("a difference on %s of %v is not told", day, days)
		}
	}
}
