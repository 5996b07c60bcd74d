package revocation

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

func nonceIn(t testing.TB, request []byte) []byte {
	var r struct {
		TBS struct {
			List       asn1.RawValue
			Extensions []pkix.Extension `asn1:"explicit,tag:2"`
		}
	}
	if _, err := asn1.Unmarshal(request, &r); err != nil || len(r.TBS.Extensions) != 1 || !r.TBS.Extensions[0].Id.Equal(oidNonce) {
		t.Errorf("request without its nonce: %v", err)
		return nil
	}
	if parsed, err := ocsp.ParseRequest(request); err != nil || parsed.SerialNumber.Sign() <= 0 {
		t.Errorf("a library cannot read the request: %v", err)
	}
	return r.TBS.Extensions[0].Value
}

// reply is an OCSP answer in the making; zero values are those of a good one.
type reply struct {
	status     int
	serial     int64
	since, end time.Time
	noEnd      bool
	about      *pair // authority it names
	by         *pair // who signs
	bare       bool  // no certificate in it
	algorithm  x509.SignatureAlgorithm
	nonce      []byte // DER
	extensions []pkix.Extension
	before     [][]byte // single answers put before it
}

func (w *world) reply(r reply) []byte {
	t := w.t
	t.Helper()
	if r.serial == 0 {
		r.serial = w.card.SerialNumber.Int64()
	}
	if r.since.IsZero() {
		r.since = w.clock.Now()
	}
	if r.end.IsZero() && !r.noEnd {
		r.end = r.since.Add(time.Hour)
	}
	if r.about == nil {
		r.about = w.own
	}
	if r.by == nil {
		r.by = w.helper
	}
	template := ocsp.Response{Status: r.status, SerialNumber: big.NewInt(r.serial), ThisUpdate: r.since, NextUpdate: r.end, SignatureAlgorithm: r.algorithm, RevokedAt: r.since}
	if !r.bare {
		template.Certificate = r.by.cert
	}
	der, err := ocsp.CreateResponse(r.about.cert, r.by.cert, template, r.by.key)
	must(t, err)
	if r.nonce != nil {
		r.extensions = append(r.extensions, pkix.Extension{Id: oidNonce, Value: r.nonce})
	}
	if r.extensions == nil && r.before == nil {
		return der
	}
	outer, inner, signed := opened(t, der)
	signed.Extensions = r.extensions
	for i := range r.before {
		signed.Responses = append([]asn1.RawValue{{FullBytes: r.before[i]}}, signed.Responses...)
	}
	raw, err := asn1.Marshal(signed)
	must(t, err)
	digest := sha256.Sum256(raw)
	signature, err := rsa.SignPKCS1v15(rand.Reader, r.by.key, crypto.SHA256, digest[:])
	must(t, err)
	inner.TBS, inner.Signature = asn1.RawValue{FullBytes: raw}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	outer.Body.Basic, err = asn1.Marshal(inner)
	must(t, err)
	der, err = asn1.Marshal(outer)
	must(t, err)
	return der
}

// single gives the one answer inside another reply.
func (w *world) single(r reply) []byte {
	_, _, signed := opened(w.t, w.reply(r))
	return signed.Responses[0].FullBytes
}

// envelope, basic and signedPart are RFC 6960 section 4.2.1.
type envelope struct {
	Status asn1.Enumerated
	Body   struct {
		Type  asn1.ObjectIdentifier
		Basic []byte
	} `asn1:"explicit,tag:0"`
}

type basic struct {
	TBS          asn1.RawValue
	Algorithm    pkix.AlgorithmIdentifier
	Signature    asn1.BitString
	Certificates []asn1.RawValue `asn1:"explicit,tag:0,optional"`
}

type signedPart struct {
	ResponderID asn1.RawValue
	ProducedAt  time.Time `asn1:"generalized"`
	Responses   []asn1.RawValue
	Extensions  []pkix.Extension `asn1:"explicit,tag:1,optional"`
}

func opened(t testing.TB, der []byte) (envelope, basic, signedPart) {
	t.Helper()
	var o envelope
	var i basic
	var s signedPart
	_, err := asn1.Unmarshal(der, &o)
	must(t, err)
	_, err = asn1.Unmarshal(o.Body.Basic, &i)
	must(t, err)
	_, err = asn1.Unmarshal(i.TBS.FullBytes, &s)
	must(t, err)
	return o, i, s
}
