package config

import (
	"crypto/tls"
	"os"
	"time"
)

func (c *checker) http(raw httpSection) HTTP {
	out := HTTP{
		Listen: c.listen(raw.Listen, "http.listen", "127.0.0.1:8080"),
		Token:  c.token(raw.TokenFile), TokenFile: c.path(raw.TokenFile),
		FullNumbers:  raw.FullNumbers.v,
		SessionIdle:  between(c, raw.SessionIdle, "http.session_idle", time.Minute, 24*time.Hour),
		SessionLasts: between(c, raw.SessionLasts, "http.session_lasts", 10*time.Minute, 7*24*time.Hour),
	}
	if out.SessionIdle > out.SessionLasts {
		c.at(raw.SessionIdle.place, "http.session_idle: %v is longer than session_lasts, %v; write a shorter time", out.SessionIdle, out.SessionLasts)
	}
	out.OIDC = c.oidc(raw)
	secure := c.httpTLS(raw, &out)
	if addr := out.Listen.Addr(); addr.IsValid() && !addr.IsLoopback() && !secure && !raw.AllowPlain.v {
		c.at(raw.Listen.place, "http.listen: %s is not on loopback, where passwords and tokens would travel in clear; add tls: {cert: api.pem, key: secrets/api.key}, or allow_plain: true where a TLS proxy stands in front", out.Listen)
	}
	return out
}

// httpTLS checks that certificate and key can be used now. Only their names are kept:
// they are read again when the files change. It reports whether TLS is asked for.
func (c *checker) httpTLS(raw httpSection, out *HTTP) bool {
	section := raw.TLS
	switch {
	case section.same(raw.place):
		return false
	case section.wrong:
		return true
	case !section.Cert.set || !section.Key.set:
		c.at(section.place, "http.tls: a certificate needs its key, and a key its certificate; write both cert and key")
		return true
	}
	out.TLSCert, out.TLSKey = c.path(section.Cert), c.path(section.Key)
	cert, ok := c.pem(section.Cert, "http.tls.cert")
	if !ok {
		return true
	}
	if !c.mayOpen(section.Key.place, "http.tls.key", out.TLSKey) {
		return true
	}
	if _, err := readPrivate(out.TLSKey, longestPEM); err != nil {
		c.at(section.Key.place, "http.tls.key: %v", err)
		return true
	}
	key, err := os.ReadFile(out.TLSKey)
	if err == nil {
		_, err = tls.X509KeyPair(cert, key)
	}
	if err != nil {
		c.at(section.Cert.place, "http.tls: certificate and key do not go together (%v); name the right files in PEM format", err)
	}
	return true
}

// operations checks the address of metrics and profiles. There is no login at it, and
// profiles tell what is in memory.
func (c *checker) operations(raw *file) (out Operations) {
	section := raw.Operations
	switch {
	case section.same(raw.place):
		return out
	case !section.Listen.written(section.place):
		c.at(section.place, "operations.listen is missing; write where metrics and profiles are served, for example: listen: 127.0.0.1:9090, or leave operations out")
		return out
	}
	out.Listen = c.listen(section.Listen, "operations.listen", "127.0.0.1:9090")
	addr := out.Listen.Addr()
	switch {
	case !addr.IsValid():
	case out.Listen.String() == raw.HTTP.Listen.v:
		c.at(section.Listen.place, "operations.listen: %s is http.listen too; write another port, for example 127.0.0.1:9090", out.Listen)
	case !addr.IsLoopback() && !section.AllowPlain.v:
		c.at(section.Listen.place, "operations.listen: %s is not on loopback, and whoever reaches it sees metrics and profiles of the memory, without a login and in clear; write for example 127.0.0.1:9090, or allow_plain: true where a firewall lets in only those who may", out.Listen)
	}
	return out
}
