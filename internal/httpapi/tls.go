package httpapi

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// lookEvery is how often it is looked whether certificate or key have changed, at most.
const lookEvery = time.Second

// certificate is read again when its files change.
type certificate struct {
	cert, key string
	log       *zap.Logger
	now       func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate // guarded by mu; the last that could be used
	seen   [2]stamp         // guarded by mu; of the files when they were read last
	looked time.Time        // guarded by mu
}

// stamp tells whether a file is as it was.
type stamp struct {
	changed time.Time
	size    int64
}

// TLS makes the settings of a server from files in PEM format. It goes on with the
// former certificate, and logs why, when they change to something that cannot be used:
// a certificate that is there before its key is used as soon as both are.
func TLS(cert, key string, log *zap.Logger) (*tls.Config, error) {
	return tlsAt(cert, key, log, time.Now)
}

func tlsAt(cert, key string, log *zap.Logger, now func() time.Time) (*tls.Config, error) {
	c := &certificate{cert: cert, key: key, log: log, now: now}
	if err := c.read(); err != nil {
		return nil, err
	}
	c.looked = now()
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.present(), nil },
	}, nil
}

// read is called while nobody else uses c, or with c.mu held.
func (c *certificate) read() error {
	c.seen = c.stamps()
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("the certificate %s with the key %s cannot be used (%w); name the right files", c.cert, c.key, err)
	}
	c.pair = &pair
	return nil
}

func (c *certificate) stamps() (s [2]stamp) {
	for i, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

func (c *certificate) present() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if c.stamps() != c.seen {
			if err := c.read(); err != nil {
				c.log.Error("The API goes on with the former certificate", zap.Error(err))
			} else {
				c.log.Info("The API has a new certificate", zap.String("file", c.cert), zap.Time("expires", c.pair.Leaf.NotAfter))
			}
		}
	}
	return c.pair
}
