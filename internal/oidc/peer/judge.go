package peer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/memo"
)

// Authority is one pinned authority of services, and where the operator knows
// its revocations to be published. What a certificate says of its issuer's
// addresses is never followed.
type Authority struct {
	Issuer    *x509.Certificate
	Root      *x509.Certificate // nil: the issuer is a root itself
	OCSP, CRL string            // URLs, empty if there is none
}

// Revocation confirms that a certificate still stands.
type Revocation interface {
	// Check answers nil when the authority vouches for the certificate now.
	// Errors: fault.Denied when it is revoked, fault.Unavailable when nobody can say.
	Check(ctx context.Context, leaf *x509.Certificate, by Authority) error
}

// Options is what New needs; all but Lenient and Production are required.
type Options struct {
	Authorities []Authority
	Revocation  Revocation
	Clock       clock.Clock
	Log         *slog.Logger
	// Lenient takes a certificate whose revocation nobody can tell. Never the
	// default: whoever stole a key could then also silence the responder.
	Lenient    bool
	Production bool // no test authority
}

// Judge knows the authorities that may vouch for services. Safe for concurrent use.
type Judge struct {
	Options
	roots, issuers *x509.CertPool
	vouched        *memo.Memo[[32]byte, Authority]
}

// knownServices bounds what is remembered of certificates.
const knownServices = 1 << 12

// New pins authorities. Errors: fault.Invalid that names the authority,
// fault.Internal for a missing dependency.
func New(o Options) (*Judge, error) {
	if o.Revocation == nil || o.Clock == nil || o.Log == nil {
		return nil, fault.New(fault.Internal, "", "certificates of services: a dependency is missing")
	}
	j := &Judge{
		Options: o, roots: x509.NewCertPool(), issuers: x509.NewCertPool(),
		vouched: memo.New[[32]byte, Authority](knownServices),
	}
	if err := CheckAuthorities(o.Authorities, o.Production, o.Clock.Now()); err != nil {
		return nil, err
	}
	for _, a := range o.Authorities {
		j.issuers.AddCert(a.Issuer)
		j.roots.AddCert(a.anchor())
	}
	return j, nil
}

// CheckAuthorities holds what an operator pins to what it must be: each signed by
// its own root, valid now, no test authority in production.
// Errors: fault.Invalid that names the authority.
func CheckAuthorities(list []Authority, production bool, now time.Time) error {
	for _, a := range list {
		if err := a.check(production, now); err != nil {
			return err
		}
	}
	return nil
}

func (a Authority) anchor() *x509.Certificate {
	if a.Root != nil {
		return a.Root
	}
	return a.Issuer
}

func (a Authority) check(production bool, now time.Time) error {
	if a.Issuer == nil {
		return fault.New(fault.Invalid, "", "authority of services without a certificate")
	}
	bad := func(why string, cause error) error {
		return fault.Wrap(fault.Invalid, "", "authority of services "+a.Issuer.Subject.CommonName+": "+why, cause)
	}
	root, roots := a.anchor(), x509.NewCertPool()
	roots.AddCert(root)
	if !bytes.Equal(root.RawSubject, root.RawIssuer) || root.CheckSignatureFrom(root) != nil {
		return bad("its root is not its own issuer", nil)
	}
	if !a.Issuer.IsCA || !a.Issuer.BasicConstraintsValid {
		return bad("is no authority", nil)
	}
	if production && (testName(a.Issuer) || testName(root)) {
		return bad("a test authority in production", nil)
	}
	_, err := a.Issuer.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return bad("not vouched for by its root", err)
	}
	return nil
}

// testName tells the test branch of IGC-Santé (cps-card.md section 5).
func testName(c *x509.Certificate) bool {
	return slices.Contains(c.Subject.OrganizationalUnit, "IGC-SANTE TEST") || strings.HasPrefix(c.Subject.CommonName, "TEST ")
}

// Vouch tells whether a pinned authority vouches for the certificate of a
// service now (CA6): signed by it, within its time, for client authentication and
// not revoked. Whom it names is the caller's to compare.
// Errors: fault.Denied; fault.Unavailable when revocation cannot be confirmed.
func (j *Judge) Vouch(ctx context.Context, leaf *x509.Certificate) error {
	now := j.Clock.Now()
	by, err := j.vouched.Of(sha256.Sum256(leaf.Raw), func() (Authority, error) { return j.signer(leaf, now) })
	if err != nil {
		return err
	}
	for _, c := range []*x509.Certificate{leaf, by.Issuer, by.anchor()} {
		if err := Valid(c, now); err != nil {
			return err
		}
	}
	err = j.Revocation.Check(ctx, leaf, by)
	if fault.Is(err, fault.Unavailable) && j.Lenient {
		j.Log.WarnContext(ctx, "certificate of a service taken although its revocation cannot be told",
			slog.String("certificate", Thumbprint(leaf)), slog.Any("error", err))
		return nil
	}
	return err
}

// signer finds the pinned authority that signed a certificate made for client
// authentication: the dear part, and the one that never changes.
func (j *Judge) signer(leaf *x509.Certificate, now time.Time) (Authority, error) {
	if err := forClients(leaf); err != nil {
		return Authority{}, err
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: j.roots, Intermediates: j.issuers, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return Authority{}, denied("no pinned authority vouches for the certificate", err)
	}
	for _, chain := range chains {
		for _, a := range j.Authorities {
			if len(chain) > 1 && chain[1].Equal(a.Issuer) && chain[len(chain)-1].Equal(a.anchor()) {
				return a, nil
			}
		}
	}
	return Authority{}, denied("the certificate comes from above the pinned authority", nil)
}

// Valid holds a certificate to its own time, by our clock.
func Valid(c *x509.Certificate, now time.Time) error {
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return denied("the certificate is expired or not yet valid", nil)
	}
	return nil
}

// forClients holds a leaf to client authentication, said in so many words:
// crypto/x509 takes a certificate without extended key usage for one of any use.
func forClients(leaf *x509.Certificate) error {
	switch {
	case leaf.IsCA:
		return denied("the certificate is an authority's", nil)
	case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return denied("the certificate is not for client authentication", nil)
	case leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return denied("the key of the certificate is not for signatures", nil)
	}
	return Strong(leaf)
}

// leastRSA is the least modulus a key of a service may have, in bits.
const leastRSA = 2048

// Strong refuses keys that are too weak to prove anything.
func Strong(leaf *x509.Certificate) error {
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() >= leastRSA {
			return nil
		}
	case *ecdsa.PublicKey:
		if key.Params().BitSize >= 256 {
			return nil
		}
	case ed25519.PublicKey:
		return nil
	}
	return denied("the key of the certificate is too weak or of an unknown kind", nil)
}

func denied(why string, cause error) error { return fault.Wrap(fault.Denied, "", why, cause) }
