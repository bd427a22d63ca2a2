package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/zap"

	"hotline/internal/asterisk"
	"hotline/internal/config"
	"hotline/internal/httpapi"
)

// With an address for operations the metrics are there and no longer at the API.
func TestOperationsHaveAnAddressOfTheirOwn(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := netip.MustParseAddrPort(free.Addr().String())
	serves := httpapi.Options{Control: quiet{}, Metrics: http.NotFoundHandler(), Ready: func() []error { return nil }}
	cfg := &config.Config{}
	if components, err := operations(cfg, &serves, zap.NewNop()); len(components) != 0 || err != nil || serves.Metrics == nil {
		t.Error(components, err)
	}
	cfg.Operations.Listen = address
	if _, err := operations(cfg, &serves, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "operations.listen") {
		t.Error(err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	components, err := operations(cfg, &serves, zap.NewNop())
	if err != nil || len(components) != 1 || serves.Metrics != nil {
		t.Fatal(components, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- components[0].run(ctx) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address.String() + "/debug/pprof/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	if _ = answer.Body.Close(); answer.StatusCode != 200 {
		t.Error(answer.Status)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestADeadNodeDoesNotKeepTheOthersFromServing(t *testing.T) {
	away := &asterisk.NodeError{Node: "a1", Problem: asterisk.Unreachable}
	wrong := &asterisk.NodeError{Node: "a2", Problem: asterisk.WrongPassword}
	for name, test := range map[string]struct {
		probed error
		nodes  int
		fails  bool
	}{
		"all answer":            {nil, 2, false},
		"one of two is away":    {errors.Join(away), 2, false},
		"the only one is away":  {errors.Join(away), 1, true},
		"both are away":         {errors.Join(away, away), 2, true},
		"one has another word":  {errors.Join(wrong), 2, true},
		"one away, one refuses": {errors.Join(away, wrong), 3, true},
	} {
		if err := bearable(test.probed, test.nodes, zap.NewNop()); (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}
