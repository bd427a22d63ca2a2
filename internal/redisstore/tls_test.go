package redisstore

import (
	"crypto/tls"
	"path/filepath"
	"testing"

	"hotline/internal/certtest"
	"hotline/internal/redisstore/redistest"
)

// A server that is a cluster by itself, and speaks TLS.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	trusted := certtest.Write(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
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
