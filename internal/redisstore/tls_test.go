package redisstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotline/internal/redisstore/redistest"
)

// certificates makes an authority, and a server's certificate and key for 127.0.0.1 in
// a folder.
func certificates(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return pool
}

// A server that is a cluster by itself, and speaks TLS.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	trusted := certificates(t, dir)
	redis, secure := redistest.StartSecure(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	redis.Do(t, "CLUSTER", "ADDSLOTSRANGE", 0, 16383)
	records := calls(210, 30)
	for name, place := range map[string]func(*Options){
		"address": func(o *Options) { o.Address = secure },
		"cluster": func(o *Options) { o.Cluster = []string{secure} },
	} {
		t.Run(name, func(t *testing.T) {
			s, m, _ := run(t, "", place, func(o *Options) { o.TLS = &tls.Config{RootCAs: trusted} })
			s.Append(nil, records, nil)
			drained(t, s, m)
			holds(t, s, records)
			for what, config := range map[string]*tls.Config{"an authority that is not known": {}, "another name": {RootCAs: trusted, ServerName: "redis.internal"}, "no TLS": nil} {
				if err := open(t, "", place, func(o *Options) { o.TLS = config }).Ping(t.Context()); err == nil {
					t.Errorf("%s was accepted", what)
				}
			}
		})
	}
}
