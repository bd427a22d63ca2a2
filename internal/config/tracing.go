package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const (
	endpointExample = "https://collector.internal:4318"
	// longestHeaders in bytes: some headers, one of which may hold a long token.
	longestHeaders = 16 << 10
)

// tracing checks where traces of calls go.
func (c *checker) tracing(raw *file) (out Tracing) {
	section := raw.Tracing
	switch {
	case section.same(raw.place):
		return out
	case !section.Endpoint.written(section.place):
		if !section.wrong {
			c.at(section.place, "tracing.endpoint is missing; write where the collector takes OTLP over HTTP, for example: endpoint: %s, or leave tracing out", endpointExample)
		}
		return out
	}
	u := c.receiver(section.Endpoint)
	out.Sample = between(c, section.Sample, "tracing.sample", 0, 1)
	out.Headers = c.headers(section.HeadersFile)
	if section.CA.set {
		if pem, ok := c.pem(section.CA, "tracing.ca"); ok {
			out.TLS = &TLS{CA: pem}
			if _, err := out.TLS.Client(); err != nil {
				c.at(section.CA.place, "tracing.ca: %v", err)
			}
		}
	}
	switch {
	case u == nil:
		return out
	case u.Scheme == "http" && section.CA.set:
		c.at(section.CA.place, "tracing.ca: plain HTTP has no certificates; write https in tracing.endpoint, or remove ca")
	case u.Scheme == "http" && !loopback(u.Hostname()) && !section.AllowPlain.v:
		c.at(section.Endpoint.place, "tracing.endpoint: %s is not on loopback, and what agents and callers did would travel in clear; write https, or allow_plain: true where the network in between is safe", quoted(section.Endpoint.v))
	}
	out.Endpoint = strings.TrimRight(section.Endpoint.v, "/")
	return out
}

// receiver is the address of an OTLP/HTTP receiver, or nil.
func (c *checker) receiver(t text) *url.URL {
	u, err := url.Parse(t.v)
	wrong := err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil
	if !wrong {
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		wrong = err != nil || port == 0
	}
	switch {
	case wrong:
		// What stands there may hold a password, and is not repeated.
		c.at(t.place, "tracing.endpoint: this is not the address of a collector; write scheme, host and port, for example %s, and keys into headers_file", endpointExample)
		return nil
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1/traces"):
		c.at(t.place, "tracing.endpoint: /v1/traces is added by itself; remove it")
		return nil
	}
	return u
}

// loopback reports whether a host is this machine. Names but localhost may be any.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

var (
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	// ownHeaders are set by the program or by HTTP itself.
	ownHeaders = regexp.MustCompile(`(?i)^(content-.*|host|connection|transfer-encoding|user-agent)$`)
)

// headers reads a secret file of lines like "Authorization: Bearer abc".
func (c *checker) headers(t text) map[string]Secret {
	if !t.set {
		return nil
	}
	content, err := readPrivate(c.path(t), longestHeaders)
	if err != nil {
		c.at(t.place, "tracing.headers_file: %v", err)
		return nil
	}
	out := make(map[string]Secret)
	number := 0
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		key := strings.ToLower(name)
		_, twice := out[key]
		switch {
		case !ok || !headerName.MatchString(name) || value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			c.at(t.place, "tracing.headers_file: line %d of %s is not a header; write for example: Authorization: Bearer abc", number, t.v)
		case ownHeaders.MatchString(name):
			c.at(t.place, "tracing.headers_file: line %d of %s sets %s, which is the program's own; remove it", number, t.v, name)
		case twice:
			c.at(t.place, "tracing.headers_file: line %d of %s sets %s again; remove one of them", number, t.v, name)
		default:
			out[key] = NewSecret(value)
		}
	}
	if number == 0 {
		c.at(t.place, "tracing.headers_file: %s is empty; write for example: Authorization: Bearer abc, or remove the key", t.v)
	}
	return out
}
