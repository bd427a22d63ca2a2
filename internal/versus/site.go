package versus

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"text/template"

	"hotline/internal/devstack"
)

// The seats are firstSeat and those after it, the agents likewise.
const (
	firstSeat  = 10001
	firstAgent = 20001
	dialled    = "12345"
)

// All media ports below those that listen, see devstack: 10,000 call legs.
const firstMedia, lastMedia = 10000, 29999

// Nothing is switched off or made weaker for the measurement: what is not here
// has the default that a user has.
var siteTemplate = template.Must(template.New("site").Parse(`site: bench
redis:
  address: 127.0.0.1:{{.Redis}}
  password_file: secrets/redis.password
spool: {dir: spool}
http:
  listen: 127.0.0.1:{{.HTTP}}
  token_file: secrets/api.token
asterisk:
  nodes:
    - {id: a1, url: "http://127.0.0.1:{{.ARI}}", username: hotline, password_file: secrets/ari.password}
  sip: {listen: "127.0.0.1:{{.SIP}}", rtp_ports: {{.FirstMedia}}-{{.LastMedia}}}
  trunks:
    - {name: carrier, match: [127.0.0.2]}
  seat_password_dir: secrets/seats
entries:
  - {number: "{{.Dial}}", queue: general}
queues:
  - {id: general, title: 综合受理, wrap_up: 0s}
agents:
  - {range: {{.FirstAgent}}-{{.LastAgent}}, name: "坐席 {id}", queues: [general]}
seats:
  - {range: {{.FirstSeat}}-{{.LastSeat}}, contact: "sip:{id}@127.0.0.1:{{.Phones}}"}
not_ready_reasons:
  - {name: break, title: 小休, digit: "1"}
`))

// writeSite makes dir with a configuration and fresh secrets, for agents whose
// phones are at one address. It returns the configuration's path.
func writeSite(dir string, agents int, phones uint16) (string, error) {
	ports, err := devstack.FreePorts(4)
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	err = siteTemplate.Execute(&text, map[string]any{
		"Redis": ports[0], "HTTP": ports[1], "ARI": ports[2], "SIP": ports[3], "Phones": phones, "Dial": dialled,
		"FirstMedia": firstMedia, "LastMedia": lastMedia, "FirstAgent": firstAgent, "LastAgent": firstAgent + agents - 1,
		"FirstSeat": firstSeat, "LastSeat": firstSeat + agents - 1,
	})
	if err != nil {
		return "", err
	}
	secrets := filepath.Join(dir, "secrets")
	if err := os.MkdirAll(filepath.Join(secrets, "seats"), 0o700); err != nil {
		return "", err
	}
	names := []string{"redis.password", "api.token", "ari.password"}
	for i := range agents {
		names = append(names, filepath.Join("seats", strconv.Itoa(firstSeat+i)))
	}
	for _, name := range names {
		raw := make([]byte, 24)
		_, _ = rand.Read(raw) // never fails
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(hex.EncodeToString(raw)+"\n"), 0o600); err != nil {
			return "", err
		}
	}
	file := filepath.Join(dir, "hotline.yaml")
	return file, os.WriteFile(file, text.Bytes(), 0o600)
}
