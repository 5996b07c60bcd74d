package revocation

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// lists keeps the newest revocation list of each authority.
type lists struct {
	checker  *Checker
	fetching singleflight.Group

	mu   sync.Mutex
	held map[string]shelf
}

// shelf is what is held of one authority, and when it is asked for again.
type shelf struct {
	list *list // nil before the first fetch
	due  time.Time
}

// look tells what the list says of a certificate. A list that is due is fetched
// anew beside the login that noticed; only when none is fresh does the login
// wait. A list past its end says nothing: fault.Unavailable.
func (l *lists) look(ctx context.Context, cert *x509.Certificate, issuer cps.TrustedIssuer) (answer, error) {
	key := issuer.CRL + "\x00" + string(issuer.Issuer.RawSubjectPublicKeyInfo)
	now := l.checker.Clock.Now()
	s := l.shelf(key)
	var failed error
	if !now.Before(s.due) {
		fetched := l.fetching.DoChan(key, func() (any, error) { return nil, l.renew(ctx, key, issuer) })
		if !s.list.fresh(now) {
			failed = (<-fetched).Err // the fetch has a deadline
			s = l.shelf(key)
		}
	}
	if now = l.checker.Clock.Now(); !s.list.fresh(now) {
		return answer{}, fault.Wrap(fault.Unavailable, "", "no fresh revocation list", failed)
	}
	return answer{revoked: s.list.names(cert), until: until(now, s.list.nextUpdate)}, nil
}

func (l *lists) shelf(key string) shelf {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[key]
}

// renew fetches the list of an authority. What is held stays until a better one
// comes; a publisher that fails is left in peace for a while, or a login by
// every holder would wait for it.
func (l *lists) renew(ctx context.Context, key string, issuer cps.TrustedIssuer) error {
	old := l.shelf(key).list
	fetched, err := l.fetch(ctx, old, issuer)
	now := l.checker.Clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.checker.Log.WarnContext(ctx, "no new revocation list", slog.String("list", issuer.CRL), slog.Any("error", err))
		l.held[key] = shelf{list: old, due: now.Add(quiet)}
		return err
	}
	l.held[key] = shelf{list: fetched, due: until(now, fetched.nextUpdate)}
	return nil
}

func (l *lists) fetch(ctx context.Context, old *list, issuer cps.TrustedIssuer) (*list, error) {
	ctx, cancel := context.WithTimeout(ctx, listDeadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer.CRL, nil)
	if err != nil {
		return nil, err
	}
	conditional := old.fresh(l.checker.Clock.Now())
	if conditional {
		setIf(req.Header, "If-None-Match", old.etag)
		setIf(req.Header, "If-Modified-Since", old.stamp)
	}
	res, err := l.checker.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end or not at all
	if res.StatusCode == http.StatusNotModified && conditional {
		return old, nil
	}
	if res.StatusCode != http.StatusOK {
		return nil, fault.New(fault.Unavailable, "", "publisher answered "+res.Status)
	}
	body, err := read(res.Body, maxList)
	if err != nil {
		return nil, err
	}
	fetched, err := readList(body, issuer.Issuer, l.checker.Clock.Now())
	if err != nil {
		return nil, err
	}
	if fetched.olderThan(old) {
		// An old list, signed and not yet over, would bring a revoked card back.
		return nil, fault.New(fault.Unavailable, "", "revocation list: older than the one before")
	}
	fetched.etag, fetched.stamp = res.Header.Get("ETag"), res.Header.Get("Last-Modified")
	return fetched, nil
}

func setIf(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}
