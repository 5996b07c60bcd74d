package card_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// made is one card of an invented doctor, shared by all tests: keys take time.
var made = sync.OnceValues(func() (igc.CardFile, error) {
	a, err := pki.New(pki.Options{Clock: clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)), Bits: 2048, Seed: []byte("card test")})
	if err != nil {
		return igc.CardFile{}, err
	}
	return a.IssueCard(pki.CardOrder{Type: "CPS", Holder: "899700218896", Family: "EXEMPLE", Given: "CAMILLE", Title: "Médecin", Profession: 10})
})

const reader = "Lecteur d'essai"

var noOptions softcard.Options

func insert(t *testing.T, model string, o softcard.Options) *softcard.Slots {
	t.Helper()
	c, err := made()
	must(t, err)
	c.Model = model
	e, err := softcard.New(c, o)
	must(t, err)
	s := softcard.NewSlots(reader)
	s.Insert(reader, e)
	return s
}

func connect(t *testing.T, s *softcard.Slots) (*card.Session, error) {
	t.Helper()
	link, err := s.Connect(t.Context(), reader)
	must(t, err)
	t.Cleanup(func() { _ = link.Close() }) // reset and released; the emulator cannot fail
	return card.Open(t.Context(), link)
}

// login goes from selection to signature, as the bridge does.
func login(ctx context.Context, s *softcard.Slots, pin string) ([]byte, []byte, error) {
	link, err := s.Connect(ctx, reader)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = link.Close() }() // as above
	return loginTo(ctx, link, pin)
}

func loginTo(ctx context.Context, link cardbridge.Card, pin string) ([]byte, []byte, error) {
	session, err := card.Open(ctx, link)
	if err != nil {
		return nil, nil, err
	}
	if _, err := session.Tries(ctx); err != nil {
		return nil, nil, err
	}
	der, err := session.Certificate(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := session.Verify(ctx, []byte(pin)); err != nil {
		return nil, nil, err
	}
	signature, err := session.Sign(ctx, cps.DigestInfo([]byte("message")))
	return der, signature, err
}

func TestLogin(t *testing.T) {
	for _, model := range []string{"cps3", "cps4"} {
		t.Run(model, func(t *testing.T) {
			der, signature, err := login(t.Context(), insert(t, model, noOptions), "1234")
			must(t, err)
			cert, err := x509.ParseCertificate(der)
			must(t, err)
			sum := sha256.Sum256([]byte("message"))
			must(t, rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature))
			if cert.Subject.CommonName != "899700218896" || cert.KeyUsage != x509.KeyUsageDigitalSignature {
				t.Errorf("signed with the key of %v, usage %v", cert.Subject, cert.KeyUsage)
			}
		})
	}
}

func TestWrongPINToBlocking(t *testing.T) {
	for _, model := range []string{"cps3", "cps4"} {
		t.Run(model, func(t *testing.T) {
			s := insert(t, model, noOptions)
			for _, want := range []int{2, 1, 0, 0} {
				_, _, err := login(t.Context(), s, "9999")
				left, ok := card.TriesLeft(err)
				code := cps.CodePINWrong
				if want == 0 {
					code = cps.CodePINBlocked
				}
				if !ok || left != want || fault.CodeOf(err) != code {
					t.Errorf("%v: %d left, want %d", err, left, want)
				}
			}
			_, _, err := login(t.Context(), s, "1234")
			if fault.CodeOf(err) != cps.CodePINBlocked {
				t.Errorf("a blocked card took the right PIN: %v", err)
			}
		})
	}
}

func TestUseCounterAtZeroBlocks(t *testing.T) {
	session, err := connect(t, insert(t, "cps3", softcard.Options{Uses: -1}))
	must(t, err)
	if left, err := session.Tries(t.Context()); err != nil || left != 0 {
		t.Errorf("%d tries left, %v", left, err)
	}
}

func TestContactlessCardIsRefused(t *testing.T) {
	if _, err := connect(t, insert(t, "cps3-contactless", noOptions)); fault.CodeOf(err) != cps.CodeContactless {
		t.Errorf("%v", err)
	}
}

// The card leaves at each single command of a login: always the same failure,
// and no second PIN.
func TestCardPulledAtEveryCommand(t *testing.T) {
	for _, model := range []string{"cps3", "cps4"} {
		t.Run(model, func(t *testing.T) {
			total := 0
			s := insert(t, model, noOptions)
			s.Intercept(reader, func(n int, _ []byte) softcard.Event { total = n; return softcard.Answer })
			_, _, err := login(t.Context(), s, "1234")
			must(t, err)
			for at := 1; at <= total; at++ {
				s := insert(t, model, noOptions)
				s.Intercept(reader, func(n int, _ []byte) softcard.Event {
					if n == at {
						return softcard.Pulled
					}
					return softcard.Answer
				})
				if _, _, err := login(t.Context(), s, "1234"); fault.CodeOf(err) != cps.CodeCardRemoved {
					t.Errorf("pulled at command %d of %d: %v", at, total, err)
				}
			}
		})
	}
}

// Another program resets the card at each single command: the login begins anew
// once, but never after the PIN was sent, and sends one PIN at most.
func TestCardResetAtEveryCommand(t *testing.T) {
	for _, model := range []string{"cps3", "cps4"} {
		t.Run(model, func(t *testing.T) {
			for at, done := 1, false; !done; at++ {
				pins, pinAt := 0, 0
				s := insert(t, model, noOptions)
				done = true
				s.Intercept(reader, func(n int, c []byte) softcard.Event {
					if c[1] == 0x20 && len(c) > 5 {
						pins++
						pinAt = n
					}
					if n == at {
						done = false
						return softcard.Reset
					}
					return softcard.Answer
				})
				_, _, err := login(t.Context(), s, "1234")
				if pins > 1 {
					t.Fatalf("reset at %d: %d PINs sent", at, pins)
				}
				late := pinAt != 0 && at >= pinAt && !done
				if late && fault.CodeOf(err) != cps.CodeCardError || !late && err != nil {
					t.Errorf("reset at %d (PIN at %d): %v", at, pinAt, err)
				}
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
