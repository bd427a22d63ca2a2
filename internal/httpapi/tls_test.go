package httpapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// pair makes a certificate with a serial number, and its key.
func pair(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	now := time.Now()
	changes := 0
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		changes++ // a clock of files may be coarse
		if err := os.Chtimes(path, now, now.Add(time.Duration(changes)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := TLS(cert, key, zap.NewNop()); err == nil || !strings.Contains(err.Error(), cert) {
		t.Errorf("no files: %v", err)
	}
	oneCert, oneKey := pair(t, 1)
	twoCert, twoKey := pair(t, 2)
	write(cert, oneCert)
	write(key, oneKey)
	core, logs := observer.New(zap.InfoLevel)
	settings, err := tlsAt(cert, key, zap.New(core), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	serves := func(want int64) {
		t.Helper()
		got, err := settings.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil || got.Leaf.SerialNumber.Int64() != want {
			t.Errorf("certificate %v, %v; want %d", got.Leaf.SerialNumber, err, want)
		}
	}
	serves(1)
	write(cert, twoCert)
	serves(1) // it is looked once a second only
	now = now.Add(time.Second)
	serves(1) // its key is not there yet
	if logs.FilterLevelExact(zap.ErrorLevel).Len() != 1 {
		t.Errorf("logged: %v", logs.All())
	}
	now = now.Add(time.Second)
	serves(1)
	if logs.Len() != 1 {
		t.Error("the same is logged again and again")
	}
	write(key, twoKey)
	now = now.Add(time.Second)
	serves(2)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	serves(2)
	if settings.MinVersion < tls.VersionTLS12 {
		t.Error("old versions of TLS are spoken")
	}
}
