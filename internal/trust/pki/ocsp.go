package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"hash"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/egide-id/egide/internal/platform/fault"
)

// answerLife is how long an OCSP answer says it holds.
const answerLife = 10 * time.Minute

// Respond answers one OCSP request (RFC 6960, DER to DER), signed by a delegate
// of the authority asked about; a nonce in the request comes back in the answer.
// Errors: fault.Invalid for what is no request, fault.NotFound for one about an
// authority that is not here.
func (a *Authority) Respond(request []byte) ([]byte, error) {
	asked, err := ocsp.ParseRequest(request)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "pki: OCSP request cannot be read", err)
	}
	nonce, err := nonceOf(request)
	if err != nil {
		return nil, err
	}
	var der []byte
	err = a.locked(func() error {
		name, by := a.named(asked)
		if by == nil {
			return fault.New(fault.NotFound, "", "pki: OCSP request about another authority")
		}
		helper, err := a.helper(name, by)
		if err != nil {
			return err
		}
		der, err = ocsp.CreateResponse(by.cert, helper.cert, a.status(name, asked, helper), helper.key)
		if err == nil {
			der, err = withNonce(der, nonce, helper.key)
		}
		if err != nil {
			return fault.Wrap(fault.Internal, "", "pki: OCSP answer", err)
		}
		return nil
	})
	return der, err
}

func (a *Authority) status(name string, asked *ocsp.Request, helper *authority) ocsp.Response {
	now := a.Clock.Now().UTC().Truncate(time.Second)
	r := ocsp.Response{
		Status: ocsp.Unknown, SerialNumber: asked.SerialNumber, ThisUpdate: now, NextUpdate: now.Add(answerLife),
		IssuerHash: asked.HashAlgorithm, Certificate: helper.cert,
	}
	line := a.ledger.find(name, hex.EncodeToString(asked.SerialNumber.Bytes()))
	switch {
	case line == nil:
	case line.Revoked.IsZero():
		r.Status = ocsp.Good
	default:
		r.Status, r.RevokedAt, r.RevocationReason = ocsp.Revoked, line.Revoked, line.Reason
	}
	return r
}

// named finds the authority whose name and key a request has hashed. Only those
// that were ever used can have issued anything.
func (a *Authority) named(asked *ocsp.Request) (string, *authority) {
	for name, s := range specs() {
		if s.parent == "" {
			continue
		}
		found, err := a.existing(name)
		if err != nil {
			continue
		}
		if slices.Equal(asked.IssuerKeyHash, sum(asked.HashAlgorithm.New(), publicBits(found.cert))) &&
			slices.Equal(asked.IssuerNameHash, sum(asked.HashAlgorithm.New(), found.cert.RawSubject)) {
			return name, found
		}
	}
	return "", nil
}

func sum(h hash.Hash, b []byte) []byte {
	h.Write(b)
	return h.Sum(nil)
}

func publicBits(c *x509.Certificate) []byte {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Bits      asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	return info.Bits.RightAlign()
}

// helper gives the delegated responder of an authority.
func (a *Authority) helper(name string, by *authority) (*authority, error) {
	now := a.Clock.Now().UTC().Truncate(time.Second)
	if found := a.helpers[name]; found != nil && now.Before(found.cert.NotAfter) {
		return found, nil
	}
	key, err := a.newKey("ocsp "+name, 0, leafBits)
	if err != nil {
		return nil, err
	}
	serial, err := a.serial()
	if err != nil {
		return nil, err
	}
	template := a.leaf(name, authorityName("TEST OCSP "+name), serial, now.Add(-time.Hour), now.AddDate(1, 0, 0))
	responder(template)
	cert, err := certify(template, by, key.Public())
	if err != nil {
		return nil, err
	}
	a.helpers[name] = &authority{cert: cert, key: key}
	return a.helpers[name], nil
}
