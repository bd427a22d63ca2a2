package asterisk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/coder/websocket"
)

// Finding is the answer to one question of Check.
type Finding struct {
	Name   string
	OK     bool
	Detail string // what was found
	Remedy string // what to do; empty when OK
}

// oldest Asterisk that is supported; earlier 22.x deadlock in ARI.
var oldest = [3]int{22, 10, 1}

// neededModules are those without which calls fail.
var neededModules = []string{
	"res_ari.so", "res_ari_channels.so", "res_ari_bridges.so", "res_ari_playbacks.so", "res_ari_applications.so",
	"res_ari_events.so", "app_stasis.so", "res_pjsip.so", "chan_pjsip.so", "res_musiconhold.so", "codec_alaw.so",
}

// Check examines a node. It takes a Stasis application of its own for the
// purpose, so that a controller that runs is not disturbed.
func Check(ctx context.Context, cfg Node, app string) []Finding {
	n := &node{Node: cfg, rest: newREST(cfg, defaultRequestTimeout, noMeter{})}
	defer n.rest.close()
	info, err := n.info(ctx)
	switch {
	case errors.Is(err, ErrUnauthorized):
		return []Finding{{Name: "ARI user", Detail: err.Error(), Remedy: "give asterisk.nodes the username and password_file of ari.conf"}}
	case err != nil:
		return []Finding{{Name: "reachable", Detail: err.Error(), Remedy: "start Asterisk, or correct asterisk.nodes.url; http.conf and ari.conf must be enabled"}}
	}
	findings := []Finding{
		{Name: "reachable", OK: true, Detail: cfg.URL},
		checkVersion(info.SystemInfo.Version),
		n.checkModules(ctx),
	}
	probe := app + "-check-" + strings.ToLower(rand.Text()[:8])
	n.o = Options{App: probe, RequestTimeout: defaultRequestTimeout}
	conn, err := n.dial(ctx)
	if err != nil {
		return append(findings, Finding{Name: "events", Detail: err.Error(), Remedy: "load res_ari_events.so and res_http_websocket.so, and raise sessionlimit in http.conf"})
	}
	defer func() { _ = conn.Close(websocket.StatusNormalClosure, "") }()
	findings = append(findings, Finding{Name: "events", OK: true, Detail: "the websocket opens"})
	if err := n.filter(ctx); err != nil {
		return append(findings, Finding{Name: "event filter", Detail: err.Error(), Remedy: "the ARI user must not be read_only, and Asterisk must be 22.10.1 or newer"})
	}
	return append(findings, Finding{Name: "event filter", OK: true, Detail: "accepted; the ARI user may write"})
}

func checkVersion(version string) Finding {
	f := Finding{Name: "version", Detail: version}
	if f.OK = newEnough(version); !f.OK {
		f.Remedy = fmt.Sprintf("install Asterisk %d.%d.%d or newer of the 22 LTS", oldest[0], oldest[1], oldest[2])
	}
	return f
}

func newEnough(version string) bool {
	version, _, _ = strings.Cut(version, "~")
	parts := strings.Split(version, ".")
	for i, want := range oldest {
		have := 0
		if i < len(parts) {
			digits, _, _ := strings.Cut(parts[i], "-")
			n, err := strconv.Atoi(digits)
			if err != nil {
				return false
			}
			have = n
		}
		if have != want {
			return have > want
		}
	}
	return true
}

func (n *node) checkModules(ctx context.Context) Finding {
	var loaded []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
	}
	err := n.rest.do(ctx, request{method: http.MethodGet, route: "/asterisk/modules", path: "/asterisk/modules", query: url.Values{}, into: &loaded})
	if err != nil {
		return Finding{Name: "modules", Detail: err.Error(), Remedy: "load res_ari_asterisk.so"}
	}
	running := make(map[string]bool)
	for _, m := range loaded {
		running[m.Name] = m.Status == "Running"
	}
	var missing []string
	for _, m := range neededModules {
		if !running[m] {
			missing = append(missing, m)
		}
	}
	if len(missing) > 0 {
		return Finding{Name: "modules", Detail: "not running: " + strings.Join(missing, ", "), Remedy: "load them in modules.conf; hotline asterisk-conf writes one that does"}
	}
	return Finding{Name: "modules", OK: true, Detail: fmt.Sprintf("all %d that are needed run", len(neededModules))}
}
