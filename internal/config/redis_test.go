package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"reflect"
	"testing"
	"time"
)

// certify writes a certificate and its key, in PEM format.
func certify(t *testing.T, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

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
	certify(t, "secrets/cert.pem", "secrets/other.pem")
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
