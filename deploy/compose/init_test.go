package compose

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	asteriskconf "hotline/asterisk-conf"
	"hotline/internal/app"
	"hotline/internal/config"
)

// initialise runs init for a site, with stubs that write down how they were called in the
// place of the engine and of chown, so that it needs neither engine nor root.
func initialise(t *testing.T, site string) (said, called string, err error) {
	t.Helper()
	stubs := t.TempDir()
	log := filepath.Join(stubs, "log")
	for _, name := range []string{"engine", "chown"} {
		stub := fmt.Sprintf("#!/bin/sh\necho %s \"$@\" in \"$PWD\" for \"$HOTLINE_SITE\" >>'%s'\n", name, log)
		if err := os.WriteFile(filepath.Join(stubs, name), []byte(stub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("./init")
	cmd.Env = append(os.Environ(), "PATH="+stubs+":"+os.Getenv("PATH"), "HOTLINE_SITE="+site, "HOTLINE_COMPOSE=engine compose")
	out, err := cmd.CombinedOutput()
	lines, _ := os.ReadFile(log)
	return string(out), string(lines), err
}

// newSite is a site as init leaves it.
func newSite(t *testing.T) string {
	t.Helper()
	site := filepath.Join(t.TempDir(), "site")
	said, called, err := initialise(t, site)
	if err != nil {
		t.Fatalf("init: %v\n%s", err, said)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if want := "engine compose run --rm asterisk-conf in " + here + " for " + site + "\n"; !strings.HasSuffix(called, want) {
		t.Fatalf("init called\n%swant at last\n%s", called, want)
	}
	return site
}

// contents are the files of a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, folder+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The second run leaves every secret and the configuration as they are, and tells the
// second controller of what has changed in the first one's.
func TestInitAgain(t *testing.T) {
	site := newSite(t)
	before := contents(t, site)
	secret := regexp.MustCompile(`^[0-9a-f]{48}\n$`)
	for _, name := range []string{"redis.password", "ari.password", "api.token"} {
		if !secret.MatchString(before["secrets/"+name]) {
			t.Errorf("%s holds %q", name, before["secrets/"+name])
		}
	}
	if p := strings.TrimSpace(before["secrets/redis.password"]); before["secrets/redis.conf"] != "requirepass "+p+"\nmasterauth "+p+"\n" {
		t.Errorf("redis.conf is %q", before["secrets/redis.conf"])
	}
	if before["secrets/ari.password"] == before["secrets/api.token"] {
		t.Error("two secrets are the same")
	}
	for name := range before {
		mode := os.FileMode(0o600)
		if strings.HasPrefix(name, "conf/") {
			mode = 0o644
		}
		if info, err := os.Stat(filepath.Join(site, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}

	file := filepath.Join(site, "conf", "hotline.yaml")
	changed := strings.Replace(before["conf/hotline.yaml"], "# operations: {listen: 127.0.0.1:9090}", "operations: {listen: \"127.0.0.1:9090\"}", 1)
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if said, _, err := initialise(t, site); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	after := contents(t, site)
	for name := range before {
		if strings.HasPrefix(name, "secrets/") && after[name] != before[name] {
			t.Errorf("%s has changed", name)
		}
	}
	if after["conf/hotline.yaml"] != changed {
		t.Error("init has changed the configuration")
	}
	if len(after) != len(before) {
		t.Errorf("%d files were %d", len(after), len(before))
	}
	if second := after["conf/hotline-b.yaml"]; !strings.Contains(second, "\noperations: {listen: \"127.0.0.1:9091\"}\n") || !strings.Contains(second, "\n  listen: 127.0.0.1:8081\n") {
		t.Errorf("the second controller listens elsewhere:\n%s", second)
	}

	// Without an address for the API no second one can be made.
	if err := os.WriteFile(file, []byte("site: lyg\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if said, _, err := initialise(t, site); err == nil || !strings.HasPrefix(said, "init: "+file+" has no http.listen of its own") || strings.Count(said, "\n") != 1 {
		t.Errorf("%v\n%s", err, said)
	}
}

// onHost lets a configuration be read outside of the container: what compose mounts for
// the service stands at its source.
func onHost(t *testing.T, f file, s service, path string) *config.Config {
	t.Helper()
	mounts := f.mounts(t, s)
	source := func(at string) string {
		for target, from := range mounts {
			if rest, ok := strings.CutPrefix(at, target); ok && from != "" && (rest == "" || rest[0] == '/') {
				return from + rest
			}
		}
		t.Fatalf("nothing is mounted at %s", at)
		return ""
	}
	text, err := os.ReadFile(source(path))
	if err != nil {
		t.Fatal(err)
	}
	secret := regexp.MustCompile(`((?:password|token|pin)_file: )(/run/secrets/[\w.-]+)`)
	named := 0
	moved := secret.ReplaceAllStringFunc(string(text), func(line string) string {
		named++
		m := secret.FindStringSubmatch(line)
		return m[1] + source(m[2])
	})
	if named != 3 {
		t.Fatalf("%s names %d secrets", path, named)
	}
	moved = strings.Replace(moved, " /run/seats", " "+filepath.Dir(filepath.Dir(source(path)))+"/seats", 1)
	copied := filepath.Join(t.TempDir(), "hotline.yaml")
	if err := os.WriteFile(copied, []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(copied)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Each controller reads a configuration that is right, and finds what it names.
func TestControllers(t *testing.T) {
	site := newSite(t)
	f := load(t, site)
	configs := map[string]*config.Config{}
	for name, path := range map[string]string{"hotline-a": "/etc/hotline/hotline.yaml", "hotline-b": "/etc/hotline/hotline-b.yaml"} {
		s := f.Services[name]
		cfg := onHost(t, f, s, path)
		configs[name] = cfg
		if name == "hotline-b" && (!slices.Equal(s.Command, []string{"serve", "--config", path}) || !slices.Equal(s.HealthCheck.Test, []string{"CMD", "hotline", "health", "--config", path})) {
			t.Errorf("%s runs %v and is asked by %v", name, s.Command, s.HealthCheck.Test)
		}
		if name == "hotline-a" && (len(s.Command) > 0 || !slices.Equal(s.HealthCheck.Test, []string{"CMD", "hotline", "health"})) {
			t.Errorf("%s runs %v and is asked by %v", name, s.Command, s.HealthCheck.Test)
		}
		// The spool is in a volume that no other controller has.
		if spool := f.mounts(t, s)[filepath.Dir(cfg.Spool.Dir)]; spool != name {
			t.Errorf("the spool %s of %s is in the volume %q", cfg.Spool.Dir, name, spool)
		} else if _, declared := f.Volumes[spool]; !declared {
			t.Errorf("the volume %s is not declared", spool)
		}
		if cfg.Redis.Address != "127.0.0.1:6379" {
			t.Errorf("Redis is looked for at %s", cfg.Redis.Address)
		}
	}
	a, b := configs["hotline-a"], configs["hotline-b"]
	if a.HTTP.Listen == b.HTTP.Listen {
		t.Errorf("both listen on %s", a.HTTP.Listen)
	}
	// But for that it is the same.
	texts := contents(t, filepath.Join(site, "conf"))
	_, second, _ := strings.Cut(texts["hotline-b.yaml"], "\n")
	if strings.Replace(second, b.HTTP.Listen.String(), a.HTTP.Listen.String(), 1) != texts["hotline.yaml"] {
		t.Error("the second controller has another configuration")
	}
}

// Redis is where the controllers look for it, has the password that they have, and is
// asked with it.
func TestRedis(t *testing.T) {
	f := load(t, newSite(t))
	mounts := f.mounts(t, f.Services["redis"])
	conf, err := os.ReadFile("../redis/redis.conf")
	if err != nil {
		t.Fatal(err)
	}
	health, err := os.ReadFile("redis-health")
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile("redis.Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, need := range []struct{ where, text, line string }{
		{"redis.conf", string(conf), "\nport 6379\n"},
		{"redis.conf", string(conf), "\ninclude /etc/redis/secret.conf\n"},
		{"redis-health", string(health), " /etc/redis/secret.conf)\n"},
		{"redis-health", string(health), " -h 127.0.0.1 -p 6379 ping\n"},
		{"redis.Containerfile", string(image), `"--bind", "127.0.0.1"`},
		{"redis.Containerfile", string(image), `"--dir", "/var/lib/redis/data"`},
		{"redis.Containerfile", string(image), "-m 700 /var/lib/redis /var/lib/redis/data\n"},
		{"redis.Containerfile", string(image), "COPY deploy/compose/redis-health "},
	} {
		if !strings.Contains(need.text, need.line) {
			t.Errorf("%s lacks %q", need.where, need.line)
		}
	}
	if mounts["/etc/redis/secret.conf"] == "" || mounts["/var/lib/redis"] != "redis" {
		t.Errorf("Redis finds %v", mounts)
	}
}

// What asterisk-conf writes for the container is what Asterisk is started with, and every
// folder that it writes into is a volume or tmpfs.
func TestAsterisk(t *testing.T) {
	site := newSite(t)
	f := load(t, site)
	tool, asterisk := f.Services["asterisk-conf"], f.Services["asterisk"]
	cfg := onHost(t, f, tool, "/etc/hotline/hotline.yaml")
	if f.mounts(t, tool)["/run/seats"] != site+"/seats" || f.mounts(t, tool)["/etc/asterisk"] != site+"/asterisk" {
		t.Fatalf("asterisk-conf writes into %v", tool.Volumes)
	}
	made, err := app.MakeSeatPasswords(cfg)
	if err != nil || made != len(cfg.Seats) {
		t.Fatalf("%d passwords, %v", made, err)
	}
	params, err := app.AsteriskParams(cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]string{}
	for _, arg := range tool.Command {
		name, value, _ := strings.Cut(arg, "=")
		flags[name] = value
	}
	params.LogToConsole, params.NoLogFile = true, true
	params.Dirs = asteriskconf.Dirs{Modules: flags["--modules"], Data: flags["--data"], Run: flags["--run"], Log: flags["--log"], DB: flags["--db"], Spool: flags["--spool"]}
	out := filepath.Join(site, "asterisk")
	if err := asteriskconf.Render(out, params); err != nil {
		t.Fatal(err)
	}
	node, err := netip.ParseAddrPort(strings.TrimPrefix(cfg.Asterisk.Nodes[0].URL, "http://"))
	if err != nil || !node.Addr().IsLoopback() {
		t.Fatalf("ARI is at %s: %v", cfg.Asterisk.Nodes[0].URL, err)
	}
	files := contents(t, out)
	for name, line := range map[string]string{
		"http.conf":        fmt.Sprintf("bindaddr = %s\nbindport = %d\n", node.Addr(), node.Port()),
		"musiconhold.conf": "directory = /opt/hotline/data/moh/default\n",
		"logger.conf":      "\n[logfiles]\n; Also",
		"asterisk.conf":    "astmoddir = /opt/hotline/modules\n",
	} {
		if !strings.Contains(files[name], line) {
			t.Errorf("%s lacks %q:\n%s", name, line, files[name])
		}
	}

	mounts := f.mounts(t, asterisk)
	if mounts["/etc/asterisk"] != out || !slices.Contains(asterisk.Volumes, out+":/etc/asterisk:ro") || flags["--out"] != "/etc/asterisk" {
		t.Errorf("Asterisk reads %v", asterisk.Volumes)
	}
	for _, folder := range []string{params.Dirs.Run, params.Dirs.DB, filepath.Dir(params.Dirs.Spool)} {
		if _, mounted := mounts[folder]; !mounted {
			t.Errorf("Asterisk may not write into %s", folder)
		}
	}
	image, err := os.ReadFile("asterisk.Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{params.Dirs.Modules + "\n", params.Dirs.Log + " ", params.Dirs.Spool + " ", `ENTRYPOINT ["asterisk", "-C", "/etc/asterisk/asterisk.conf"]`, "HOTLINE_DEPS=" + filepath.Dir(params.Dirs.Data) + " scripts/prompts"} {
		if !strings.Contains(string(image), part) {
			t.Errorf("asterisk.Containerfile lacks %q", part)
		}
	}
	if slices.Index(asterisk.HealthCheck.Test, "/etc/asterisk/asterisk.conf") < 0 {
		t.Errorf("its health is asked by %v", asterisk.HealthCheck.Test)
	}
	if !slices.Contains(tool.CapAdd, "CHOWN") || tool.User != "0:0" {
		t.Error("asterisk-conf may not give its files to Asterisk")
	}
}
