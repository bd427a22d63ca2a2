package compose

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// file is compose.yaml, with every key that it may use here.
type file struct {
	Name       string             `yaml:"name"`
	Service    any                `yaml:"x-service"`
	Controller any                `yaml:"x-controller"`
	Services   map[string]service `yaml:"services"`
	Secrets    map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
	Volumes map[string]any `yaml:"volumes"`
}

type service struct {
	Image       string   `yaml:"image"`
	Build       *build   `yaml:"build"`
	NetworkMode string   `yaml:"network_mode"`
	Restart     string   `yaml:"restart"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	SecurityOpt []string `yaml:"security_opt"`
	Ulimits     struct {
		NoFile int `yaml:"nofile"`
	} `yaml:"ulimits"`
	Logging struct {
		Driver  string            `yaml:"driver"`
		Options map[string]string `yaml:"options"`
	} `yaml:"logging"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Secrets     []any       `yaml:"secrets"`
	Volumes     []string    `yaml:"volumes"`
	Tmpfs       []string    `yaml:"tmpfs"`
	Grace       string      `yaml:"stop_grace_period"`
	CPUShares   int         `yaml:"cpu_shares"`
	Command     []string    `yaml:"command"`
	HealthCheck healthCheck `yaml:"healthcheck"`
	Profiles    []string    `yaml:"profiles"`
	User        string      `yaml:"user"`
}

type build struct {
	Context    string            `yaml:"context"`
	Dockerfile string            `yaml:"dockerfile"`
	Args       map[string]string `yaml:"args"`
}

type healthCheck struct {
	Test        []string `yaml:"test"`
	Interval    string   `yaml:"interval"`
	Timeout     string   `yaml:"timeout"`
	StartPeriod string   `yaml:"start_period"`
}

// variable is how compose takes a value from the environment: ${NAME:-default}.
var variable = regexp.MustCompile(`\$\{(\w+):-([^}]*)\}`)

// load reads compose.yaml as for a site in the given folder.
func load(t *testing.T, site string) file {
	t.Helper()
	raw, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := variable.ReplaceAllStringFunc(string(raw), func(v string) string {
		if m := variable.FindStringSubmatch(v); m[1] != "HOTLINE_SITE" {
			return m[2]
		}
		return site
	})
	// First as it is, for what a merge (<<) would hide; then merged.
	var merged map[string]any
	if err := yaml.UnmarshalWithOptions([]byte(text), &merged, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	whole, err := yaml.Marshal(merged)
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := yaml.UnmarshalWithOptions(whole, &f, yaml.Strict()); err != nil {
		t.Fatalf("compose.yaml: %v", err)
	}
	return f
}

// mounts are what a service finds at which path: a path of this machine, the name of a
// volume, or "" for a tmpfs. Compose makes folders that are missing, of files too.
func (f file) mounts(t *testing.T, s service) map[string]string {
	t.Helper()
	at := map[string]string{}
	for _, v := range s.Volumes {
		parts := strings.Split(v, ":")
		if len(parts) == 3 && parts[2] != "ro" || len(parts) < 2 || len(parts) > 3 {
			t.Fatalf("volume %q", v)
		}
		at[parts[1]] = parts[0]
	}
	for _, v := range s.Tmpfs {
		path, _, _ := strings.Cut(v, ":")
		at[path] = ""
	}
	for _, secret := range s.Secrets {
		name, target := "", ""
		switch secret := secret.(type) {
		case string:
			name, target = secret, "/run/secrets/"+secret
		case map[string]any:
			name, target = secret["source"].(string), secret["target"].(string)
		}
		if f.Secrets[name].File == "" {
			t.Fatalf("secret %v is not declared", secret)
		}
		at[target] = f.Secrets[name].File
	}
	return at
}

// Every service may do its work and nothing else, ends in its time and is restarted.
func TestServicesAreConfined(t *testing.T) {
	f := load(t, "site")
	if len(f.Services) < 5 {
		t.Fatalf("%d services", len(f.Services))
	}
	for name, s := range f.Services {
		once := slices.Equal(s.Profiles, []string{"init"})
		network, restart := "host", "unless-stopped"
		if once {
			network, restart = "none", "no"
		}
		if s.NetworkMode != network || s.Restart != restart {
			t.Errorf("%s: network %s, restart %s", name, s.NetworkMode, s.Restart)
		}
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Ulimits.NoFile != 65536 {
			t.Errorf("%s is not confined: %+v", name, s)
		}
		if s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
			t.Errorf("%s: its log has no limit", name)
		}
		if once {
			continue
		}
		if len(s.CapAdd) > 0 || s.User != "" {
			t.Errorf("%s: capabilities %v, user %q", name, s.CapAdd, s.User)
		}
		if h := s.HealthCheck; len(h.Test) < 2 || h.Test[0] != "CMD" || h.Interval == "" || h.Timeout == "" || h.StartPeriod == "" {
			t.Errorf("%s: health check %+v", name, h)
		}
		if s.Grace == "" {
			t.Errorf("%s has no stop_grace_period", name)
		}
		for other, need := range s.DependsOn {
			if len(f.Services[other].HealthCheck.Test) == 0 || need.Condition != "service_healthy" {
				t.Errorf("%s needs %s %s", name, other, need.Condition)
			}
		}
	}
	for _, name := range []string{"hotline-a", "hotline-b"} {
		if s := f.Services[name]; len(s.DependsOn) != 2 {
			t.Errorf("%s waits for %v", name, s.DependsOn)
		}
	}
}

var (
	from   = regexp.MustCompile(`(?m)^FROM (\S+)`)
	copied = regexp.MustCompile(`(?m)^COPY (?:(--from)=\S+ )?(.+) \S+$`)
	user   = regexp.MustCompile(`(?m)^USER (\d+):(\d+)$`)
)

// What is built is built from a release of Debian, exists here, and runs as the user to
// whom init gives the files.
func TestImages(t *testing.T) {
	f := load(t, "site")
	script, err := os.ReadFile("init")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for name, s := range f.Services {
		if s.Build == nil {
			continue
		}
		if context, err := filepath.Abs(s.Build.Context); err != nil || !exists(filepath.Join(context, "go.mod")) {
			t.Errorf("%s: the context %s is not the checkout", name, s.Build.Context)
		}
		text, err := os.ReadFile(filepath.Join(s.Build.Context, s.Build.Dockerfile))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, m := range from.FindAllSubmatch(text, -1) {
			if release := string(m[1]); release != "debian:trixie-slim" && release != "debian:forky-slim" {
				t.Errorf("%s is built from %s", name, release)
			}
		}
		for _, m := range copied.FindAllSubmatch(text, -1) {
			for _, path := range strings.Fields(string(m[2])) {
				if len(m[1]) == 0 && !exists(filepath.Join(s.Build.Context, path)) {
					t.Errorf("%s copies %s, which does not exist", name, path)
				}
			}
		}
		for arg := range s.Build.Args {
			if !strings.Contains(string(text), "\nARG "+arg) {
				t.Errorf("%s: there is no argument %s", name, arg)
			}
		}
		who := user.FindSubmatch(text)
		if who == nil || string(who[1]) == "0" || string(who[2]) == "0" {
			t.Errorf("%s runs as root", name)
			continue
		}
		program, _, _ := strings.Cut(name, "-")
		if want := program + "=" + string(who[1]) + ":" + string(who[2]); !strings.Contains(string(script), want) {
			t.Errorf("init gives nothing to the user of %s: there is no %s", name, want)
		}
		seen[s.Image] = true
	}
	for name, s := range f.Services {
		if !seen[s.Image] {
			t.Errorf("nobody builds %s of %s", s.Image, name)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
