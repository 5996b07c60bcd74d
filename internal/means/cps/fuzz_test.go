package cps

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// Whatever the page posts is judged; nobody logs in but the holder who signed,
// with the very certificate and signature of the honest answer.
func FuzzReadAnswer(f *testing.F) {
	b := newBench(f)
	good := login(f, b.der)
	_, _, signature, err := ReadAnswer(good)
	must(f, err)
	f.Add(good)
	f.Add(answer(f, b.other, signature))
	f.Add([]byte(`{"protocol":"cps-auth:1","algorithm":"RS256","certificate":"MAA=","signature":"AA"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := b.Judge(t.Context(), origin, asked, body)
		if err != nil {
			if v.Check < 2 || v.Check > 7 || fault.CodeOf(err) == "" {
				t.Fatalf("a refusal without place or code: %v, %+v", err, v)
			}
			return
		}
		_, der, s, err := ReadAnswer(body)
		must(t, err)
		if !bytes.Equal(der, b.der) || !bytes.Equal(s, signature) || v.Card.Holder.String() != holder {
			t.Fatalf("%s logs in", body)
		}
	})
}

// No bytes but those that the authority has signed become a card.
func FuzzCertificate(f *testing.F) {
	fort := newBranch(f, igc.Fort, "FORT", true)
	v := newVerifier(f, TrustOptions{}, &standing{}, fort)
	good := certified(f, cardOf(f, igc.CPS, holder, true), keys().card.Public(), fort.issuer).Raw
	f.Add(good)
	f.Add(fort.issuer.cert.Raw)
	f.Add(certified(f, cardOf(f, igc.CPE, "30B0057881/CPET0002", true), keys().other.Public(), fort.issuer).Raw)
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		got, err := v.Judge(t.Context(), origin, asked, answer(t, der, []byte{1}))
		if err == nil || got.Proven {
			t.Fatal("nobody signed")
		}
		if got.Check > 3 && !bytes.Equal(der, good) && got.Card.Holder.String() == holder {
			t.Fatalf("%x passes for the card", der)
		}
	})
}

// What a certificate says of its card is read or left out, without its
// authority's word: extensions of any shape.
func FuzzDescribe(f *testing.F) {
	fort := newBranch(f, igc.Fort, "FORT", true)
	template := cardOf(f, igc.CPS, holder, true)
	for _, e := range template.ExtraExtensions {
		f.Add(e.Value)
	}
	oids := template.ExtraExtensions
	f.Fuzz(func(t *testing.T, value []byte) {
		c := &x509.Certificate{SerialNumber: template.SerialNumber}
		for _, e := range oids {
			e.Value = value
			c.Extensions = append(c.Extensions, e)
		}
		card := describe(c, fort.pinned())
		if card.Number != "" && !cardNumber.MatchString(card.Number) {
			t.Fatalf("%q is no card number", card.Number)
		}
		namesAnother(c)
	})
}

// Whatever a page hands to a bridge is refused, or is to the letter what a
// pinned key has signed.
func FuzzOpenChallenge(f *testing.F) {
	p := newProvider(f)
	c := challenge(f)
	token, err := c.Sign(p)
	must(f, err)
	thief, err := rsa.GenerateKey(rand.Reader, 2048)
	must(f, err)
	forged, err := provider{thief, p.kid}.Sign(jose.PS256, TypChallenge, mustMarshal(f, c))
	must(f, err)
	f.Add(token)
	f.Add(forged)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := OpenChallenge(s, p.pinned(), noon)
		if err == nil && got != c {
			t.Fatalf("%q opens as %+v", s, got)
		}
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Expired) {
			t.Fatalf("neither opened nor refused: %v", err)
		}
	})
}
