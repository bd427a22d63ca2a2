package vouch_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"hotline/internal/access/vouch"
	"hotline/internal/certtest"
)

// faulty is an issuer for what a real one does not do.
type faulty struct {
	*httptest.Server
	t     *testing.T
	key   *ecdsa.PrivateKey
	kid   string
	nonce string // of the last login

	description map[string]any                     // changes to the discovery document
	claims      map[string]any                     // changes to those of the ID token
	sign        func(claims map[string]any) string // the ID token; nil: as it should be
	userinfo    map[string]any
	status      int // of discovery, token and keys; 0: 200
	form        url.Values
	basic       bool
	asked       map[string]int
}

func newFaulty(t *testing.T) *faulty {
	f := &faulty{t: t, asked: make(map[string]int)}
	f.rotate()
	f.Server = httptest.NewUnstartedServer(f)
	return f
}

// started speaks plain HTTP.
func started(t *testing.T) *faulty {
	f := newFaulty(t)
	f.Start()
	t.Cleanup(f.Close)
	return f
}

func (f *faulty) rotate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	f.key, f.kid = key, f.kid+"k"
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked[r.URL.Path]++
	if f.status != 0 {
		http.Error(w, "{}", f.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	var answer map[string]any
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer = map[string]any{
			"issuer": f.URL, "authorization_endpoint": f.URL + "/authorise", "token_endpoint": f.URL + "/token", "jwks_uri": f.URL + "/keys",
			"userinfo_endpoint": f.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"ES256", "none", "HS256"},
		}
		maps.Copy(answer, f.description)
	case "/keys":
		point, err := f.key.PublicKey.Bytes()
		if err != nil {
			f.t.Error(err)
		}
		answer = map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": f.kid, "x": b64(point[1:33]), "y": b64(point[33:])}}}
	case "/token":
		_ = r.ParseForm()
		f.form = r.PostForm
		_, _, f.basic = r.BasicAuth()
		now := time.Now().Unix()
		claims := map[string]any{"iss": f.URL, "aud": "hotline", "sub": "7", "nonce": f.nonce, "iat": now, "exp": now + 60, "preferred_username": "zhang.san"}
		for name, value := range f.claims {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
		sign := f.sign
		if sign == nil {
			sign = func(claims map[string]any) string { return f.signed(f.key, f.kid, claims) }
		}
		answer = map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": sign(claims)}
	case "/userinfo":
		answer = f.userinfo
	case "/elsewhere":
		f.t.Error("a redirect was followed")
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func part(v map[string]any) string {
	data, _ := json.Marshal(v)
	return b64(data)
}

func (f *faulty) signed(key *ecdsa.PrivateKey, kid string, claims map[string]any) string {
	text := part(map[string]any{"alg": "ES256", "kid": kid}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		f.t.Error(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + b64(signature)
}

// login is a whole one, at which the issuer asks nothing.
func (f *faulty) login(i *vouch.Issuer, change ...func(url.Values)) (string, error) {
	f.t.Helper()
	to, keep, err := i.Begin(f.t.Context())
	if err != nil {
		return "", err
	}
	at, err := url.Parse(to)
	if err != nil {
		f.t.Fatal(err)
	}
	f.nonce = at.Query().Get("nonce")
	answer := url.Values{"code": {"c"}, "state": {at.Query().Get("state")}}
	for _, c := range change {
		c(answer)
	}
	return i.End(f.t.Context(), keep, answer)
}

func TestTokensThatAreNotGood(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]func(*faulty){
		"a nonce of another login":   func(f *faulty) { f.claims = map[string]any{"nonce": "x"} },
		"no nonce":                   func(f *faulty) { f.claims = map[string]any{"nonce": nil} },
		"for another client":         func(f *faulty) { f.claims = map[string]any{"aud": "payroll"} },
		"for several, of another":    func(f *faulty) { f.claims = map[string]any{"aud": []string{"hotline", "payroll"}, "azp": "payroll"} },
		"for several, of nobody":     func(f *faulty) { f.claims = map[string]any{"aud": []string{"hotline", "payroll"}} },
		"of another issuer":          func(f *faulty) { f.claims = map[string]any{"iss": "https://elsewhere.example"} },
		"expired":                    func(f *faulty) { f.claims = map[string]any{"exp": time.Now().Add(-time.Second).Unix()} },
		"not valid yet":              func(f *faulty) { f.claims = map[string]any{"nbf": time.Now().Add(time.Hour).Unix()} },
		"a name that is a number":    func(f *faulty) { f.claims = map[string]any{"preferred_username": 7} },
		"an empty name":              func(f *faulty) { f.claims = map[string]any{"preferred_username": ""} },
		"none":                       func(f *faulty) { f.sign = func(map[string]any) string { return "" } },
		"no token at all":            func(f *faulty) { f.sign = func(map[string]any) string { return "a.b" } },
		"signed with another key":    func(f *faulty) { f.sign = func(c map[string]any) string { return f.signed(other, f.kid, c) } },
		"signed with an unknown key": func(f *faulty) { f.sign = func(c map[string]any) string { return f.signed(other, "?", c) } },
		"not signed": func(f *faulty) {
			f.sign = func(c map[string]any) string { return part(map[string]any{"alg": "none"}) + "." + part(c) + "." }
		},
		"signed with the client's secret": func(f *faulty) {
			f.sign = func(c map[string]any) string {
				text := part(map[string]any{"alg": "HS256"}) + "." + part(c)
				mac := hmac.New(sha256.New, []byte("the client's"))
				_, _ = mac.Write([]byte(text))
				return text + "." + b64(mac.Sum(nil))
			}
		},
		"userinfo about somebody else": func(f *faulty) {
			f.claims = map[string]any{"preferred_username": nil}
			f.userinfo = map[string]any{"sub": "8", "preferred_username": "boss"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := started(t)
			i := issuerAt(t, f.URL)
			if name, err := f.login(i); name != "zhang.san" || err != nil {
				t.Fatal("a good one: ", name, err)
			}
			c(f)
			name, err := f.login(i)
			wantCode(t, name, err, vouch.Refused)
		})
	}
}

func TestAnswersOfTheIssuer(t *testing.T) {
	f := started(t)
	i := issuerAt(t, f.URL)
	for _, c := range []struct{ key, value, want string }{
		{"error", "access_denied", vouch.Refused},
		{"error", "login_required", vouch.Refused},
		{"error", "temporarily_unavailable", vouch.IsAway},
		{"error", "server_error", vouch.IsAway},
		{"iss", "https://elsewhere.example", vouch.Refused},
		{"state", "x", vouch.Expired},
		{"state", "", vouch.Expired},
	} {
		name, err := f.login(i, func(answer url.Values) { answer.Set(c.key, c.value) })
		wantCode(t, name, err, c.want)
	}
	if f.asked["/token"] != 0 {
		t.Error("a code was shown all the same")
	}
	if name, err := f.login(i, func(answer url.Values) { answer.Set("iss", f.URL) }); name != "zhang.san" || err != nil {
		t.Error(name, err)
	}
}

// A key that is new to hotline is asked for at once.
func TestKeysAreReplaced(t *testing.T) {
	f := started(t)
	i := issuerAt(t, f.URL)
	for range 3 {
		if name, err := f.login(i); name != "zhang.san" || err != nil {
			t.Fatal(name, err)
		}
		f.rotate()
	}
	if f.asked["/keys"] != 3 || f.asked["/.well-known/openid-configuration"] != 1 {
		t.Errorf("asked %v", f.asked)
	}
}

func TestIssuerThatComesBack(t *testing.T) {
	f := started(t)
	now := time.Now()
	i := issuerAt(t, f.URL, func(o *vouch.Options) { o.Now = func() time.Time { return now } })
	f.status = http.StatusBadGateway
	name, err := f.login(i)
	wantCode(t, name, err, vouch.IsAway)
	f.status = 0
	if name, err := f.login(i); name != "zhang.san" || err != nil {
		t.Fatal(name, err)
	}
	f.status = http.StatusBadGateway // of the token's address
	name, err = f.login(i)
	wantCode(t, name, err, vouch.IsAway)
	f.status = 0
	now = now.Add(time.Hour) // its description may have changed
	f.claims = map[string]any{"exp": now.Add(time.Minute).Unix()}
	if name, err := f.login(i); name != "zhang.san" || err != nil || f.asked["/.well-known/openid-configuration"] != 3 {
		t.Error(name, err, f.asked)
	}
}

func TestHowTheSecretIsShown(t *testing.T) {
	for _, c := range []struct {
		methods []string
		basic   bool
		want    string
	}{
		{nil, true, ""},
		{[]string{"client_secret_post", "client_secret_basic"}, true, ""},
		{[]string{"client_secret_post"}, false, ""},
		{[]string{"private_key_jwt"}, false, vouch.IsAway},
	} {
		f := started(t)
		f.description = map[string]any{}
		if c.methods != nil {
			f.description["token_endpoint_auth_methods_supported"] = c.methods
		}
		_, err := f.login(issuerAt(t, f.URL))
		if codeOf(err) != c.want || f.basic != c.basic {
			t.Errorf("%v: %v, basic %v", c.methods, err, f.basic)
		}
		if c.want == "" && (f.form.Get("client_secret") != "") == c.basic {
			t.Errorf("%v: %v", c.methods, f.form)
		}
	}
}

func TestIssuerByTLS(t *testing.T) {
	f := newFaulty(t)
	cert, key := certtest.Pair(t, 1)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	f.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	f.StartTLS()
	defer f.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	trusting := func() *vouch.Issuer {
		return issuerAt(t, f.URL, func(o *vouch.Options) { o.TLS = &tls.Config{RootCAs: roots} })
	}
	_, err = f.login(issuerAt(t, f.URL))
	wantCode(t, "", err, vouch.IsAway) // nobody vouches for the issuer's certificate
	if name, err := f.login(trusting()); name != "zhang.san" || err != nil {
		t.Fatal(name, err)
	}
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"} {
		f.description = map[string]any{name: "http://elsewhere.example/"}
		_, err := f.login(trusting())
		wantCode(t, "", err, vouch.IsAway)
	}
	f.description = map[string]any{"issuer": "https://elsewhere.example"}
	_, err = f.login(trusting())
	wantCode(t, "", err, vouch.IsAway)
}

// The client's secret is for the address that the issuer has named.
func TestRedirectsAreNotFollowed(t *testing.T) {
	f := started(t)
	from := httptest.NewServer(http.RedirectHandler(f.URL+"/elsewhere", http.StatusTemporaryRedirect))
	defer from.Close()
	f.description = map[string]any{"token_endpoint": from.URL}
	name, err := f.login(issuerAt(t, f.URL))
	wantCode(t, name, err, vouch.Refused)
	if f.asked["/elsewhere"] != 0 {
		t.Error(fmt.Sprint(f.asked))
	}
}
