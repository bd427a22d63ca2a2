package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

func (c *checker) redis(raw redisSection) Redis {
	out := Redis{Username: raw.Username.v, Database: raw.Database.v, TLS: c.redisTLS(raw)}
	sentinel, cluster := !raw.Sentinel.same(raw.place), !raw.Cluster.same(raw.place)
	// What is written besides the first is one mistake, and not looked at.
	switch {
	case raw.Address.written(raw.place) && sentinel:
		c.at(raw.Sentinel.place, "redis.sentinel: there is redis.address, too; remove one of them")
	case raw.Address.written(raw.place) && cluster:
		c.at(raw.Cluster.place, "redis.cluster: there is redis.address, too; remove one of them")
	case sentinel && cluster:
		c.at(raw.Cluster.place, "redis.cluster: there is redis.sentinel, too; remove one of them")
	case sentinel:
		out.Sentinel = c.sentinel(raw.Sentinel)
	case cluster:
		out.Cluster = c.hosts(raw.Cluster.Addresses, raw.Cluster.place, "redis.cluster.addresses", "some nodes of the cluster", "10.0.0.21:6379")
		if raw.Database.v != 0 {
			c.at(raw.Database.place, "redis.database: a Redis Cluster has database 0 only; remove the key")
		}
	default:
		out.Address = c.host(raw.Address, "redis.address", "127.0.0.1:6379")
	}
	if raw.Database.v < 0 || raw.Database.v > 15 {
		c.at(raw.Database.place, "redis.database: %d is out of range; write 0 to 15", raw.Database.v)
	}
	if raw.Username.v != "" && raw.PasswordFile.v == "" {
		c.at(raw.Username.place, "redis.username: a user needs a password; add password_file")
	}
	out.Password = c.secret(raw.PasswordFile, "redis.password_file")
	return out
}

func (c *checker) sentinel(raw sentinelSection) *Sentinel {
	if !raw.Master.written(raw.place) && !raw.wrong {
		c.at(raw.place, "redis.sentinel.master is missing; write the name under which Sentinel knows the master, for example: master: hotline")
	}
	if raw.Username.v != "" && raw.PasswordFile.v == "" {
		c.at(raw.Username.place, "redis.sentinel.username: a user needs a password; add password_file")
	}
	return &Sentinel{
		Master:    c.name(raw.Master, "redis.sentinel.master", masterName),
		Addresses: c.hosts(raw.Addresses, raw.place, "redis.sentinel.addresses", "the Sentinels", "10.0.0.21:26379"),
		Username:  raw.Username.v, Password: c.secret(raw.PasswordFile, "redis.sentinel.password_file"),
	}
}

// host is a host:port to connect to.
func (c *checker) host(t text, key, example string) string {
	host, port, err := net.SplitHostPort(t.v)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" {
		c.at(t.place, "%s: %s is not an address; write host:port, for example %s", key, quoted(t.v), example)
	}
	return t.v
}

// hosts are the addresses of a section, at least one.
func (c *checker) hosts(l list[text], section place, key, what, example string) (hosts []string) {
	if len(l.items) == 0 && !l.wrong && !section.wrong {
		c.at(l.place, "%s: there is none; list the addresses of %s, for example: addresses: [\"%s\"]", key, what, example)
	}
	seen := c.unique("the address")
	for _, t := range l.items {
		seen.add(t.place, c.host(t, key, example))
		hosts = append(hosts, t.v)
	}
	return hosts
}

// longestPEM in bytes: a chain of certificates, or a key.
const longestPEM = 64 << 10

func (c *checker) redisTLS(raw redisSection) *TLS {
	section := raw.TLS
	if section.same(raw.place) {
		return nil
	}
	out := &TLS{ServerName: section.ServerName.v}
	switch cert, key := section.Cert.set, section.Key.set; {
	case section.wrong:
		return nil
	case !section.CA.set:
		c.at(section.place, "redis.tls.ca is missing; name the file with the certificate of the authority that has signed those of Redis")
		return nil
	case cert != key:
		c.at(section.place, "redis.tls: a certificate needs its key, and a key its certificate; write both cert and key, or neither")
		return nil
	}
	var ok bool
	if out.CA, ok = c.pem(section.CA, "redis.tls.ca"); !ok {
		return nil
	}
	at, what := section.CA.place, "redis.tls.ca"
	if section.Cert.set {
		at, what = section.Cert.place, "redis.tls.cert"
		if out.Cert, ok = c.pem(section.Cert, what); !ok {
			return nil
		}
		if !c.mayOpen(section.Key.place, "redis.tls.key", c.path(section.Key)) {
			return nil
		}
		key, err := readPrivate(c.path(section.Key), longestPEM)
		if err != nil {
			c.at(section.Key.place, "redis.tls.key: %v", err)
			return nil
		}
		out.Key = NewSecret(key)
	}
	if _, err := out.Client(); err != nil {
		c.at(at, "%s: %v", what, err)
	}
	return out
}

func (c *checker) pem(t text, key string) ([]byte, bool) {
	if !c.mayOpen(t.place, key, c.path(t)) {
		return nil, false
	}
	data, err := os.ReadFile(c.path(t))
	if err != nil {
		c.at(t.place, "%s: the file cannot be read (%v); correct the path", key, err)
	}
	return data, err == nil
}

// Client makes the settings of a client; nil without TLS. The error is a sentence
// "what is wrong; what to do".
func (t *TLS) Client() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	out := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if !out.RootCAs.AppendCertsFromPEM(t.CA) {
		return nil, errors.New("there is no certificate in the file; name a file in PEM format")
	}
	if len(t.Cert) > 0 {
		pair, err := tls.X509KeyPair(t.Cert, []byte(t.Key.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("certificate and key do not go together (%v); name the right files in PEM format", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}
