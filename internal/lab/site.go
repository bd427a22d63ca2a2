package lab

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"text/template"

	"hotline/internal/calendar"
	"hotline/internal/devstack"
)

// Site says how the configuration that Write makes shall look.
type Site struct {
	Agents      int    // agents 1001… at seats 8001…; at most 999
	RingTimeout string // as in the configuration; 15s when empty
	WrapUp      string // 10s when empty
	LogLevel    string // info when empty
	NoGreeting  bool   // callers enter the queue at once
	Timezone    string // an IANA name; that of China when empty
	// Routing, when not empty, is YAML that takes the place of entries, queues
	// and agents. The seats are as many as Agents.
	Routing string
	// Contact, when not empty, is where calls to callers go, as in 127.0.0.2:5070.
	Contact string
	// Nodes, when more than one, is how many Asterisk nodes there are, behind
	// Kamailio: a1, a2, … at 127.0.0.11, 127.0.0.12, …; at most 9.
	Nodes int
	// Hosts, when not nil, is where the parts live instead of on loopback: it has as
	// many nodes. The lab is to be opened with the same.
	Hosts *Hosts
}

// FirstSeat and FirstAgent number the seats and agents that Write makes.
const (
	FirstSeat  = 8001
	FirstAgent = 1001
)

var siteTemplate = template.Must(template.New("site").Parse(`# Written by the lab. Passwords stand in secrets/.
site: lab
timezone: {{.Timezone}}
redis:
  address: {{.Redis}}
  password_file: secrets/redis.password
http:
  listen: 127.0.0.1:{{.HTTP}}
  token_file: secrets/api.token
log: {level: {{.LogLevel}}, format: json}
asterisk:
  nodes:
{{- range .Nodes}}
    - {id: {{.ID}}, url: "http://{{.ARI}}", username: hotline, password_file: secrets/ari.password{{if .SIP}}, sip_listen: "{{.SIP}}"{{end}}}
{{- end}}
  sip: {listen: "{{.SIP}}", rtp_ports: {{.RTPStart}}-{{.RTPEnd}}}
{{- if .Proxy}}
  proxy: {listen: "{{.Proxy}}"}
{{- end}}
  trunks:
    # Callers dial from this address, phones of the seats from another.
    - {name: carrier, match: [{{.Callers}}]{{if .Contact}}, contact: "sip:{{.Contact}}"{{end}}}
{{- if .Contact}}
  outbound_trunk: carrier
{{- end}}
  seat_password_dir: secrets/seats
  fallback_after: 30s
{{- if .Routing}}
{{.Routing}}
{{- else}}
entries:
  - {number: "12345", queue: general{{if not .NoGreeting}}, greeting: [greeting]{{end}}}
queues:
  - {id: general, title: 综合受理, ring_timeout: {{.RingTimeout}}, wrap_up: {{.WrapUp}}}
agents:
  - {range: {{.FirstAgent}}-{{.LastAgent}}, name: "坐席 {id}", queues: [general]}
{{- end}}
seats:
  - {range: {{.FirstSeat}}-{{.LastSeat}}}
not_ready_reasons:
  - {name: break, title: 小休, digit: "1"}
  - {name: meal, title: 用餐, digit: "2"}
  - {name: training, title: 培训, digit: "3"}
`))

// Write makes dir with a configuration and fresh secrets, and returns the
// path of the configuration. A dir that has one already is left as it is.
func Write(dir string, s Site) (string, error) {
	file := filepath.Join(dir, "hotline.yaml")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if s.Agents < 1 || s.Agents > 999 {
		return "", fmt.Errorf("%d agents: write 1 to 999", s.Agents)
	}
	places, err := placesOf(s)
	if err != nil {
		return "", err
	}
	start, end := devstack.MediaPorts()
	orElse := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	var text bytes.Buffer
	err = siteTemplate.Execute(&text, map[string]any{
		"Redis": places.redis, "HTTP": places.http, "SIP": places.sip, "Callers": places.callers, "Nodes": places.nodes, "Proxy": places.proxy, "RTPStart": start, "RTPEnd": end,
		"LogLevel": orElse(s.LogLevel, "info"), "RingTimeout": orElse(s.RingTimeout, "15s"), "WrapUp": orElse(s.WrapUp, "10s"),
		"Timezone": orElse(s.Timezone, calendar.DefaultZone), "NoGreeting": s.NoGreeting, "Routing": s.Routing, "Contact": s.Contact, "FirstSeat": FirstSeat, "LastSeat": FirstSeat + s.Agents - 1,
		"FirstAgent": FirstAgent, "LastAgent": FirstAgent + s.Agents - 1,
	})
	if err != nil {
		return "", err
	}
	secrets := []string{"redis.password", "api.token", "ari.password"}
	for i := range s.Agents {
		secrets = append(secrets, filepath.Join("seats", strconv.Itoa(FirstSeat+i)))
	}
	if err := os.MkdirAll(filepath.Join(dir, "secrets", "seats"), 0o700); err != nil {
		return "", err
	}
	for _, name := range secrets {
		if err := os.WriteFile(filepath.Join(dir, "secrets", name), []byte(secret()+"\n"), 0o600); err != nil {
			return "", err
		}
	}
	// The configuration comes last: where it stands, everything stands.
	return file, os.WriteFile(file, text.Bytes(), 0o600)
}

type siteNode struct {
	ID  string
	ARI netip.AddrPort
	SIP string // its own address; empty when there is no proxy
}

// places are the addresses of the parts.
type places struct {
	redis, sip netip.AddrPort
	http       uint16 // on loopback: a port of the command's own
	callers    netip.Addr
	nodes      []siteNode
	proxy      string // empty: there is none
}

func placesOf(s Site) (places, error) {
	if s.Hosts != nil {
		return s.Hosts.places(s.Nodes)
	}
	ports, err := devstack.FreePorts(3)
	if err != nil {
		return places{}, err
	}
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	p := places{
		redis: netip.AddrPortFrom(local, ports[0]), http: ports[1], sip: netip.AddrPortFrom(local, ports[2]),
		callers: netip.AddrFrom4([4]byte{127, 0, 0, 2}),
	}
	p.nodes, p.proxy, err = nodesOf(s)
	return p, err
}

// places are the addresses of a site on hosts.
func (h *Hosts) places(nodes int) (places, error) {
	if max(1, nodes) != len(h.Nodes) {
		return places{}, fmt.Errorf("%d nodes on %d hosts", max(1, nodes), len(h.Nodes))
	}
	ports, err := devstack.FreePorts(1)
	if err != nil {
		return places{}, err
	}
	p := places{
		redis: netip.AddrPortFrom(h.Redis.Addr(), redisPort), http: ports[0],
		sip: netip.AddrPortFrom(h.Nodes[0].Addr(), sipPort), callers: h.Callers,
	}
	for i, node := range h.Nodes {
		p.nodes = append(p.nodes, siteNode{ID: fmt.Sprintf("a%d", i+1), ARI: netip.AddrPortFrom(node.Addr(), ariPort)})
		if h.Proxy != nil {
			p.nodes[i].SIP = netip.AddrPortFrom(node.Addr(), sipPort).String()
		}
	}
	if h.Proxy != nil {
		p.proxy = netip.AddrPortFrom(h.Proxy.Addr(), sipPort).String()
	}
	return p, nil
}

// nodesOf gives the nodes their addresses, and several of them a proxy.
func nodesOf(s Site) (nodes []siteNode, proxy string, err error) {
	if s.Nodes < 0 || s.Nodes > 9 {
		return nil, "", fmt.Errorf("%d nodes: write 1 to 9", s.Nodes)
	}
	ari, err := devstack.FreePorts(max(1, s.Nodes))
	if err != nil {
		return nil, "", err
	}
	for i, port := range ari {
		nodes = append(nodes, siteNode{ID: fmt.Sprintf("a%d", i+1), ARI: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)})
	}
	if len(nodes) == 1 {
		return nodes, "", nil
	}
	at := func(last byte) (string, error) {
		addr := netip.AddrFrom4([4]byte{127, 0, 0, last})
		port, err := devstack.FreePortAt(addr)
		return netip.AddrPortFrom(addr, port).String(), err
	}
	for i := range nodes {
		if nodes[i].SIP, err = at(byte(11 + i)); err != nil {
			return nil, "", err
		}
	}
	proxy, err = at(10)
	return nodes, proxy, err
}

// secret makes 192 random bits.
func secret() string {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}
