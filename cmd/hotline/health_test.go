package main

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"hotline/internal/config"
)

func TestHealth(t *testing.T) {
	var asked []string
	s := answers{"GET /healthz": `{"status":"standby","version":"1.2"}`}.serve(t, (*httptest.Server).Start, &asked)
	at := config.HTTP{Listen: netip.MustParseAddrPort(strings.TrimPrefix(s.URL, "http://")), Token: config.NewSecret("right")}
	if out, err := ask(at, "health"); err != nil || out != "standby (1.2)\n" {
		t.Errorf("%q, %v", out, err)
	}
	at.Token = config.NewSecret("wrong") // whatever is refused is no health
	if out, err := ask(at, "health"); err == nil || out != "" {
		t.Errorf("%q, %v", out, err)
	}
	s.Close()
	if out, err := ask(at, "health"); err == nil || out != "" {
		t.Errorf("nobody answers, but it says %q", out)
	}
}
