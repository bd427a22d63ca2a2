package httpapi

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/internal/certtest"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

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
	oneCert, oneKey := certtest.Pair(t, 1)
	twoCert, twoKey := certtest.Pair(t, 2)
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
