package app

import (
	"net/netip"
	"reflect"
	"testing"

	asteriskconf "hotline/asterisk-conf"
	"hotline/internal/config"
)

func TestAsteriskKnowsWhereCallsToTheCarrierGo(t *testing.T) {
	cfg := &config.Config{Asterisk: config.Asterisk{
		Nodes: []config.Node{{ID: "a1", URL: "http://127.0.0.1:8088"}},
		Trunks: []config.Trunk{
			{Name: "carrier", Match: []string{"203.0.113.10"}, Contact: "sip:203.0.113.10"},
			{Name: "other", Match: []string{"203.0.113.11"}},
		},
	}}
	params, err := AsteriskParams(cfg, "a1")
	if err != nil {
		t.Fatal(err)
	}
	want := []asteriskconf.Trunk{
		{Name: "carrier", Match: []string{"203.0.113.10"}, Contact: "sip:203.0.113.10"},
		{Name: "other", Match: []string{"203.0.113.11"}},
	}
	if !reflect.DeepEqual(params.Trunks, want) {
		t.Errorf("trunks: got %v, want %v", params.Trunks, want)
	}
	if want := netip.MustParseAddrPort("127.0.0.1:8088"); params.HTTPListen != want {
		t.Errorf("ARI: got %v, want %v", params.HTTPListen, want)
	}
}
