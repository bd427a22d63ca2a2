package asterisk

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/CyCoreSystems/ari/v5"
	"go.uber.org/zap"
)

// minVersion is the first Asterisk 22 without known deadlocks in ARI.
var minVersion = [3]int{22, 10, 1}

// neededModules are those without which calls cannot be handled.
var neededModules = []string{
	"app_stasis.so", "bridge_softmix.so", "bridge_simple.so", "chan_pjsip.so", "codec_alaw.so", "format_wav.so",
	"res_ari_applications.so", "res_ari_asterisk.so", "res_ari_bridges.so", "res_ari_channels.so",
	"res_ari_events.so", "res_ari_playbacks.so", "res_http_websocket.so", "res_musiconhold.so",
	"res_pjsip_session.so", "res_pjsip_sdp_rtp.so", "res_rtp_asterisk.so", "res_stasis_answer.so", "res_stasis_playback.so",
}

// Finding is the answer to one question about a node.
type Finding struct {
	Name   string // what was asked
	OK     bool
	Detail string // what was found
	Remedy string // what to do; empty when OK
}

// Check examines a node. It changes nothing and leaves a controller that runs
// undisturbed: the event connection is tried with an application name of its
// own, which Asterisk forgets when the connection ends.
func Check(ctx context.Context, node Node, app string) []Finding {
	o, err := Options{App: app, Nodes: []Node{node}, Log: zap.NewNop()}.withDefaults()
	if err != nil {
		return []Finding{{Name: "configuration", Detail: err.Error(), Remedy: "correct the configuration"}}
	}
	c := newClient(node, o)
	defer c.close()

	var info ari.AsteriskInfo
	if err := c.do(ctx, get("asterisk/info", "/asterisk/info"), &info); err != nil {
		return []Finding{refusal("ari", node, err)}
	}
	out := []Finding{{Name: "ari", OK: true, Detail: fmt.Sprintf("user %q is accepted at %s", node.Username, node.URL)}}
	out = append(out, checkVersion(info.SystemInfo.Version), checkName(node, info), checkModules(ctx, c))
	return append(out, checkEvents(ctx, c, app)...)
}

// refusal explains a failed request in two parts: what was found, what to do.
func refusal(name string, node Node, err error) Finding {
	text := nodeError(node, err).Text
	detail, remedy, found := strings.Cut(text, "; ")
	if !found {
		remedy = "look into Asterisk's log"
	}
	return Finding{Name: name, Detail: detail, Remedy: remedy}
}

func checkVersion(version string) Finding {
	f := Finding{Name: "version", Detail: "Asterisk " + version}
	want := fmt.Sprintf("%d.%d.%d", minVersion[0], minVersion[1], minVersion[2])
	have, ok := parseVersion(version)
	switch {
	case !ok:
		f.Remedy = "the version is not legible; install Asterisk " + want + " or newer of the 22 series"
	case slices.Compare(have[:], minVersion[:]) < 0:
		f.Remedy = "install Asterisk " + want + " or newer: older ones have deadlocks in ARI"
	default:
		f.OK = true
	}
	return f
}

// parseVersion reads the beginning of a version such as 22.10.1+dfsg-1.
func parseVersion(s string) (v [3]int, ok bool) {
	end := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		s = s[:end]
	}
	for i, part := range strings.SplitN(strings.Trim(s, "."), ".", 4) {
		n, err := strconv.Atoi(part)
		if err != nil || i > 3 {
			return v, false
		}
		if i < 3 {
			v[i] = n
		}
	}
	return v, v[0] > 0
}

func checkName(node Node, info ari.AsteriskInfo) Finding {
	name := info.ConfigInfo.Name
	if name == string(node.ID) {
		return Finding{Name: "name", OK: true, Detail: "systemname is " + name}
	}
	return Finding{
		Name: "name", Detail: fmt.Sprintf("the node is called %q here and %q in Asterisk", node.ID, name),
		Remedy: fmt.Sprintf("set systemname = %s in asterisk.conf, or correct the configuration: channel ids must differ from node to node", node.ID),
	}
}

func checkModules(ctx context.Context, c *client) Finding {
	var modules []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
	}
	if err := c.do(ctx, get("asterisk/modules", "/asterisk/modules"), &modules); err != nil {
		return refusal("modules", c.node, err)
	}
	running := map[string]bool{}
	for _, m := range modules {
		running[m.Name] = m.Status == "Running"
	}
	var missing []string
	for _, m := range neededModules {
		if !running[m] {
			missing = append(missing, m)
		}
	}
	if len(missing) > 0 {
		return Finding{
			Name: "modules", Detail: "not running: " + strings.Join(missing, ", "),
			Remedy: "load them in modules.conf and restart Asterisk",
		}
	}
	return Finding{Name: "modules", OK: true, Detail: fmt.Sprintf("all %d needed modules run", len(neededModules))}
}

// checkEvents opens an event connection and puts the filter, which also shows
// whether the user may write.
func checkEvents(ctx context.Context, c *client, app string) []Finding {
	probe := app + "-check-" + strings.ToLower(rand.Text())
	ws, err := dialSocket(ctx, c, probe)
	if err != nil {
		return []Finding{refusal("events", c.node, err)}
	}
	defer ws.CloseNow()
	out := []Finding{{Name: "events", OK: true, Detail: "the event connection is accepted"}}
	if err := putFilter(ctx, c, probe); err != nil {
		return append(out, refusal("event filter", c.node, err))
	}
	return append(out, Finding{Name: "event filter", OK: true, Detail: "accepted; the user may write"})
}
