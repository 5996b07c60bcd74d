package revocation

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// list is one CRL reduced to what is asked of it. It never changes.
type list struct {
	revoked     map[string]struct{} // serial numbers, big-endian
	number      *big.Int            // nil if there is none
	thisUpdate  time.Time
	nextUpdate  time.Time
	etag, stamp string // of the HTTP answer it came in
}

// fresh tells whether the list still speaks; no list does not.
func (l *list) fresh(now time.Time) bool { return l != nil && now.Before(l.nextUpdate) }

func (l *list) names(c *x509.Certificate) bool {
	_, found := l.revoked[string(c.SerialNumber.Bytes())]
	return found
}

func (l *list) olderThan(old *list) bool {
	if old == nil {
		return false
	}
	lower := l.number != nil && old.number != nil && l.number.Cmp(old.number) < 0
	return lower || l.thisUpdate.Before(old.thisUpdate)
}

// readList takes a whole list of the authority itself, of this time (RFC 5280
// section 6.3.3). A delta, a list of some certificates only and one with rules
// that are not understood all say so in a critical extension.
func readList(der []byte, issuer *x509.Certificate, now time.Time) (*list, error) {
	bad := func(why string, cause error) (*list, error) {
		return nil, fault.Wrap(fault.Unavailable, "", "revocation list: "+why, cause)
	}
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return bad("cannot be read", err)
	}
	if string(crl.RawIssuer) != string(issuer.RawSubject) {
		return bad("of another authority", nil)
	}
	if !strong(crl.SignatureAlgorithm) {
		return bad("signed with an unknown or weak algorithm", nil)
	}
	if err := crl.CheckSignatureFrom(issuer); err != nil {
		return bad("not signed by the authority", err)
	}
	if crl.NextUpdate.IsZero() || !now.Before(crl.NextUpdate) || crl.ThisUpdate.After(now.Add(skew)) {
		return bad("not of this time", nil)
	}
	if slices.ContainsFunc(crl.Extensions, func(e pkix.Extension) bool { return e.Critical }) {
		return bad("partial, or with rules that are not understood", nil)
	}
	revoked := make(map[string]struct{}, len(crl.RevokedCertificateEntries))
	for _, e := range crl.RevokedCertificateEntries {
		revoked[string(e.SerialNumber.Bytes())] = struct{}{}
	}
	return &list{revoked: revoked, number: crl.Number, thisUpdate: crl.ThisUpdate, nextUpdate: crl.NextUpdate}, nil
}

// strong names the algorithms an authority or its delegate may sign with:
// crypto/x509 still takes SHA-1 for lists, golang.org/x/crypto/ocsp for answers.
func strong(a x509.SignatureAlgorithm) bool {
	return a == x509.SHA256WithRSA || a == x509.SHA384WithRSA || a == x509.SHA512WithRSA
}
