package main

import (
	"strings"
	"testing"

	"hotline/internal/acd"
	"hotline/internal/config"
	"hotline/internal/lab"
)

func TestAddressesOfASiteWithoutACarrier(t *testing.T) {
	l := &lab.Lab{Config: &config.Config{
		HTTP:     config.HTTP{TokenFile: "/etc/hotline/token"},
		Asterisk: config.Asterisk{Nodes: []config.Node{{ID: "a1"}}},
		Entries:  []acd.Entry{{Number: "12345"}},
		Seats:    []config.Seat{{ID: "8001"}},
	}}
	text := addresses(l)
	for _, want := range []string{"asterisk.trunks is empty", "token: /etc/hotline/token", "seat-8001"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q: %s", want, text)
		}
	}
	l.Config.Asterisk.Trunks = []config.Trunk{{Name: "carrier", Match: []string{"192.0.2.1"}}}
	if text := addresses(l); !strings.Contains(text, "callers dial 12345 from the carrier's address [192.0.2.1]") {
		t.Error(text)
	}
}
