package cps

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// TrustedIssuer is one pinned authority of natural persons, and where the
// operator knows its revocations to be published. What a presented certificate
// says of its issuer's addresses is never followed.
type TrustedIssuer struct {
	Range  igc.Range
	Root   *x509.Certificate
	Issuer *x509.Certificate
	OCSP   string // URL, empty if there is none
	CRL    string // URL, empty if there is none
}

// test tells a test authority by the names of cps-card.md section 5.
func (i TrustedIssuer) test() bool { return testName(i.Issuer) || testName(i.Root) }

func testName(c *x509.Certificate) bool {
	return slices.Contains(c.Subject.OrganizationalUnit, "IGC-SANTE TEST") || strings.HasPrefix(c.Subject.CommonName, "TEST ")
}

// TrustOptions says what cards a provider takes.
type TrustOptions struct {
	Production bool     // no test authority and no test product
	Staff      bool     // CPE, CPA and CDE too
	Policies   []string // accepted certificate policies, dotted; at least one
}

// Trust is the pinned part of the world. It never changes.
type Trust struct {
	TrustOptions
	issuers map[string][]TrustedIssuer // by raw subject
}

// NewTrust checks what it is asked to pin: each issuer signed by its own root,
// both authorities and valid now, no test authority in production.
// Errors: fault.Invalid that names the authority.
func NewTrust(pinned []TrustedIssuer, o TrustOptions, now time.Time) (*Trust, error) {
	if len(pinned) == 0 || len(o.Policies) == 0 {
		return nil, fault.New(fault.Invalid, "", "cards need at least one authority and one policy")
	}
	t := &Trust{TrustOptions: o, issuers: map[string][]TrustedIssuer{}}
	for _, p := range pinned {
		if err := p.check(o, now); err != nil {
			return nil, err
		}
		subject := string(p.Issuer.RawSubject)
		t.issuers[subject] = append(t.issuers[subject], p)
	}
	return t, nil
}

func (i TrustedIssuer) check(o TrustOptions, now time.Time) error {
	if i.Root == nil || i.Issuer == nil {
		return fault.New(fault.Invalid, "", "card authority without root or issuer")
	}
	bad := func(why string, cause error) error {
		return fault.Wrap(fault.Invalid, "", "card authority "+i.Issuer.Subject.CommonName+": "+why, cause)
	}
	if i.Range != igc.Fort && i.Range != igc.Standard {
		return bad("cards come from the ranges fort and standard", nil)
	}
	if o.Production && i.test() {
		return bad("a test authority in production", nil)
	}
	if !bytes.Equal(i.Root.RawSubject, i.Root.RawIssuer) || i.Root.CheckSignatureFrom(i.Root) != nil {
		return bad("the root is not its own issuer", nil)
	}
	if !i.Issuer.IsCA || !i.Issuer.BasicConstraintsValid {
		return bad("the issuer is no authority", nil)
	}
	if i.Root.MaxPathLenZero && i.Root.MaxPathLen == 0 {
		return bad("its root may certify no authority", nil) // Verify takes the issuer for the end of the path
	}
	roots := x509.NewCertPool()
	roots.AddCert(i.Root)
	_, err := i.Issuer.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return bad("not vouched for by its root", err)
	}
	return nil
}

// issuerOf finds the pinned authority that signed a certificate. Of several
// with one name (a renewed key) the signature decides, never the name.
// Errors: fault.Denied with CodeUntrusted or CodeTestCard.
func (t *Trust) issuerOf(c *x509.Certificate) (TrustedIssuer, error) {
	if t.Production && (strings.Contains(c.Issuer.String(), "IGC-SANTE TEST") || strings.HasPrefix(c.Issuer.CommonName, "TEST ")) {
		return TrustedIssuer{}, fault.New(fault.Denied, CodeTestCard, "a test card in production")
	}
	for _, i := range t.issuers[string(c.RawIssuer)] {
		if c.CheckSignatureFrom(i.Issuer) == nil {
			return i, nil
		}
	}
	return TrustedIssuer{}, fault.New(fault.Denied, CodeUntrusted, "no pinned authority has issued the certificate")
}

// stands tells whether the authority itself is still valid: it was when it was
// pinned, and providers run for long.
func (i TrustedIssuer) stands(now time.Time) error {
	if now.After(i.Issuer.NotAfter) || now.After(i.Root.NotAfter) {
		return fault.New(fault.Denied, CodeUntrusted, "the card's authority has expired")
	}
	return nil
}
