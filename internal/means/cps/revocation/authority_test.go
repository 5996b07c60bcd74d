package revocation

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// The test authority and the checker were written apart: a card is revoked at
// the one and refused by the other, through its responder and through its list.
func TestCardRevokedAtTheTestAuthority(t *testing.T) {
	w := &world{t: t, clock: clock.NewManual(noon)}
	a, err := pki.New(pki.Options{Clock: w.clock, Bits: 2048})
	must(t, err)
	server := httptest.NewServer(a.Handler())
	t.Cleanup(server.Close)
	a.BaseURL = server.URL
	card, err := a.IssueCard(pki.CardOrder{Type: "CPS", Holder: "899700218896", Family: "EXEMPLE", Given: "CAMILLE"})
	must(t, err)
	issuers, err := a.TrustedIssuers(igc.Fort)
	must(t, err)
	block, _ := pem.Decode([]byte(card.Authentication.Certificate))
	cert, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	w.checker, err = New(Options{HTTP: server.Client(), Clock: w.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	byOCSP := cps.TrustedIssuer{Issuer: issuers[0].Issuer, OCSP: issuers[0].OCSP}
	byList := cps.TrustedIssuer{Issuer: issuers[0].Issuer, CRL: issuers[0].CRL}

	for _, i := range []cps.TrustedIssuer{byOCSP, byList} {
		w.checker.answers.InvalidateAll()
		w.want(w.checker.Check(t.Context(), cert, i), "")
	}
	serial, err := pki.Serial(card.Authentication.Certificate)
	must(t, err)
	must(t, a.Revoke(serial, 1))
	w.clock.Advance(24 * time.Hour) // what was said before holds no longer
	for _, i := range []cps.TrustedIssuer{byOCSP, byList} {
		w.checker.answers.InvalidateAll()
		w.want(w.checker.Check(t.Context(), cert, i), cps.CodeRevoked)
	}
}
