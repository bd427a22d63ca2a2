package config

import (
	"reflect"
	"testing"

	"hotline/internal/certtest"
)

func TestSentinelAndTLS(t *testing.T) {
	file := fixture(t, absolute(t, "testdata/good/sentinel.yaml"))
	cfg, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	r := cfg.Redis
	want := Sentinel{"hotline", []string{"10.0.0.21:26379", "redis-2.internal:26379"}, "watcher", NewSecret("ari-password-of-the-test")}
	if r.Address != "" || r.Cluster != nil || r.Sentinel == nil || !reflect.DeepEqual(*r.Sentinel, want) || r.Database != 3 || r.Username != "hotline" {
		t.Errorf("got %+v", r)
	}
	client, err := r.TLS.Client()
	if err != nil || client.ServerName != "redis.internal" || len(client.Certificates) != 1 || client.RootCAs == nil {
		t.Errorf("TLS: %+v, %v", client, err)
	}
	again, err := Load(file)
	if err != nil || len(cfg.NeedsRestart(again)) > 0 {
		t.Errorf("the same file differs: %v, %v", cfg.NeedsRestart(again), err)
	}
	certtest.Write(t, "secrets/cert.pem", "secrets/other.pem")
	if _, err := Load(file); err == nil {
		t.Error("a certificate was accepted with the key of another")
	}
}

func TestCluster(t *testing.T) {
	cfg, err := Load(fixture(t, absolute(t, "testdata/good/cluster.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if r := cfg.Redis; r.Address != "" || r.Sentinel != nil || r.TLS != nil || !reflect.DeepEqual(r.Cluster, []string{"10.0.0.21:6379", "10.0.0.22:6379"}) {
		t.Errorf("got %+v", r)
	}
}
