package softcard_test

import (
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// made is one card of an invented doctor, shared by all tests: keys take time.
var made = sync.OnceValues(func() (igc.CardFile, error) {
	a, err := pki.New(pki.Options{Clock: clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)), Bits: 2048, Seed: []byte("softcard test")})
	if err != nil {
		return igc.CardFile{}, err
	}
	return a.IssueCard(pki.CardOrder{Type: "CPS", Holder: "899700218896", Family: "EXEMPLE", Given: "CAMILLE", Title: "Médecin", Profession: 10})
})

// tester is what tests, benchmarks and rapid's checks have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func must(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func models() []string { return []string{"cps3", "cps3-contactless", "cps4"} }

func newCard(t tester, model string, o softcard.Options) *softcard.Emulator {
	t.Helper()
	file, err := made()
	must(t, err)
	file.Model = model
	e, err := softcard.New(file, o)
	must(t, err)
	return e
}

// certificateOf gives the certificate of a key pair of the shared card.
func certificateOf(t tester, pair func(igc.CardFile) igc.KeyPair) *x509.Certificate {
	t.Helper()
	file, err := made()
	must(t, err)
	block, _ := pem.Decode([]byte(pair(file).Certificate))
	c, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	return c
}

func authentication(c igc.CardFile) igc.KeyPair { return c.Authentication }
func signature(c igc.CardFile) igc.KeyPair      { return c.Signature }

// ask sends one command and gives data and status.
func ask(t tester, e *softcard.Emulator, command string, data ...byte) ([]byte, uint16) {
	t.Helper()
	b := unhex(t, command)
	if len(data) > 0 {
		b = append(append(b, byte(len(data))), data...)
	}
	answer := e.Transmit(b)
	n := len(answer) - 2
	return answer[:n], binary.BigEndian.Uint16(answer[n:])
}

// fetch does what T=0 needs after a command: GET RESPONSE.
func fetch(t tester, e *softcard.Emulator, command string, data ...byte) []byte {
	t.Helper()
	out, sw := ask(t, e, command, data...)
	if sw>>8 == 0x61 {
		out, sw = ask(t, e, "00c00000"+hexByte(byte(sw)))
	}
	if sw != 0x9000 {
		t.Fatalf("%s answered %04X", command, sw)
	}
	return out
}

func expect(t tester, e *softcard.Emulator, want uint16, command string, data ...byte) {
	t.Helper()
	if _, sw := ask(t, e, command, data...); sw != want {
		t.Errorf("%s answered %04X, want %04X", command, sw, want)
	}
}

const verifyPIN = "0020000104" + "31323334"

// A card of another time or make is not invented.
func TestDamagedCardFiles(t *testing.T) {
	good, err := made()
	must(t, err)
	for name, change := range map[string]func(*igc.CardFile){
		"model":       func(c *igc.CardFile) { c.Model = "cps5" },
		"number":      func(c *igc.CardFile) { c.Number = "28006362" },
		"PIN":         func(c *igc.CardFile) { c.PIN = "123" },
		"no PUK":      func(c *igc.CardFile) { c.PUK = "" }, // it would unblock for anybody
		"no key":      func(c *igc.CardFile) { c.Authentication.Key = "" },
		"damaged key": func(c *igc.CardFile) { c.Signature.Key = strings.Replace(c.Signature.Key, "M", "N", 1) },
		"certificate": func(c *igc.CardFile) { c.Signature.Certificate = "-----BEGIN" },
	} {
		c := good
		change(&c)
		if _, err := softcard.New(c, softcard.Options{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
