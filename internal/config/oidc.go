package config

import (
	"net/netip"
	"net/url"
	"regexp"
)

// oidcCallback is the path of redirect_url.
const oidcCallback = "/api/v1/login/oidc/callback"

var (
	claimName = pattern{regexp.MustCompile(`^[!-~]{1,128}$`), "1 to 128 letters, digits and signs of ASCII, without blanks"}
	clientID  = pattern{regexp.MustCompile(`^[ -~]{1,256}$`), "1 to 256 characters of ASCII"}
)

func (c *checker) oidc(raw httpSection) *OIDC {
	section := raw.OIDC
	if section.same(raw.place) || section.wrong {
		return nil
	}
	missing := false
	for _, key := range []struct {
		text
		name, remedy string
	}{
		{section.Issuer, "issuer", "write the issuer's address as its tokens have it, for example: issuer: https://sso.example.cn/realms/city"},
		{section.ClientID, "client_id", "write under which name the issuer knows hotline, for example: client_id: hotline"},
		{section.ClientSecretFile, "client_secret_file", "name the file with the secret that the issuer has given to hotline, for example: client_secret_file: secrets/oidc.secret"},
		{section.RedirectURL, "redirect_url", "write where the issuer sends browsers back to, for example: redirect_url: https://hotline.example.cn:8443" + oidcCallback},
	} {
		if !key.set {
			c.at(section.place, "http.oidc.%s is missing; %s", key.name, key.remedy)
			missing = true
		}
	}
	if missing {
		return nil
	}
	c.oidcURLs(section)
	out := &OIDC{
		Issuer: section.Issuer.v, RedirectURL: section.RedirectURL.v,
		ClientID:     c.name(section.ClientID, "http.oidc.client_id", clientID),
		ClientSecret: c.secret(section.ClientSecretFile, "http.oidc.client_secret_file"),
		NameClaim:    c.name(section.NameClaim, "http.oidc.name_claim", claimName),
		Title:        c.title(section.Title, "http.oidc.title", "统一身份认证"),
	}
	if section.CA.set {
		ca, ok := c.pem(section.CA, "http.oidc.ca")
		out.TLS = &TLS{CA: ca}
		if _, err := out.TLS.Client(); ok && err != nil {
			c.at(section.CA.place, "http.oidc.ca: %v", err)
		}
	}
	return out
}

func (c *checker) oidcURLs(section oidcSection) {
	if _, ok := secureURL(section.Issuer.v); !ok {
		c.at(section.Issuer.place, "http.oidc.issuer: %s is not an address of an issuer; write it with https and without query, for example https://sso.example.cn/realms/city; http is for loopback only", quoted(section.Issuer.v))
	}
	if u, ok := secureURL(section.RedirectURL.v); !ok || u.EscapedPath() != oidcCallback {
		c.at(section.RedirectURL.place, "http.oidc.redirect_url: %s is not an address of hotline; write the one that browsers use, with https and the path %s, for example https://hotline.example.cn:8443%s; http is for loopback only", quoted(section.RedirectURL.v), oidcCallback, oidcCallback)
	}
}

// secureURL is an https address without anything behind its path; to loopback also http.
func secureURL(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
	return u, u.Scheme == "https" || u.Scheme == "http" && loopback
}
