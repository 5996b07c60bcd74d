package cps

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// Key sizes taken: real cards have RSA-2048 [C]; above 4096 a stranger only
// buys our time.
const (
	minKeyBits = 2048
	maxKeyBits = 4096
	leastE     = 65537
)

// parseCertificate is the size and shape half of check 3.
// Errors: fault.Invalid with CodeCertMalformed.
func parseCertificate(der []byte) (*x509.Certificate, *rsa.PublicKey, error) {
	bad := func(why string, cause error) (*x509.Certificate, *rsa.PublicKey, error) {
		return nil, nil, fault.Wrap(fault.Invalid, CodeCertMalformed, "certificate: "+why, cause)
	}
	if len(der) > MaxCertificate {
		return bad("too large", nil)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return bad("cannot be read", err)
	}
	key, ok := c.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok:
		return bad("not an RSA key", nil)
	case key.N.BitLen() < minKeyBits || key.N.BitLen() > maxKeyBits || key.N.Bit(0) == 0:
		return bad("modulus of an impossible size", nil)
	case key.E < leastE || key.E%2 == 0:
		return bad("exponent too weak", nil)
	case c.SignatureAlgorithm != x509.SHA256WithRSA && c.SignatureAlgorithm != x509.SHA384WithRSA && c.SignatureAlgorithm != x509.SHA512WithRSA:
		return bad("signed with an unknown or weak algorithm", nil)
	}
	return c, key, nil
}

// Attribute types that crypto/x509 leaves in Subject.Names (RFC 5280 appendix A.1).
var (
	oidCommon    = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname   = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidTitle     = asn1.ObjectIdentifier{2, 5, 4, 12}
	oidGivenName = asn1.ObjectIdentifier{2, 5, 4, 42}
)

// describe reads what the certificate says, as far as it can be read; what a
// login needs is checked afterwards, each with its own code.
func describe(c *x509.Certificate, i TrustedIssuer) Card {
	card := Card{
		Serial: hex.EncodeToString(c.SerialNumber.Bytes()), Issuer: i.Issuer.Subject.CommonName, Range: i.Range,
		NotBefore: c.NotBefore, NotAfter: c.NotAfter, Type: noCardType, Category: noCategory,
	}
	var holders []string
	for _, n := range c.Subject.Names {
		text, _ := n.Value.(string)
		switch {
		case n.Type.Equal(oidCommon):
			holders = append(holders, text)
		case n.Type.Equal(oidSurname):
			card.Family = text
		case n.Type.Equal(oidGivenName):
			card.Given = text
		case n.Type.Equal(oidTitle):
			card.Title = text
		}
	}
	if len(holders) == 1 {
		card.Holder = holderOf(i.Range, holders[0])
	}
	card.readExtensions(c)
	return card
}

// spellings of a holder on the cards of a range [C samples; that cards in
// training (CPF) carry no other is I]: 8 + RPPS or 0 + ADELI, and for staff also
// the number of a structure and what it calls the person.
var spellings = map[igc.Range]*regexp.Regexp{
	igc.Fort:     regexp.MustCompile(`^(8[0-9]{11}|0[0-9A-Z]{9})$`),
	igc.Standard: regexp.MustCompile(`^(8[0-9]{11}|0[0-9A-Z]{9}|[345][0-9A-Z]{9,14}/[0-9A-Za-z._-]+)$`),
}

// holderOf is stricter than rpps.ParseNationalID: the register knows kinds of
// identifier that no card carries. The zero value when it is none.
func holderOf(r igc.Range, common string) rpps.NationalID {
	if of := spellings[r]; of == nil || !of.MatchString(common) {
		return rpps.NationalID{}
	}
	id, err := rpps.ParseNationalID(common)
	if err != nil {
		return rpps.NationalID{}
	}
	return id
}

// Values that no certificate carries, for what is absent or unreadable.
const (
	noCardType = igc.CardType(-1)
	noCategory = igc.Category(0x7f)
)

var cardNumber = regexp.MustCompile(`^` + igc.CardIssuer + `/[0-9]{10}$`)

func (card *Card) readExtensions(c *x509.Certificate) {
	for _, e := range c.Extensions {
		switch {
		case e.Id.Equal(igc.OIDCardType()):
			var v int
			if whole(e.Value, &v) {
				card.Type = igc.CardType(v)
			}
		case e.Id.Equal(igc.OIDCategory()):
			var v []byte
			if whole(e.Value, &v) && len(v) == 1 {
				card.Category = igc.Category(v[0])
			}
		case e.Id.Equal(igc.OIDProfession()):
			var v int
			if whole(e.Value, &v) {
				card.Profession = v
			}
		case e.Id.Equal(igc.OIDCardNumber()):
			var v string
			if whole(e.Value, &v) && cardNumber.MatchString(v) {
				card.Number = v
			}
		}
	}
}

// whole decodes an extension that holds one value and nothing after it.
func whole(der []byte, v any) bool {
	rest, err := asn1.Unmarshal(der, v)
	return err == nil && len(rest) == 0
}

// oidSubjectAltName is RFC 5280 4.2.1.6.
var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// namesAnother tells whether a user principal name of the certificate is not
// the holder's: his identifier before the fixed suffix [C on a staff card, I on
// a CPS]. There may be none; one that cannot be read is somebody else's.
func namesAnother(c *x509.Certificate) bool {
	own := c.Subject.CommonName + igc.UPNSuffix
	return slices.ContainsFunc(principals(c), func(p string) bool { return !strings.EqualFold(p, own) })
}

// principals gives the user principal names of the certificate, empty where one
// cannot be read: otherNames, which crypto/x509 passes over.
func principals(c *x509.Certificate) []string {
	var found []string
	for _, e := range c.Extensions {
		var names []asn1.RawValue
		if !e.Id.Equal(oidSubjectAltName) || !whole(e.Value, &names) {
			continue
		}
		for _, n := range names {
			if n.Class != asn1.ClassContextSpecific || n.Tag != 0 {
				continue
			}
			var other struct {
				Type  asn1.ObjectIdentifier
				Value asn1.RawValue `asn1:"tag:0"`
			}
			rest, err := asn1.UnmarshalWithParams(n.FullBytes, &other, "tag:0")
			if err == nil && !other.Type.Equal(igc.OIDUserPrincipalName()) {
				continue
			}
			var text string
			if err != nil || len(rest) > 0 || !whole(other.Value.Bytes, &text) {
				text = ""
			}
			found = append(found, text)
		}
	}
	return found
}
