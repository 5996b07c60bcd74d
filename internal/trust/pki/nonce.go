package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"github.com/egide-id/egide/internal/platform/fault"
)

// oidNonce is RFC 9654 section 2.1.
var oidNonce = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}

// maxNonce is in bytes (RFC 9654 2.1): what is longer is no nonce but a way to
// have chosen bytes signed.
const maxNonce = 128

// nonceOf gives the value of the nonce's extension in a request, nil without
// one. Errors: fault.Invalid for a nonce that RFC 9654 has refused.
func nonceOf(request []byte) ([]byte, error) {
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
		return nil, fault.Wrap(fault.Invalid, "", "pki: extensions of an OCSP request cannot be read", err)
	}
	for _, e := range r.TBS.Extensions {
		if !e.Id.Equal(oidNonce) {
			continue
		}
		var nonce []byte
		rest, err := asn1.Unmarshal(e.Value, &nonce)
		if err != nil || len(rest) > 0 || len(nonce) == 0 || len(nonce) > maxNonce {
			return nil, fault.Wrap(fault.Invalid, "", "pki: nonce of an impossible size", err)
		}
		return e.Value, nil
	}
	return nil, nil
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
