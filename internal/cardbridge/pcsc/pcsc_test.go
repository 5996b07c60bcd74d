//go:build pcsc

package pcsc_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/cardbridge/pcsc"
	"github.com/egide-id/egide/internal/cardbridge/pcscdtest"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

var made = sync.OnceValues(func() (igc.CardFile, error) {
	a, err := pki.New(pki.Options{Clock: clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)), Bits: 2048, Seed: []byte("pcsc test")})
	if err != nil {
		return igc.CardFile{}, err
	}
	return a.IssueCard(pki.CardOrder{Type: "CPS", Holder: "899700218896", Family: "EXEMPLE", Given: "CAMILLE"})
})

// bench is a real pcscd, its readers, and what the bridge uses of them.
type bench struct {
	*pcscdtest.Daemon
	t       *testing.T
	readers cardbridge.Transport
}

func newBench(t *testing.T) *bench {
	t.Helper()
	d := pcscdtest.Start(t)
	readers, err := pcsc.Open(clock.System{})
	must(t, err)
	return &bench{Daemon: d, t: t, readers: readers}
}

// insert puts a card into the n-th reader and waits until PC/SC has seen it;
// pull takes it out.
func (b *bench) insert(n int, model string, intercept func(int, []byte) softcard.Event) (pull func()) {
	b.t.Helper()
	file, err := made()
	must(b.t, err)
	file.Model = model
	e, err := softcard.New(file, softcard.Options{})
	must(b.t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- softcard.Vpcd(ctx, b.Addresses[n], e, intercept) }()
	var once sync.Once
	pull = func() {
		once.Do(func() {
			stop()
			must(b.t, <-done)
		})
	}
	b.t.Cleanup(pull)
	b.until(n, cardbridge.Present)
	return pull
}

// until waits for a state of the n-th reader, by Changed alone.
func (b *bench) until(n int, want cardbridge.State) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	for {
		seen, err := b.readers.Readers(ctx)
		must(b.t, err)
		if len(seen) > n && seen[n].State == want {
			return
		}
		must(b.t, b.readers.Changed(ctx, seen))
	}
}

func (b *bench) login(ctx context.Context, n int, pin string) ([]byte, []byte, error) {
	link, err := b.readers.Connect(ctx, b.Readers[n])
	if err != nil {
		return nil, nil, err
	}
	defer func() { must(b.t, link.Close()) }()
	s, err := card.Open(ctx, link)
	if err != nil {
		return nil, nil, err
	}
	if _, err := s.Tries(ctx); err != nil {
		return nil, nil, err
	}
	der, err := s.Certificate(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Verify(ctx, []byte(pin)); err != nil {
		return nil, nil, err
	}
	signature, err := s.Sign(ctx, cps.DigestInfo([]byte("message")))
	return der, signature, err
}

func TestLoginThroughARealService(t *testing.T) {
	b := newBench(t)
	for n, model := range []string{"cps3", "cps4"} {
		pull := b.insert(n, model, nil)
		seen, err := b.readers.Readers(t.Context())
		must(t, err)
		if seen[n].Name != b.Readers[n] || string(card.Identify(seen[n].ATR)) != model || seen[n].PINPad {
			t.Errorf("%+v", seen[n])
		}
		der, signature, err := b.login(t.Context(), n, "1234")
		must(t, err)
		cert, err := x509.ParseCertificate(der)
		must(t, err)
		sum := sha256.Sum256([]byte("message"))
		must(t, rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature))
		pull()
		b.until(n, cardbridge.Empty)
	}
}

// With LeaveCard another process would find the PIN verified [C RUN].
func TestPINIsForgottenAfterClose(t *testing.T) {
	b := newBench(t)
	b.insert(0, "cps3", nil)
	_, _, err := b.login(t.Context(), 0, "1234")
	must(t, err)
	other, err := scard.EstablishContext()
	must(t, err)
	defer func() { must(t, other.Release()) }()
	c, err := other.Connect(b.Readers[0], scard.ShareShared, scard.ProtocolAny)
	must(t, err)
	defer func() { must(t, c.Disconnect(scard.LeaveCard)) }()
	answer, err := c.Transmit([]byte{0x00, 0x20, 0x00, 0x01})
	must(t, err)
	if len(answer) != 2 || answer[0] != 0x63 || answer[1] != 0xc3 {
		t.Errorf("VERIFY without data answers % x", answer)
	}
}

// Another program holds the card: it may be connected, and it may be alone with it.
func TestCardHeldByAnotherProgram(t *testing.T) {
	b := newBench(t)
	b.insert(0, "cps3", nil)
	other, err := scard.EstablishContext()
	must(t, err)
	defer func() { must(t, other.Release()) }()
	c, err := other.Connect(b.Readers[0], scard.ShareShared, scard.ProtocolAny)
	must(t, err)
	_, _, err = b.login(t.Context(), 0, "1234")
	must(t, err) // connected, as practice software is all day: no obstacle
	must(t, c.Reconnect(scard.ShareShared, scard.ProtocolAny, scard.LeaveCard))
	must(t, c.BeginTransaction())
	if _, _, err := b.login(t.Context(), 0, "1234"); fault.CodeOf(err) != cps.CodeBusy {
		t.Errorf("in its transaction: %v", err)
	}
	must(t, c.EndTransaction(scard.LeaveCard))
	must(t, c.Disconnect(scard.LeaveCard))
	c, err = other.Connect(b.Readers[0], scard.ShareExclusive, scard.ProtocolAny)
	must(t, err)
	if _, _, err := b.login(t.Context(), 0, "1234"); fault.CodeOf(err) != cps.CodeBusy {
		t.Errorf("held exclusively: %v", err)
	}
	seen, err := b.readers.Readers(t.Context())
	must(t, err)
	if seen[0].State != cardbridge.Busy {
		t.Errorf("state %s", seen[0].State)
	}
	must(t, c.Disconnect(scard.ResetCard))
	_, _, err = b.login(t.Context(), 0, "1234")
	must(t, err)
}

// The card leaves the reader at each kind of step of a login: identification,
// directories, counter, certificate, PIN, MSE, signature and its fetching.
func TestCardPulledAtEveryStep(t *testing.T) {
	b := newBench(t)
	for _, step := range []int{1, 3, 8, 20, 26, 33, 34, 35, 36} {
		pull := b.insert(0, "cps3", func(n int, _ []byte) softcard.Event {
			if n == step {
				return softcard.Pulled
			}
			return softcard.Answer
		})
		_, _, err := b.login(t.Context(), 0, "1234")
		if fault.CodeOf(err) != cps.CodeCardRemoved {
			t.Errorf("pulled at command %d: %v", step, err)
		}
		pull()
		b.until(0, cardbridge.Empty)
	}
}

// A card that was taken out and put back between two looks is another stay.
func TestCardPutBackIsAnotherStay(t *testing.T) {
	b := newBench(t)
	pull := b.insert(0, "cps3", nil)
	before, err := b.readers.Readers(t.Context())
	must(t, err)
	pull()
	b.until(0, cardbridge.Empty)
	b.insert(0, "cps3", nil)
	after, err := b.readers.Readers(t.Context())
	must(t, err)
	if before[0].Stay == after[0].Stay {
		t.Error("nobody would notice that the card was out")
	}
}

func TestWaitForACardEndsWithItsContext(t *testing.T) {
	b := newBench(t)
	seen, err := b.readers.Readers(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.readers.Changed(ctx, seen) }()
	cancel()
	if err := <-done; err == nil {
		t.Error("nothing changed")
	}
}

// Without the service the failure says so, and not "no reader".
func TestServiceThatDoesNotRun(t *testing.T) {
	t.Setenv("PCSCLITE_CSOCK_NAME", t.TempDir()+"/nobody")
	readers, err := pcsc.Open(clock.System{})
	must(t, err)
	if _, err := readers.Readers(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
