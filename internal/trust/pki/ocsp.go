package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
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
// Errors: fault.Invalid for what is no request or of no authority here.
func (a *Authority) Respond(request []byte) ([]byte, error) {
	asked, err := ocsp.ParseRequest(request)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "pki: OCSP request cannot be read", err)
	}
	var der []byte
	err = a.locked(func() error {
		name, by := a.named(asked)
		if by == nil {
			return fault.New(fault.Invalid, "", "pki: OCSP request about another authority")
		}
		helper, err := a.helper(name, by)
		if err != nil {
			return err
		}
		der, err = ocsp.CreateResponse(by.cert, helper.cert, a.status(name, asked, helper), helper.key)
		if err == nil {
			der, err = withNonce(der, nonceOf(request), helper.key)
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
		found := a.made[name]
		if found == nil {
			var err error
			if found, err = a.load(name); err != nil {
				continue
			}
			a.made[name] = found
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
	if found := a.helpers[name]; found != nil {
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
	subject := authorityName("TEST OCSP " + name)
	now := a.Clock.Now().UTC().Truncate(time.Second)
	template := a.leaf(name, subject, serial, now.Add(-time.Hour), now.AddDate(1, 0, 0))
	responder(template)
	cert, err := certify(template, by, key.Public())
	if err != nil {
		return nil, err
	}
	a.helpers[name] = &authority{cert: cert, key: key}
	return a.helpers[name], nil
}

// oidNonce is RFC 9654 section 2.1.
var oidNonce = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}

// maxNonce bounds what is echoed (RFC 9654: 1 to 128 bytes; 2 more for its DER).
const maxNonce = 130

func nonceOf(request []byte) []byte {
	var r struct {
		TBS struct {
			Version    int           `asn1:"explicit,tag:0,default:0,optional"`
			Requestor  asn1.RawValue `asn1:"explicit,tag:1,optional"`
			List       asn1.RawValue
			Extensions []pkix.Extension `asn1:"explicit,tag:2,optional"`
		}
		Signature asn1.RawValue `asn1:"explicit,tag:0,optional"`
	}
	if _, err := asn1.Unmarshal(request, &r); err != nil {
		return nil
	}
	for _, e := range r.TBS.Extensions {
		if e.Id.Equal(oidNonce) && len(e.Value) <= maxNonce {
			return e.Value
		}
	}
	return nil
}

// basic is a BasicOCSPResponse, whose signed part may grow.
type basic struct {
	TBS          asn1.RawValue
	Algorithm    pkix.AlgorithmIdentifier
	Signature    asn1.BitString
	Certificates []asn1.RawValue `asn1:"explicit,tag:0,optional"`
}

// response is an OCSPResponse (RFC 6960 4.2.1).
type response struct {
	Status asn1.Enumerated
	Body   struct {
		Type  asn1.ObjectIdentifier
		Basic []byte
	} `asn1:"explicit,tag:0"`
}

// withNonce adds the nonce to an answer and signs it anew: golang.org/x/crypto
// has no place for extensions of the answer as a whole.
func withNonce(der, nonce []byte, key *rsa.PrivateKey) ([]byte, error) {
	if nonce == nil {
		return der, nil
	}
	var outer response
	var inner basic
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil, err
	}
	if _, err := asn1.Unmarshal(outer.Body.Basic, &inner); err != nil {
		return nil, err
	}
	extensions, err := asn1.MarshalWithParams([]pkix.Extension{{Id: oidNonce, Value: nonce}}, "explicit,tag:1")
	if err != nil {
		return nil, err
	}
	signed, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: append(slices.Clone(inner.TBS.Bytes), extensions...)})
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(signed)
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		return nil, err
	}
	inner.TBS, inner.Signature = asn1.RawValue{FullBytes: signed}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	if outer.Body.Basic, err = asn1.Marshal(inner); err != nil {
		return nil, err
	}
	return asn1.Marshal(outer)
}
