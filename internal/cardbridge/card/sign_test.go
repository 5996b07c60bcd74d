package card_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// A faulty card's signature never leaves the driver: it would look like an attack.
func TestWrongSignatureIsTheCardsFault(t *testing.T) {
	for name, answer := range map[string][]byte{
		"noise": append(make([]byte, 256), 0x90, 0x00), "empty": {0x90, 0x00}, "short": append(make([]byte, 20), 0x90, 0x00),
	} {
		p := newPlain()
		p.before = func(c []byte) []byte {
			if c[1] == 0x88 {
				return answer
			}
			return nil
		}
		if _, signature, err := loginTo(t.Context(), p, "1234"); signature != nil || fault.CodeOf(err) != cps.CodeCardError {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A signature over something else than what was asked.
func TestSignatureOfAnotherMessage(t *testing.T) {
	p := newPlain()
	p.before = func(c []byte) []byte {
		if c[1] == 0x88 {
			c[len(c)-2] ^= 1 // the last byte of the hash
		}
		return nil
	}
	if _, _, err := loginTo(t.Context(), p, "1234"); fault.CodeOf(err) != cps.CodeCardError {
		t.Errorf("%v", err)
	}
}

// Keys too short to hold a padded hash must not end the bridge.
func TestTinyKeyIsRefused(t *testing.T) {
	n, ok := new(big.Int).SetString("d5c1a1f3b7e9d4c3a1f3b7e9d4c3a1f3b7e9d4c3a1f3b7e9d4c3a1f3b7e9d4c3", 16)
	if !ok {
		t.Fatal("no number")
	}
	ours, _ := material()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &rsa.PublicKey{N: n, E: 65537}, ours)
	must(t, err)
	p := newPlain()
	p.files[fileAuth] = der
	s, err := card.Open(t.Context(), p)
	must(t, err)
	if _, err := s.Certificate(t.Context()); fault.CodeOf(err) != cps.CodeCardError {
		t.Errorf("%v", err)
	}
}

func TestWhatCannotBeSigned(t *testing.T) {
	p := newPlain()
	s, err := card.Open(t.Context(), p)
	must(t, err)
	if _, err := s.Sign(t.Context(), make([]byte, 51)); !fault.Is(err, fault.Internal) {
		t.Errorf("before the certificate: %v", err)
	}
	_, err = s.Certificate(t.Context())
	must(t, err)
	for _, n := range []int{0, 103, 256} {
		if _, err := s.Sign(t.Context(), make([]byte, n)); !fault.Is(err, fault.Internal) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, n := p.find("0088"); n != 0 {
		t.Error("the card was asked")
	}
}
