package listen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// pace is how often the files are read again.
const pace = 10 * time.Second

// maxPEM bounds a certificate or key file.
const maxPEM = 1 << 20

// Options say where a certificate is and what it must be good for.
type Options struct {
	Cert, Key string   // PEM files; Cert holds the chain, the server's own first
	Hosts     []string // names that it must hold; empty: any
	Clock     clock.Clock
	Log       *slog.Logger
	// Changed is told of every pair found in the files after the first: taken into
	// use, or refused with the reason while the old one goes on. May be nil.
	Changed func(ctx context.Context, fingerprint string, refused error)
}

// Certificate is a server certificate that follows its files. A bad new pair
// keeps the old one in force and says so (HA8).
type Certificate struct {
	o       Options
	current atomic.Pointer[tls.Certificate]

	mu     sync.Mutex
	judged *pair // what the files held when they were last judged
	odd    *pair // a pair that does not fit, seen once: half of it may be still to come
}

// pair is what the two files hold, or why they cannot be read.
type pair struct {
	cert, key []byte
	err       error
}

func (p *pair) equal(q *pair) bool {
	return q != nil && bytes.Equal(p.cert, q.cert) && bytes.Equal(p.key, q.key) && (p.err == nil) == (q.err == nil)
}

// Load reads the pair. At start a bad one is fatal.
func Load(o Options) (*Certificate, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Certificate{o: o}
	found := c.read()
	good, err := c.judge(found)
	if err != nil {
		return nil, err
	}
	c.judged = found
	c.current.Store(good)
	return c, nil
}

// get is tls.Config.GetCertificate.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// Leaf is the certificate in use.
func (c *Certificate) Leaf() *x509.Certificate { return c.current.Load().Leaf }

// File names the certificate for people.
func (c *Certificate) File() string { return c.o.Cert }

// Watch follows the files until ctx ends.
func (c *Certificate) Watch(ctx context.Context) {
	for {
		fired, stop := c.o.Clock.After(pace)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-fired:
			c.look(ctx, false)
		}
	}
}

// Reload reads the files now: an operator says that they are complete.
func (c *Certificate) Reload(ctx context.Context) { c.look(ctx, true) }

// look takes what the files hold into use if it is new and good. Certificate and
// key are two files, replaced one after the other: a pair that does not fit is
// given until the next look, unless it is declared complete.
func (c *Certificate) look(ctx context.Context, complete bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.read()
	if found.equal(c.judged) {
		return
	}
	good, err := c.judge(found)
	if err != nil && !complete && !found.equal(c.odd) {
		c.odd = found
		return
	}
	c.judged, c.odd = found, nil
	c.tell(ctx, found, err)
	if err == nil {
		c.current.Store(good)
	}
}

func (c *Certificate) tell(ctx context.Context, found *pair, refused error) {
	name := fingerprint(found.cert)
	if refused != nil {
		c.o.Log.ErrorContext(ctx, "new certificate refused, the old one stays in use",
			slog.String("file", c.o.Cert), slog.Time("old_not_after", c.Leaf().NotAfter), slog.Any("error", refused))
	} else {
		c.o.Log.InfoContext(ctx, "new certificate in use", slog.String("file", c.o.Cert), slog.String("fingerprint", name))
	}
	if c.o.Changed != nil {
		c.o.Changed(ctx, name, refused)
	}
}

// judge holds a pair to what the clients will ask of it.
func (c *Certificate) judge(p *pair) (*tls.Certificate, error) {
	if p.err != nil {
		return nil, p.err
	}
	good, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "certificate "+c.o.Cert+" and key "+c.o.Key+" are no pair", err)
	}
	now := c.o.Clock.Now()
	if now.After(good.Leaf.NotAfter) || now.Before(good.Leaf.NotBefore) {
		return nil, fault.New(fault.Invalid, "", fmt.Sprintf("certificate %s is good from %s to %s only", c.o.Cert,
			good.Leaf.NotBefore.UTC().Format(time.RFC3339), good.Leaf.NotAfter.UTC().Format(time.RFC3339)))
	}
	for _, host := range c.o.Hosts {
		if err := good.Leaf.VerifyHostname(host); err != nil {
			return nil, fault.Wrap(fault.Invalid, "", "certificate "+c.o.Cert+" is not for "+host, err)
		}
	}
	return &good, nil
}

func (c *Certificate) read() *pair {
	p := &pair{}
	if p.cert, p.err = readPEM(c.o.Cert); p.err == nil {
		p.key, p.err = readPEM(c.o.Key)
	}
	return p
}

func readPEM(path string) ([]byte, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened to read
	b, err := io.ReadAll(io.LimitReader(f, maxPEM))
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return b, nil
}

// fingerprint names a certificate file in traces and logs.
func fingerprint(cert []byte) string {
	sum := sha256.Sum256(cert)
	return hex.EncodeToString(sum[:8])
}
