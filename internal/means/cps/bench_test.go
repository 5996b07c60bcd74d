//go:build unix

package cps

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"syscall"
	"testing"

	"github.com/egide-id/egide/internal/platform/memo"
	"github.com/egide-id/egide/internal/trust/igc"
)

// known is a revocation that has just been asked: the steady state of a day.
type known struct{}

func (known) Check(context.Context, *x509.Certificate, TrustedIssuer) error { return nil }

// BenchmarkJudge is the provider's whole verification of an answer, under an
// authority of the real size (RSA-4096): of a card that was here before, of a
// card's first login, and beside them the bare RSA verifications that no
// implementation can leave out. The limit is 0.5 ms of CPU.
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
	judge := func(b *testing.B) {
		if _, err := v.Judge(b.Context(), origin, asked, body); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("KnownCard", func(b *testing.B) { measured(b, func() { judge(b) }) })
	b.Run("FirstLogin", func(b *testing.B) {
		measured(b, func() {
			v.vouched = memo.New[[32]byte, TrustedIssuer](knownCards)
			judge(b)
		})
	})
	message, tbs := sha256.Sum256(messageOf(origin, asked, cert.Raw)), sha256.Sum256(cert.RawTBSCertificate)
	b.Run("FloorOfTheCard", func(b *testing.B) {
		measured(b, func() { must(b, rsa.VerifyPKCS1v15(&keys().card.PublicKey, crypto.SHA256, message[:], signature)) })
	})
	b.Run("FloorOfTheAuthority", func(b *testing.B) {
		measured(b, func() { must(b, rsa.VerifyPKCS1v15(&real.PublicKey, crypto.SHA256, tbs[:], cert.Signature)) })
	})
}

// measured reports processor time too: on a busy machine the clock on the wall
// tells how busy it is.
func measured(b *testing.B, once func()) {
	b.Helper()
	b.ReportAllocs()
	before := spent(b)
	for b.Loop() {
		once()
	}
	b.ReportMetric(float64(spent(b)-before)/float64(b.N), "cpu-ns/op")
}

// spent is the processor time of this process, in nanoseconds.
func spent(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}
