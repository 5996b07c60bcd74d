package peer

import (
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

const residence = "1990000119"

func read(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	c, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	return c
}

// What is the means of a structure and what only looks like it (S-70, S-76).
func TestCA6WhoSpeaksForAStructure(t *testing.T) {
	a, err := pki.New(pki.Options{Clock: clock.NewManual(noon), Bits: 2048, Seed: []byte("structures")})
	must(t, err)
	order := func(profile, structure string, alter func(*x509.Certificate)) *x509.Certificate {
		pair, err := a.IssueOrganisation(pki.OrganisationOrder{Profile: profile, Structure: structure, Organisation: "RESIDENCE", Common: "DMP-AUTO", Alter: alter})
		must(t, err)
		return read(t, pair.Certificate)
	}
	must(t, SpeaksFor(order("auth-cli", residence, nil), residence))

	staff, err := a.IssueCard(pki.CardOrder{Type: "CPE", Holder: "3990000119/RH0007", Family: "GESTION", Given: "Alix", Structure: residence, Organisation: "RESIDENCE"})
	must(t, err)
	doctor, err := a.IssueCard(pki.CardOrder{Type: "CPS", Holder: "899700990015", Family: "EXEMPLE", Given: "Camille", Title: "Médecin", Profession: 10})
	must(t, err)
	category := igc.OIDCategory()
	for attack, c := range map[string]*x509.Certificate{
		"another structure's":          order("auth-cli", "1990000127", nil),
		"a number that begins alike":   order("auth-cli", residence+"0", nil),
		"the structure's server":       order("server", residence, nil),
		"the structure's seal":         order("sign", residence, nil),
		"a card of the structure's HR": read(t, staff.Authentication.Certificate),
		"a doctor's card":              read(t, doctor.Authentication.Certificate),
		"a card passed off as software": order("auth-cli", residence, func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, extension(igc.OIDCardType(), []byte{2, 1, 2}))
		}),
		"without a product category":     order("auth-cli", residence, func(c *x509.Certificate) { c.ExtraExtensions = nil }),
		"a category that cannot be read": order("auth-cli", residence, func(c *x509.Certificate) { c.ExtraExtensions[0] = extension(category, []byte{4, 2, 3, 3}) }),
		"the category of a card":         order("auth-cli", residence, func(c *x509.Certificate) { c.ExtraExtensions[0] = extension(category, []byte{4, 1, 0x80}) }),
		"a server too":                   order("auth-cli", residence, func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) }),
		"whose key also enciphers":       order("auth-cli", residence, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment }),
		"of no structure":                certified(t, nil, "logiciel", nil).cert,
	} {
		if err := SpeaksFor(c, residence); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", attack, err)
		}
	}
	if err := SpeaksFor(certified(t, nil, "logiciel", nil).cert, ""); !fault.Is(err, fault.Denied) {
		t.Errorf("no structure at all: %v", err)
	}
}
