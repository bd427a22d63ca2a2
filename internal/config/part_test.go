package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestRoutingNeedsNoSecrets(t *testing.T) {
	for _, path := range append(fixtures(t, "good"), "../../deploy/hotline.example.yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParseRouting(path, data)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		routing := parsed.ACD
		if parsed.Location.String() != "Asia/Shanghai" || len(routing.Agents) == 0 || len(routing.Seats) == 0 || len(routing.Queues) == 0 || len(routing.Entries) == 0 {
			t.Errorf("%s: something is missing: %d agents, %d seats", path, len(routing.Agents), len(routing.Seats))
		}
	}
}

func TestRoutingIsAsStrict(t *testing.T) {
	_, err := ParseRouting("r.yaml", []byte("queus: []\nentries: [{number: \"1\", queue: b}]\nqueues: [{id: a}]\nseats: [{range: 8001-8002}]\nagents: [{id: \"1\", queues: [a]}]\n"))
	want := "r.yaml:1:1: queus is not a known key; write queues\n" +
		"r.yaml:2:32: number 1 leads to the unknown queue \"b\"; configured are: a"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestPassedOverSectionsExist(t *testing.T) {
	known := strings.Join(keysOf(reflect.TypeFor[file]()), " ") + " "
	for section := range notRouting {
		if !strings.Contains(known, section+" ") {
			t.Errorf("%s is no section of the file", section)
		}
	}
}
