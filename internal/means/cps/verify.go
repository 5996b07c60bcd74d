package cps

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/memo"
	"github.com/egide-id/egide/internal/trust/igc"
)

// Revocation confirms that a certificate still stands.
type Revocation interface {
	// Check answers nil when the authority vouches for the certificate now.
	// Errors: fault.Denied with CodeRevoked, fault.Unavailable with CodeUnconfirmed.
	Check(ctx context.Context, c *x509.Certificate, issuer TrustedIssuer) error
}

// VerifierOptions is what NewVerifier needs; all are required.
type VerifierOptions struct {
	Trust      *Trust
	Revocation Revocation
	Clock      clock.Clock
}

// Verifier judges what bridges answer. Safe for concurrent use.
type Verifier struct {
	VerifierOptions
	// vouched remembers which pinned authority has signed a certificate, by the
	// SHA-256 of its bytes: the one thing that never changes about it, and the
	// dearest to find out (RSA-4096: four fifths of a first login). Whether the
	// authority and the certificate still stand is asked each time.
	vouched *memo.Memo[[32]byte, TrustedIssuer]
}

// knownCards bounds what is remembered: the cards of a large house, 10 MB.
const knownCards = 1 << 16

// NewVerifier checks its dependencies. Errors: fault.Internal.
func NewVerifier(o VerifierOptions) (*Verifier, error) {
	if o.Trust == nil || o.Revocation == nil || o.Clock == nil {
		return nil, fault.New(fault.Internal, "", "card verifier: a dependency is missing")
	}
	return &Verifier{VerifierOptions: o, vouched: memo.New[[32]byte, TrustedIssuer](knownCards)}, nil
}

// Judge makes checks 2 to 6 of cps-card.md section 8, in order, and reads the
// holder for check 7. origin is the provider's own, never the one that the
// answer claims; challenge is the digest of the token that this login was given.
// The verdict tells, beside an error too, what was read and whether the card's
// key has signed this login.
//
// The first login of a card costs two RSA verifications: the certificate under
// its pinned authority, which was checked against its root when it was pinned,
// and the message under the certificate. The next ones cost the second alone.
func (v *Verifier) Judge(ctx context.Context, origin string, challenge [32]byte, body []byte) (Verdict, error) {
	_, der, signature, err := ReadAnswer(body)
	if err != nil {
		return Verdict{Check: 2}, err
	}
	now := v.Clock.Now()
	cert, key, err := parseCertificate(der)
	if err != nil {
		return Verdict{Check: 3}, err
	}
	issuer, err := v.issuerOf(der, cert, now)
	if err != nil {
		return Verdict{Check: 3}, err
	}
	verdict := Verdict{Card: describe(cert, issuer)}
	sum := sha256.Sum256(messageOf(origin, challenge, der))
	signed := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	// Also when a check before the signature's fails: a trace of an expired card
	// should say whose hand held it.
	verdict.Proven = signed == nil

	for _, check := range []struct {
		number int
		run    func() error
	}{
		{3, func() error { return v.category(verdict.Card, issuer) }},
		{4, func() error { return valid(cert, now) }},
		{4, func() error { return forLogin(cert) }},
		{4, func() error { return v.accepted(cert, verdict.Card) }},
		{5, func() error { return signatureFault(signed) }},
		{6, func() error { return v.Revocation.Check(ctx, cert, issuer) }},
		{7, func() error { return named(verdict.Card) }},
	} {
		if err := check.run(); err != nil {
			verdict.Check = check.number
			return verdict, err
		}
	}
	return verdict, nil
}

func (v *Verifier) issuerOf(der []byte, c *x509.Certificate, now time.Time) (TrustedIssuer, error) {
	issuer, err := v.vouched.Of(sha256.Sum256(der), func() (TrustedIssuer, error) { return v.Trust.issuerOf(c) })
	if err == nil {
		err = issuer.stands(now)
	}
	return issuer, err
}

// category holds that test products come from test authorities, and the reverse.
func (v *Verifier) category(c Card, issuer TrustedIssuer) error {
	if v.Trust.Production && c.Category.Test() {
		return fault.New(fault.Denied, CodeTestCard, "a test card in production")
	}
	if c.Category != noCategory && c.Category.Test() != issuer.test() {
		return fault.New(fault.Denied, CodeUntrusted, "product category and authority contradict each other")
	}
	return nil
}

// valid holds the dates (S-51).
func valid(c *x509.Certificate, now time.Time) error {
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return fault.New(fault.Denied, CodeNotValidNow, "the certificate is not valid now")
	}
	return nil
}

// forLogin holds that this is the authentication certificate: the signature key
// of the same card must never log in, nor that of a server or an organisation.
// Smart card logon is on staff cards [C] and taken to be on every CPS [I]: it
// keeps away the technical key, which a contactless card uses without a PIN.
func forLogin(c *x509.Certificate) error {
	wrong := func(why string) error { return fault.New(fault.Denied, CodeWrongKey, "certificate "+why) }
	switch {
	case c.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return wrong("is not for authentication")
	case c.IsCA:
		return wrong("is an authority's")
	case !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return wrong("is not for client authentication")
	case slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth):
		return wrong("is a server's")
	case !slices.ContainsFunc(c.UnknownExtKeyUsage, func(o asn1.ObjectIdentifier) bool { return o.Equal(igc.OIDSmartcardLogon()) }):
		return wrong("is not for a smart card")
	}
	return nil
}

// accepted holds what this provider takes.
func (v *Verifier) accepted(c *x509.Certificate, card Card) error {
	refused := func(why string) error { return fault.New(fault.Denied, CodeNotAccepted, "certificate "+why) }
	policy := func(p x509.OID) bool { return slices.Contains(v.Trust.Policies, p.String()) }
	switch {
	case len(c.UnhandledCriticalExtensions) > 0:
		return refused("has a critical extension that is not understood")
	case !slices.ContainsFunc(c.Policies, policy):
		return refused("is under no accepted policy")
	case card.Category.Product() != igc.CategoryCard:
		return refused("is not on a card")
	case card.Type < igc.CPS || card.Type > igc.CPA || card.Type.Range() != card.Range:
		return refused("is of a card type that its authority does not issue")
	case card.Range == igc.Standard && !v.Trust.Staff:
		return refused("is of a staff card")
	case card.Number == "":
		return refused("has no card number")
	case namesAnother(c):
		return refused("names two holders")
	}
	return nil
}

func signatureFault(err error) error {
	if err != nil {
		return fault.Wrap(fault.Denied, CodeSignature, "the card has not signed this login", err)
	}
	return nil
}

// named holds that the certificate names somebody (check 7): exactly a national
// identifier, in the spelling of the register.
func named(c Card) error {
	if c.Holder.IsZero() {
		return fault.New(fault.Denied, CodeUnknownHolder, "the certificate names no national identifier")
	}
	return nil
}
