package redisstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotline/internal/redisstore/redistest"
)

// The files of deploy/redis start, and hotline check finds nothing to say.
func TestDeployedFiles(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.conf")
	if err := os.WriteFile(secret, []byte("requirepass deployed\nmasterauth deployed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := func(name string) string {
		data, err := os.ReadFile(filepath.Join("../../deploy/redis", name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.NewReplacer("10.0.0.21 127.0.0.1", "127.0.0.1", "10.0.0.21", "127.0.0.1",
			"/etc/redis/secret.conf", secret, "/var/lib/redis", dir).Replace(string(data))
	}
	redis := redistest.StartFile(t, text("redis.conf"))
	for _, f := range open(t, redis.Address, func(o *Options) { o.Password = "deployed" }).Check(t.Context()) {
		if !f.OK || f.Name == "redis sync" && f.Detail != "appendfsync is always" {
			t.Errorf("hotline check: %+v", f)
		}
	}
	redistest.StartFile(t, text("redis.conf")+text("cluster.conf"))
	sentinel := redistest.StartFile(t, text("sentinel.conf"), "--sentinel")
	if state := sentinel.Do(t, "SENTINEL", "MASTER", "hotline"); !strings.Contains(state, "quorum:2") || !strings.Contains(state, "down-after-milliseconds:5000") {
		t.Errorf("Sentinel has %s", state)
	}
}
