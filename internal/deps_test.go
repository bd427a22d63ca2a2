// Package internal_test holds the architecture: which package may import
// which, and which library has one importer only.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed lists, for every package of the project, the project's packages
// that its code (not its tests) may import. A package that is missing here is
// an error, so that a new one is thought about.
var allowed = map[string][]string{
	"asterisk-conf":         {"internal/conffile"},
	"cmd/bench":             {"internal/versus"},
	"cmd/faults":            {"internal/faults", "internal/nethost"},
	"cmd/hotline":           {"asterisk-conf", "deploy/cluster", "internal/acd", "internal/apiclient", "internal/app", "internal/bulletin", "internal/calendar", "internal/config", "internal/httpapi/view", "internal/report", "internal/scenario", "internal/sim"},
	"cmd/lab":               {"internal/acd", "internal/apiclient", "internal/lab", "internal/liveview", "internal/phonescript"},
	"cmd/phones":            {"internal/phonescript", "internal/phone"},
	"deploy/cluster":        {"internal/conffile"},
	"deploy/compose":        {},
	"deploy/prometheus":     {},
	"deploy/systemd":        {},
	"internal":              {},
	"internal/access":       {"internal/acd"},
	"internal/access/vouch": {"internal/access"},
	"internal/acd":          {},
	"internal/alert":        {"internal/acd"},
	"internal/apiclient":    {"internal/acd", "internal/calendar", "internal/httpapi/view"},
	"internal/app":          {"asterisk-conf", "deploy/cluster", "internal/access", "internal/access/vouch", "internal/acd", "internal/alert", "internal/asterisk", "internal/bulletin", "internal/calendar", "internal/callflow", "internal/conffile", "internal/config", "internal/httpapi", "internal/httpapi/live", "internal/httpapi/view", "internal/metrics", "internal/recordfile", "internal/redisstore", "internal/replay", "internal/report", "internal/requirement", "internal/runner", "internal/scenario", "internal/sim", "internal/spool", "internal/staffing", "internal/term", "internal/tracing", "internal/traffic", "internal/web"},
	"internal/asterisk":     {"internal/acd", "internal/runner"},
	"internal/bulletin":     {"internal/calendar", "internal/traffic"},
	"internal/calendar":     {},
	"internal/callflow":     {"internal/acd"},
	"internal/conffile":     {},
	"internal/certtest":     {},
	"internal/config":       {"internal/acd", "internal/calendar", "internal/traffic"},
	"internal/devstack":     {"asterisk-conf", "deploy/cluster"},
	"internal/e2e":          {},
	"internal/faults":       {"internal/acd", "internal/apiclient", "internal/devstack", "internal/lab", "internal/nethost", "internal/phone", "internal/recordfile"},
	"internal/faultsim":     {},
	"internal/httpapi":      {"internal/access", "internal/acd", "internal/alert", "internal/calendar", "internal/httpapi/live", "internal/httpapi/view"},
	"internal/httpapi/live": {"internal/acd", "internal/alert", "internal/httpapi/view"},
	"internal/httpapi/view": {"internal/acd", "internal/alert"},
	"internal/lab":          {"internal/acd", "internal/apiclient", "internal/app", "internal/calendar", "internal/config", "internal/devstack", "internal/httpapi/view", "internal/nethost", "internal/phonescript"},
	"internal/liveview":     {"internal/acd", "internal/httpapi/view"},
	"internal/metrics":      {"internal/acd"},
	"internal/nethost":      {},
	"internal/phone":        {},
	"internal/phonescript":  {"internal/phone"},
	"internal/recordfile":   {"internal/acd"},
	"internal/redisstore":   {"internal/access", "internal/acd", "internal/calendar", "internal/runner", "internal/spool", "internal/traffic"},
	"internal/report":       {"internal/bulletin", "internal/traffic", "internal/calendar", "internal/sim"},
	"internal/replay":       {"internal/acd", "internal/calendar"},
	"internal/requirement":  {"internal/acd", "internal/calendar", "internal/sim", "internal/staffing", "internal/traffic"},
	"internal/runner":       {"internal/acd"},
	"internal/spool":        {},
	"internal/staffing":     {},
	"internal/scenario":     {"internal/acd", "internal/calendar", "internal/config", "internal/sim"},
	"internal/sim":          {"internal/acd", "internal/calendar", "internal/callflow", "internal/traffic"},
	"internal/term":         {"internal/acd", "internal/asterisk", "internal/redisstore", "internal/runner"},
	"internal/tracing":      {"internal/acd"},
	"internal/traffic":      {"internal/acd", "internal/calendar"},
	"internal/web":          {},
	"internal/versus":       {"internal/acd", "internal/app", "internal/config", "internal/devstack", "internal/lab", "internal/metrics/metricstest"},

	// Helpers of tests.
	"internal/access/accesstest":     {"internal/access"},
	"internal/asterisk/ariconform":   {},
	"internal/asterisk/arimodel":     {},
	"internal/asterisk/aritest":      {},
	"internal/bulletin/bulletintest": {"internal/bulletin", "internal/calendar", "internal/traffic"},
	"internal/metrics/metricstest":   {},
	"internal/redisstore/redismodel": {},
	"internal/redisstore/redistest":  {"internal/devstack"},
}

// pure packages import the standard library and the project's packages only,
// and nothing that reads a clock, the disk or the network.
var pure = []string{"internal/acd", "internal/alert", "internal/bulletin", "internal/callflow", "internal/calendar", "internal/recordfile", "internal/replay", "internal/staffing", "internal/traffic"}

// impure are parts of the standard library that pure packages do without.
var impure = []string{"net", "net/http", "os", "os/exec", "sync", "math/rand", "math/rand/v2", "crypto/rand", "log", "context"}

// onlyImporter names the one package that may import a library.
var onlyImporter = map[string]string{
	"github.com/CyCoreSystems/ari/v5":      "internal/asterisk",
	"github.com/coreos/go-oidc/":           "internal/access/vouch",
	"golang.org/x/oauth2":                  "internal/access/vouch",
	"github.com/redis/go-redis/v9":         "internal/redisstore",
	"github.com/prometheus/client_golang/": "internal/metrics",
	"go.opentelemetry.io/":                 "internal/tracing",
	"go.etcd.io/bbolt":                     "internal/spool",
	"github.com/emiago/sipgo":              "internal/phone",
	"github.com/spf13/cobra":               "cmd/",
	"github.com/xuri/excelize/v2":          "internal/report",
	"github.com/vishvananda/netlink":       "internal/nethost",
	"github.com/yuin/gopher-lua":           "internal/redisstore/redismodel",
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "hotline/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestImportRules(t *testing.T) {
	list := packages(t)
	if len(list) < 10 {
		t.Fatalf("only %d packages were found", len(list))
	}
	for _, p := range list {
		name := strings.TrimPrefix(p.ImportPath, "hotline/")
		may, known := allowed[name]
		if !known {
			t.Errorf("%s is not in the table of import rules; add it there and in the README", name)
			continue
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, "hotline/"); ok && !slices.Contains(may, ours) {
				t.Errorf("%s may not import %s", name, ours)
			}
			checkLibrary(t, name, imported)
		}
	}
}

func checkLibrary(t *testing.T, name, imported string) {
	t.Helper()
	for library, only := range onlyImporter {
		if strings.HasPrefix(imported, library) && !strings.HasPrefix(name, only) {
			t.Errorf("%s may not import %s: only %s does", name, imported, only)
		}
	}
	if !slices.Contains(pure, name) {
		return
	}
	if slices.Contains(impure, imported) || strings.Contains(strings.Split(imported, "/")[0], ".") {
		t.Errorf("%s is pure and may not import %s", name, imported)
	}
}
