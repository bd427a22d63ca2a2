package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os/user"
	"time"

	"go.uber.org/zap"

	"hotline/internal/access"
	"hotline/internal/access/vouch"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/metrics"
	"hotline/internal/redisstore"
)

func newGuard(cfg *config.Config, store *redisstore.Store, log *zap.Logger) *access.Guard {
	return access.New(access.Options{
		Store: store.Access(), TokenFile: cfg.HTTP.Token.Reveal(), Idle: cfg.HTTP.SessionIdle, Lasts: cfg.HTTP.SessionLasts, Log: log.Named("access"),
	})
}

// newIssuer is who vouches for people by OpenID Connect; nil without.
func newIssuer(cfg *config.Config, log *zap.Logger) (*vouch.Issuer, error) {
	o := cfg.HTTP.OIDC
	if o == nil {
		return nil, nil
	}
	trusts, err := o.TLS.Client()
	if err != nil {
		return nil, fmt.Errorf("http.oidc.ca: %w", err)
	}
	return vouch.New(vouch.Options{
		URL: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), RedirectURL: o.RedirectURL, NameClaim: o.NameClaim,
		TLS: trusts, Log: log.Named("oidc"),
	}), nil
}

// secured lets a listener speak TLS, if the configuration has it.
func secured(listener net.Listener, cfg *config.Config, meters *metrics.Metrics, log *zap.Logger) (net.Listener, error) {
	if cfg.HTTP.TLSCert == "" {
		return listener, nil
	}
	settings, err := httpapi.TLS(cfg.HTTP.TLSCert, cfg.HTTP.TLSKey, log)
	if err != nil {
		return nil, fmt.Errorf("http.tls: %w", err)
	}
	// One request at a time on a connection: its bounds are those of NewServer.
	settings.NextProtos = []string{"http/1.1"}
	meters.Certificate(func() time.Time {
		certificate, err := settings.GetCertificate(nil)
		if err != nil {
			return time.Time{}
		}
		return certificate.Leaf.NotAfter
	})
	return tls.NewListener(listener, settings), nil
}

// Person is a user as the command line shows it.
type Person struct {
	Name, Title string
	Disabled    bool
	LastLogin   time.Time // zero: never
}

// Admins lists the admins, without a running controller.
func Admins(ctx context.Context, cfg *config.Config) (admins []Person, err error) {
	err = withGuard(cfg, func(g *access.Guard) error {
		users, err := g.Users(ctx)
		for _, u := range users {
			if u.Role == access.Admin {
				admins = append(admins, Person{u.Name, u.Title, u.Disabled, u.LastSeen})
			}
		}
		return err
	})
	return admins, err
}

// CreateAdmin makes an admin with a password, without a running controller.
func CreateAdmin(ctx context.Context, cfg *config.Config, name, password string) error {
	return byCommand(ctx, cfg, "hotline admin create", name, func(g *access.Guard) error {
		_, err := g.CreateAdmin(ctx, name, password)
		return err
	})
}

// ResetAdmin gives an admin a new password and enables it, without a running controller.
func ResetAdmin(ctx context.Context, cfg *config.Config, name, password string) error {
	return byCommand(ctx, cfg, "hotline admin reset", name, func(g *access.Guard) error {
		_, err := g.ResetAdmin(ctx, name, password)
		return err
	})
}

// byCommand does something and notes it in the audit log.
func byCommand(ctx context.Context, cfg *config.Config, action, name string, do func(*access.Guard) error) error {
	return withGuard(cfg, func(g *access.Guard) error {
		if err := do(g); err != nil {
			return err
		}
		who := "unknown"
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
		g.Note(access.Entry{Who: who, Via: access.ByCommand, Action: action, On: access.CanonicalName(name), Result: access.Done})
		if err := g.Flush(ctx); err != nil {
			return fmt.Errorf("it is done, and the audit log does not have it: %w", err)
		}
		return nil
	})
}

func withGuard(cfg *config.Config, do func(*access.Guard) error) error {
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	return explained(do(newGuard(cfg, store, zap.NewNop())))
}

// explained says why Redis does not answer, to who is at the machine.
func explained(err error) error {
	if cause := access.Cause(err); cause != nil {
		return cause
	}
	return err
}
