package sandbox

import (
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/pin"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func newCards(t *testing.T, dir string) (*Cards, *clock.Manual) {
	t.Helper()
	now := clock.NewManual(noon)
	authority, err := pki.New(pki.Options{Clock: now, Bits: 2048, Dir: filepath.Join(dir, "pki")})
	if err != nil {
		t.Fatal(err)
	}
	c := NewCards(CardDeps{Authority: authority, Dir: filepath.Join(dir, "cards"), Clock: now, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(c.Close)
	return c, now
}

func certificate(t *testing.T, file igc.CardFile) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(file.Authentication.Certificate))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Every persona's card names its holder, comes from the range of its type and is
// the same after a restart.
func TestEveryCardIsItsPersonas(t *testing.T) {
	dir := t.TempDir()
	c, _ := newCards(t, dir)
	out := filepath.Join(dir, "out")
	if err := c.Save(out); err != nil {
		t.Fatal(err)
	}
	again, _ := newCards(t, dir)
	issuers := map[string]string{
		"CPS": "TEST AC IGC-SANTE FORT PERSONNES", "CPF": "TEST AC IGC-SANTE FORT PERSONNES",
		"CPE": "TEST AC IGC-SANTE STANDARD PERSONNES", "CDE": "TEST AC IGC-SANTE STANDARD PERSONNES",
	}
	for _, p := range Personas() {
		if p.Card.Type == "" {
			continue
		}
		file, err := igc.LoadCard(filepath.Join(out, p.Key+".json"))
		if err != nil {
			t.Fatal(err)
		}
		cert := certificate(t, file)
		if file.Holder != p.Login || cert.Subject.CommonName != p.Login || file.Model != p.Card.Model || file.Type != p.Card.Type {
			t.Errorf("%s: card of %s, %s %s", p.Key, cert.Subject.CommonName, file.Type, file.Model)
		}
		if cert.Issuer.CommonName != issuers[p.Card.Type] {
			t.Errorf("%s: issued by %s", p.Key, cert.Issuer.CommonName)
		}
		if expired := cert.NotAfter.Before(noon); expired != (p.Behaviour == CardExpired) {
			t.Errorf("%s: ends %s", p.Key, cert.NotAfter)
		}
		kept, err := again.card(p)
		if err != nil || kept != file {
			t.Errorf("%s: another card after a restart, %v", p.Key, err)
		}
		serial, err := pki.Serial(file.Authentication.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		if revoked := fault.Is(c.deps.Authority.Revoke(serial, 0), fault.Used); revoked != (p.Behaviour == CardRevoked) {
			t.Errorf("%s: revoked %t", p.Key, revoked)
		}
	}
}

// states reads the readers as a bridge does.
func states(t *testing.T, c *Cards) (list []cardbridge.State) {
	t.Helper()
	readers, err := c.Transport().Readers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readers {
		list = append(list, r.State)
	}
	return list
}

func TestTwoReaders(t *testing.T) {
	c, _ := newCards(t, t.TempDir())
	insert := func(who string) {
		t.Helper()
		if err := c.Insert(who); err != nil {
			t.Fatal(err)
		}
	}
	insert("P1")
	insert("P2")
	insert("P1") // out and in again
	if s := states(t, c); s[0] != cardbridge.Present || s[1] != cardbridge.Present {
		t.Errorf("%v", s)
	}
	if err := c.Insert("P8"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a third card: %v", err)
	}
	if i, err := c.Holder().Choose(t.Context(), pin.Window{}, readers()); err != nil || i != 0 {
		t.Errorf("reader %d, the last card put in is in the first; %v", i, err)
	}
	if err := c.Remove("899700991013"); err != nil || states(t, c)[0] != cardbridge.Empty {
		t.Errorf("%v, %v", states(t, c), err)
	}
	for _, nobody := range []string{"P3", "", "899700999990"} {
		if err := c.Insert(nobody); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", nobody, err)
		}
	}
}

// typed asks the holder for a PIN, letting time pass as far as he needs it.
func typed(t *testing.T, c *Cards, now *clock.Manual, w pin.Window) (string, error) {
	t.Helper()
	type answer struct {
		pin []byte
		err error
	}
	got := make(chan answer)
	go func() {
		pin, err := c.Holder().PIN(t.Context(), w)
		got <- answer{pin, err}
	}()
	for {
		select {
		case a := <-got:
			return string(a.pin), a.err
		default:
			now.Advance(typing)
		}
	}
}

func TestHolderMistypesOnceAndGivesUp(t *testing.T) {
	c, now := newCards(t, t.TempDir())
	if err := c.Insert("P1"); err != nil {
		t.Fatal(err)
	}
	window := pin.Window{Reader: "Lecteur 1", Service: "DMP", Provider: "http://127.0.0.1:8480", Tries: 3}
	if got, err := typed(t, c, now, window); got != "1234" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := c.WrongPIN("P1"); err != nil {
		t.Fatal(err)
	}
	if got, err := typed(t, c, now, window); got != misread || err != nil {
		t.Errorf("told to be wrong: %q, %v", got, err)
	}
	window.Wrong, window.Tries = true, 2
	if got, err := typed(t, c, now, window); got != "" || fault.CodeOf(err) != cps.CodeCancelled {
		t.Errorf("after a wrong PIN: %q, %v", got, err)
	}
	if w := c.Desk().Window; w == nil || *w != (Window{Service: "DMP", Provider: "http://127.0.0.1:8480", Reader: "Lecteur 1", TriesLeft: 2, Wrong: true}) {
		t.Errorf("%+v", w)
	}
	if got, err := typed(t, c, now, window); got != "1234" || err != nil {
		t.Errorf("next login: %q, %v", got, err)
	}
	if err := c.Remove("P1"); err != nil {
		t.Fatal(err)
	}
	if _, err := typed(t, c, now, window); fault.CodeOf(err) != cps.CodeCardRemoved {
		t.Errorf("without a card: %v", err)
	}
}

// The card that leaves by itself is the one that logged in, not its successor.
func TestPulledByScriptAfterThreeSeconds(t *testing.T) {
	c, now := newCards(t, t.TempDir())
	login := func() {
		t.Helper()
		if err := c.Insert("B-card-pulled"); err != nil {
			t.Fatal(err)
		}
		if _, err := (holder{c}).types(pin.Window{Reader: "Lecteur 1"}); err != nil {
			t.Fatal(err)
		}
	}
	login()
	seen, err := c.Transport().Readers(t.Context())
	if err != nil || seen[0].State != cardbridge.Present {
		t.Fatalf("%+v, %v", seen, err)
	}
	now.Advance(pullDelay)
	if err := c.Transport().Changed(t.Context(), seen); err != nil || states(t, c)[0] != cardbridge.Empty {
		t.Errorf("%v, %v", states(t, c), err)
	}

	login()
	if err := c.Insert("B-card-pulled"); err != nil { // before the script acts
		t.Fatal(err)
	}
	now.Advance(pullDelay)
	c.pulls.Wait()
	if states(t, c)[0] != cardbridge.Present {
		t.Error("the script pulled a card that had not logged in")
	}
}
