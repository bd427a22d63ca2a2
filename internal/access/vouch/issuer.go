package vouch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"go.uber.org/zap"
	"golang.org/x/oauth2"
)

const (
	// awayAfter bounds each question to the issuer.
	awayAfter = 5 * time.Second
	// endBound bounds what happens when a browser comes back: up to four questions.
	endBound = 10 * time.Second
	// knownFor is how long the issuer's own description is believed.
	knownFor = time.Hour
	// largestAnswer of the issuer, in bytes.
	largestAnswer = 1 << 20
)

// Options are what an Issuer is made of. All but TLS, Log and Now are needed.
type Options struct {
	URL          string // as in the issuer's tokens, to the letter
	ClientID     string
	ClientSecret string
	RedirectURL  string // where the issuer sends browsers back to
	NameClaim    string // of the ID token, or else of userinfo: the user's name at hotline
	TLS          *tls.Config
	Log          *zap.Logger
	Now          func() time.Time
}

// Issuer is who vouches for people. It is safe for concurrent use.
type Issuer struct {
	o      Options
	client *http.Client
	turn   chan struct{} // held while the issuer is looked up
	found  *party        // guarded by turn
}

// party is what the issuer says of itself.
type party struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
	since    time.Time
}

// New makes an Issuer. It asks nothing yet: hotline starts also while the issuer is away.
func New(o Options) *Issuer {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if transport.TLSClientConfig = o.TLS; o.TLS == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &Issuer{
		o: o, turn: make(chan struct{}, 1),
		client: &http.Client{
			Timeout: awayAfter, Transport: bounded{transport},
			// The addresses are those that the issuer has named; the client's secret goes nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Close ends the connections that are kept open.
func (i *Issuer) Close() { i.client.CloseIdleConnections() }

// lookUp asks the issuer for its description, unless it is known. A failure is not
// remembered.
func (i *Issuer) lookUp(ctx context.Context) (*party, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, i.client), awayAfter)
	defer cancel()
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if i.found != nil && i.o.Now().Sub(i.found.since) < knownFor {
		return i.found, nil
	}
	provider, err := oidc.NewProvider(ctx, i.o.URL)
	if err != nil {
		return nil, err
	}
	p := &party{provider: provider, since: i.o.Now()}
	p.verifier = provider.Verifier(&oidc.Config{ClientID: i.o.ClientID, Now: i.o.Now})
	p.oauth = oauth2.Config{
		ClientID: i.o.ClientID, ClientSecret: i.o.ClientSecret, RedirectURL: i.o.RedirectURL,
		Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "profile"},
	}
	if p.oauth.Endpoint.AuthStyle, err = i.examine(provider); err != nil {
		return nil, err
	}
	i.found = p
	return p, nil
}

// examine makes sure that secrets travel by TLS, and finds out how the client's is shown:
// by trial a code would be sent twice, and it is good for once.
func (i *Issuer) examine(provider *oidc.Provider) (oauth2.AuthStyle, error) {
	var said struct {
		Authorisation string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		Keys          string   `json:"jwks_uri"`
		UserInfo      string   `json:"userinfo_endpoint"`
		Methods       []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := provider.Claims(&said); err != nil {
		return 0, err
	}
	for name, url := range map[string]string{"authorization_endpoint": said.Authorisation, "token_endpoint": said.Token, "jwks_uri": said.Keys, "userinfo_endpoint": said.UserInfo} {
		plain := strings.HasPrefix(i.o.URL, "http://") && strings.HasPrefix(url, "http://") // on loopback
		left := url == "" && name == "userinfo_endpoint"
		if !plain && !left && !strings.HasPrefix(url, "https://") {
			return 0, fmt.Errorf("the issuer's %s is %q, which is no https address", name, url)
		}
	}
	switch {
	case len(said.Methods) == 0 || slices.Contains(said.Methods, "client_secret_basic"):
		return oauth2.AuthStyleInHeader, nil
	case slices.Contains(said.Methods, "client_secret_post"):
		return oauth2.AuthStyleInParams, nil
	}
	return 0, errors.New("the issuer takes a client's secret neither by client_secret_basic nor by client_secret_post")
}

// bounded lets no answer be larger than largestAnswer.
type bounded struct{ *http.Transport }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.Transport.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, largestAnswer), answer.Body}
	}
	return answer, err
}
