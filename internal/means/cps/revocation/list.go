package revocation

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// serialNumber is right-aligned: 20 octets at most (RFC 5280 section 4.1.2.2).
type serialNumber [20]byte

func compare(a, b serialNumber) int { return bytes.Compare(a[:], b[:]) }

// list is one CRL reduced to what is asked of it. It never changes.
type list struct {
	revoked     []serialNumber // in order: 10 MB for half a million
	number      *big.Int       // nil if there is none
	thisUpdate  time.Time
	nextUpdate  time.Time
	etag, stamp string // of the HTTP answer it came in
}

// fresh tells whether the list still speaks; no list does not.
func (l *list) fresh(now time.Time) bool { return l != nil && now.Before(l.nextUpdate) }

// names tells whether the certificate is revoked; one whose number no list could
// name is.
func (l *list) names(c *x509.Certificate) bool {
	number, fits := numbered(c.SerialNumber.Bytes())
	if !fits {
		return true
	}
	_, found := slices.BinarySearchFunc(l.revoked, number, compare)
	return found
}

func numbered(octets []byte) (n serialNumber, fits bool) {
	octets = bytes.TrimLeft(octets, "\x00")
	if len(octets) > len(n) {
		return n, false
	}
	copy(n[len(n)-len(octets):], octets)
	return n, true
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
	parts, ok := cut(der)
	if !ok {
		return bad("cannot be read", nil)
	}
	crl, err := x509.ParseRevocationList(parts.frame)
	if err != nil {
		return bad("cannot be read", err)
	}
	if string(crl.RawIssuer) != string(issuer.RawSubject) {
		return bad("of another authority", nil)
	}
	if !strong(crl.SignatureAlgorithm) {
		return bad("signed with an unknown or weak algorithm", nil)
	}
	if issuer.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return bad("signed by a key that is not for lists", nil)
	}
	if err := issuer.CheckSignature(crl.SignatureAlgorithm, parts.signed, crl.Signature); err != nil {
		return bad("not signed by the authority", err)
	}
	if crl.NextUpdate.IsZero() || !now.Before(crl.NextUpdate) || crl.ThisUpdate.After(now.Add(skew)) {
		return bad("not of this time", nil)
	}
	if slices.ContainsFunc(crl.Extensions, func(e pkix.Extension) bool { return e.Critical }) {
		return bad("partial, or with rules that are not understood", nil)
	}
	revoked, ok := numbers(parts.entries)
	if !ok {
		return bad("cannot be read", nil)
	}
	return &list{revoked: revoked, number: crl.Number, thisUpdate: crl.ThisUpdate, nextUpdate: crl.NextUpdate}, nil
}

// strong names the algorithms an authority or its delegate may sign with:
// crypto/x509 still takes SHA-1 for lists, golang.org/x/crypto/ocsp for answers.
func strong(a x509.SignatureAlgorithm) bool {
	return a == x509.SHA256WithRSA || a == x509.SHA384WithRSA || a == x509.SHA512WithRSA
}
