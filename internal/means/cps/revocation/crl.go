package revocation

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// listRefresh is how old a list may grow before it is asked for again; what is
// held serves on until its own end if the publisher does not answer.
const listRefresh = 10 * time.Minute

// lists keeps one revocation list per address.
type lists struct {
	checker *Checker
	mu      sync.Mutex
	held    map[string]*list
}

// list is one CRL reduced to what is asked of it.
type list struct {
	mu          sync.Mutex // one fetch at a time
	revoked     map[string]struct{}
	number      *big.Int
	thisUpdate  time.Time
	nextUpdate  time.Time
	asked       time.Time
	etag, stamp string
}

func (l *lists) of(issuer cps.TrustedIssuer) *list {
	key := issuer.CRL + "\x00" + string(issuer.Issuer.RawSubjectPublicKeyInfo)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[key] == nil {
		l.held[key] = &list{}
	}
	return l.held[key]
}

// look tells what the list says of a certificate. A list past its end says
// nothing: fault.Unavailable (stale CRL).
func (l *lists) look(ctx context.Context, cert *x509.Certificate, issuer cps.TrustedIssuer) (answer, error) {
	v := l.of(issuer)
	v.mu.Lock()
	defer v.mu.Unlock()
	now := l.checker.Clock.Now()
	var failed error
	if now.Sub(v.asked) >= listRefresh || !now.Before(v.nextUpdate) {
		if failed = l.refresh(ctx, v, issuer, now); failed != nil {
			v.asked = now.Add(quiet - listRefresh) // again after a pause, not at each login
		}
	}
	if v.revoked == nil || !now.Before(v.nextUpdate) {
		return answer{}, fault.Wrap(fault.Unavailable, "", "no fresh revocation list", failed)
	}
	_, found := v.revoked[string(cert.SerialNumber.Bytes())]
	return answer{revoked: found, until: until(now, v.nextUpdate)}, nil
}

func (l *lists) refresh(ctx context.Context, v *list, issuer cps.TrustedIssuer, now time.Time) error {
	patience := listDeadline
	if v.revoked != nil && now.Before(v.nextUpdate) {
		patience = ocspDeadline // what is held still serves
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer.CRL, nil)
	if err != nil {
		return err
	}
	if v.revoked != nil && now.Before(v.nextUpdate) {
		setIf(req.Header, "If-None-Match", v.etag)
		setIf(req.Header, "If-Modified-Since", v.stamp)
	}
	res, err := l.checker.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end or not at all
	switch res.StatusCode {
	case http.StatusNotModified:
		v.asked = now
		return nil
	case http.StatusOK:
	default:
		return fault.New(fault.Unavailable, "", "publisher answered "+res.Status)
	}
	body, err := read(res.Body, maxList)
	if err != nil {
		return err
	}
	if err := v.take(body, issuer.Issuer, now); err != nil {
		return err
	}
	v.asked, v.etag, v.stamp = now, res.Header.Get("ETag"), res.Header.Get("Last-Modified")
	return nil
}

func setIf(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// take replaces what is held by a list of the authority itself, of this time,
// and no older than the one before: an old list must not bring a card back.
func (v *list) take(der []byte, issuer *x509.Certificate, now time.Time) error {
	bad := func(why string, cause error) error {
		return fault.Wrap(fault.Unavailable, "", "revocation list: "+why, cause)
	}
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return bad("cannot be read", err)
	}
	if string(crl.RawIssuer) != string(issuer.RawSubject) {
		return bad("of another authority", nil)
	}
	if err := crl.CheckSignatureFrom(issuer); err != nil {
		return bad("not signed by the authority", err)
	}
	if crl.NextUpdate.IsZero() || !now.Before(crl.NextUpdate) || crl.ThisUpdate.After(now.Add(skew)) {
		return bad("not of this time", nil)
	}
	if slices.ContainsFunc(crl.Extensions, func(e pkix.Extension) bool { return e.Critical }) {
		return bad("partial, or with rules that are not understood", nil) // RFC 5280 5.2
	}
	older := v.number != nil && crl.Number != nil && crl.Number.Cmp(v.number) < 0 || crl.ThisUpdate.Before(v.thisUpdate)
	if older {
		return bad("older than the one before", nil)
	}
	revoked := make(map[string]struct{}, len(crl.RevokedCertificateEntries))
	for _, e := range crl.RevokedCertificateEntries {
		if e.ReasonCode != removeFromCRL {
			revoked[string(e.SerialNumber.Bytes())] = struct{}{}
		}
	}
	v.revoked, v.number, v.thisUpdate, v.nextUpdate = revoked, crl.Number, crl.ThisUpdate, crl.NextUpdate
	return nil
}

// removeFromCRL is the reason code of a lifted hold (RFC 5280 5.3.1).
const removeFromCRL = 8
