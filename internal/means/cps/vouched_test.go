package cps

import (
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/memo"
	"github.com/egide-id/egide/internal/trust/igc"
)

// A known card is judged as strictly as on its first day: only its authority's
// signature is taken as read.
func TestKnownCardIsJudgedAnew(t *testing.T) {
	b := newBench(t)
	now := clock.NewManual(noon)
	b.Clock = now
	honest := login(t, b.der)
	judge := func(body []byte, code string) {
		t.Helper()
		if _, err := b.Judge(t.Context(), origin, asked, body); fault.CodeOf(err) != code {
			t.Fatalf("got %v, want %q", err, code)
		}
	}
	judge(honest, "")
	judge(answer(t, b.der, signed(t, keys().other, messageOf(origin, asked, b.der))), CodeSignature)
	judge(login(t, altered(b.der)), CodeUntrusted)
	b.revocation.says = fault.New(fault.Denied, CodeRevoked, "revoked")
	judge(honest, CodeRevoked)
	b.revocation.says = nil
	now.Advance(3 * 366 * 24 * time.Hour)
	judge(honest, CodeNotValidNow)
	now.Advance(7 * 366 * 24 * time.Hour)
	judge(honest, CodeUntrusted) // its authority has ended too
}

// Certificates of nobody's are not remembered, and those of a card holder who
// has many do not grow without end.
func TestMemoryOfCardsIsBounded(t *testing.T) {
	fort := newBranch(t, igc.Fort, "FORT", true)
	v := newVerifier(t, TrustOptions{}, &standing{}, fort)
	v.vouched = memo.New[[32]byte, TrustedIssuer](2)
	foreign := authority{certificateOf(fort.issuer.cert.Subject), keys().namesake}
	for i, by := range []authority{foreign, fort.issuer, fort.issuer, fort.issuer} {
		template := cardOf(t, igc.CPS, holder, true)
		template.SerialNumber.SetInt64(int64(100 + i))
		cert := certified(t, template, keys().card.Public(), by)
		_, err := v.Judge(t.Context(), origin, asked, login(t, cert.Raw))
		if (err == nil) != (i > 0) {
			t.Fatal(err)
		}
		if want := []int{0, 1, 2, 1}[i]; v.vouched.Len() != want {
			t.Fatalf("%d certificates are known, want %d", v.vouched.Len(), want)
		}
	}
}
