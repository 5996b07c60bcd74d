package cps

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"github.com/egide-id/egide/internal/trust/igc"
)

// known is a revocation that has just been asked: the steady state of a day.
type known struct{}

func (known) Check(context.Context, *x509.Certificate, TrustedIssuer) error { return nil }

// BenchmarkJudge is the provider's whole verification of an answer, under an
// authority of the real size (RSA-4096), beside the two bare RSA verifications
// that no implementation can leave out. The limit is 0.5 ms of CPU.
func BenchmarkJudge(b *testing.B) {
	real, err := rsa.GenerateKey(rand.Reader, 4096)
	must(b, err)
	fort := newBranch(b, igc.Fort, "FORT", true)
	template := certificateOf(fort.issuer.cert.Subject)
	fort.issuer = authority{certified(b, template, real.Public(), fort.root), real}
	v := newVerifier(b, TrustOptions{}, &standing{}, fort)
	v.Revocation = known{}
	cert := certified(b, cardOf(b, igc.CPS, holder, true), keys().card.Public(), fort.issuer)
	body := login(b, cert.Raw)
	_, _, signature, err := ReadAnswer(body)
	must(b, err)
	b.Run("Verifier", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Judge(b.Context(), origin, asked, body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Floor", func(b *testing.B) {
		b.ReportAllocs()
		message, tbs := sha256.Sum256(messageOf(origin, asked, cert.Raw)), sha256.Sum256(cert.RawTBSCertificate)
		for b.Loop() {
			must(b, rsa.VerifyPKCS1v15(&real.PublicKey, crypto.SHA256, tbs[:], cert.Signature))
			must(b, rsa.VerifyPKCS1v15(&keys().card.PublicKey, crypto.SHA256, message[:], signature))
		}
	})
}
