// Package revocation asks whether a card's certificate still stands: OCSP
// first, the published list when no responder answers, and no when neither can
// confirm it (cps-card.md section 8, check 6).
package revocation

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Bounds of what is asked and kept.
const (
	cachedAnswers = 1 << 16          // certificates
	answerLife    = 10 * time.Minute // an answer is used again, a list not asked for again, for so long
	skew          = time.Minute      // clocks of responders may differ by it
	ocspDeadline  = 1500 * time.Millisecond
	listDeadline  = 20 * time.Second
	quiet         = 30 * time.Second // a responder that failed is not asked again for so long
	maxOCSP       = 64 << 10         // bytes of an answer
	maxList       = 64 << 20         // bytes of a CRL: national lists are large
)

// Options is what New needs; all are required.
type Options struct {
	HTTP  *http.Client // its redirects are not followed: what an operator configured is what is asked
	Clock clock.Clock
	Rand  io.Reader
	Log   *slog.Logger
}

// Checker implements cps.Revocation. Safe for concurrent use.
type Checker struct {
	Options
	answers *otter.Cache[[32]byte, answer]
	asking  singleflight.Group
	lists   lists

	mu     sync.Mutex
	silent map[string]time.Time // responder -> until when it is not asked
}

// answer is what an authority said of one certificate, and until when it holds.
type answer struct {
	revoked bool
	until   time.Time
}

// New makes a checker. Errors: fault.Internal.
func New(o Options) (*Checker, error) {
	if o.HTTP == nil || o.Clock == nil || o.Rand == nil || o.Log == nil {
		return nil, fault.New(fault.Internal, "", "revocation: a dependency is missing")
	}
	answers, err := otter.New(&otter.Options[[32]byte, answer]{MaximumSize: cachedAnswers})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "revocation: no cache", err)
	}
	straight := *o.HTTP
	straight.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTP = &straight
	c := &Checker{Options: o, answers: answers, silent: map[string]time.Time{}}
	c.lists = lists{checker: c, held: map[string]shelf{}}
	return c, nil
}

// Check implements cps.Revocation. Many who ask for one certificate at once
// make one request; its answer, good or bad, serves ten minutes, and never
// longer than the authority itself lets it hold: a hold that is lifted is seen
// as late as one that is placed.
func (c *Checker) Check(ctx context.Context, cert *x509.Certificate, issuer cps.TrustedIssuer) error {
	key := sha256.Sum256(cert.Raw)
	now := c.Clock.Now()
	if known, ok := c.answers.GetIfPresent(key); ok && now.Before(known.until) {
		return known.verdict()
	}
	// The request outlives the caller who happened to be first.
	shared := context.WithoutCancel(ctx)
	done := c.asking.DoChan(string(key[:]), func() (any, error) {
		found, err := c.ask(shared, cert, issuer)
		if err == nil {
			c.answers.Set(key, found)
		}
		return found, err
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return fault.Wrap(fault.Unavailable, cps.CodeUnconfirmed, "revocation cannot be checked", r.Err)
		}
		return r.Val.(answer).verdict() // only answers are returned above
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, cps.CodeUnconfirmed, "revocation was not checked in time", ctx.Err())
	}
}

func (a answer) verdict() error {
	if a.revoked {
		return fault.New(fault.Denied, cps.CodeRevoked, "the authority has revoked the certificate")
	}
	return nil
}

// ask goes from the freshest source to the next.
func (c *Checker) ask(ctx context.Context, cert *x509.Certificate, issuer cps.TrustedIssuer) (answer, error) {
	err := error(fault.New(fault.Unavailable, "", "the authority publishes no revocations"))
	if issuer.OCSP != "" && !c.quietNow(issuer.OCSP) {
		var a answer
		if a, err = c.askResponder(ctx, cert, issuer); err == nil {
			return a, nil
		}
		if errors.Is(err, errUnknown) {
			return answer{}, err // no list overrules it: lists only name what was once issued
		}
		c.silence(issuer.OCSP)
		c.Log.WarnContext(ctx, "OCSP gave no answer", slog.String("responder", issuer.OCSP), slog.Any("error", err))
	}
	if issuer.CRL == "" {
		return answer{}, err
	}
	a, err := c.lists.look(ctx, cert, issuer)
	if err != nil {
		c.Log.ErrorContext(ctx, "revocation cannot be confirmed", slog.String("list", issuer.CRL), slog.Any("error", err))
	}
	return a, err
}

// quietNow spares each login the wait for a responder that does not answer.
func (c *Checker) quietNow(responder string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Clock.Now().Before(c.silent[responder])
}

func (c *Checker) silence(responder string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent[responder] = c.Clock.Now().Add(quiet)
}

// until bounds an answer by our own patience and by the authority's.
func until(now, next time.Time) time.Time {
	own := now.Add(answerLife)
	if !next.IsZero() && next.Before(own) {
		return next
	}
	return own
}

// read takes a bounded body.
func read(body io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fault.New(fault.Unavailable, "", "the answer is too large")
	}
	return b, nil
}
