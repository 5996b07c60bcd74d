// Package igc is the vocabulary of IGC-Santé, the public key infrastructure of
// French health professionals: ranges, product categories, card types and the
// identifiers of their certificate extensions (cps-card.md section 5). The test
// authority writes with it, the provider and the bridge read with it.
//
// Marks of the reference are kept: [C] confirmed in a decoded certificate or a
// source, [I] inferred, [U] unknown.
package igc

import "encoding/asn1"

// Range is one of the three ranges, each with a root and intermediates of its own [C].
type Range string

// The ranges and what their natural-person intermediates certify.
const (
	Fort        Range = "fort"        // CPS and CPF cards
	Standard    Range = "standard"    // CPE, CPA and CDE staff cards; CDE here is [I]
	Elementaire Range = "elementaire" // software certificates
)

// arc is 1.2.250.1.71.1.2, under which all extensions stand [C].
func extension(n int) asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 250, 1, 71, 1, 2, n}
}

// OIDCardType is TRE_G02: an INTEGER, card certificates only [C].
func OIDCardType() asn1.ObjectIdentifier { return extension(2) }

// OIDCardNumber is the card number "issuer/number", a PrintableString [C].
func OIDCardNumber() asn1.ObjectIdentifier { return extension(3) }

// OIDCategory is TRE_G01, the product category: an OCTET STRING of one byte [C].
func OIDCategory() asn1.ObjectIdentifier { return extension(5) }

// OIDProfession is TRE_G15: an INTEGER, absent for staff [C].
func OIDProfession() asn1.ObjectIdentifier { return extension(7) }

// OIDSmartcardLogon is Microsoft's extended key usage of card authentication [C].
func OIDSmartcardLogon() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 2}
}

// OIDUserPrincipalName names the otherName of the authentication certificate's
// subject alternative name [C on a staff card, I on a CPS].
func OIDUserPrincipalName() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}
}

// TestPolicy is the certificate policy of every test sample [C]; the production value is [U].
const TestPolicy = "1.2.250.1.213.1.7.2.1.1.1.1"

// UPNSuffix follows the national identifier in the user principal name [C].
const UPNSuffix = "@carte-cps.fr"

// CardType is TRE_G02, as the certificate carries it.
type CardType int

// The card types [C].
const (
	CPS CardType = 0 // health professional
	CPF CardType = 1 // in training
	CPE CardType = 2 // staff; a CDE (director) has the same code
	CPA CardType = 3 // authorised staff; CDA has the same code
)

// String gives the name printed on the card.
func (t CardType) String() string {
	switch t {
	case CPS:
		return "CPS"
	case CPF:
		return "CPF"
	case CPE:
		return "CPE"
	case CPA:
		return "CPA"
	}
	return "?"
}

// Range gives the range whose natural-person authority certifies the type.
func (t CardType) Range() Range {
	if t == CPS || t == CPF {
		return Fort
	}
	return Standard
}

// Category is TRE_G01.
type Category byte

// The product categories; test products carry bit 80 [C].
const (
	CategoryCard     Category = 0x00
	CategoryModule   Category = 0x02
	CategorySoftware Category = 0x03
	categoryTest     Category = 0x80
)

// Test tells a test product, which no production may accept.
func (c Category) Test() bool { return c&categoryTest != 0 }

// AsTest gives the test product of the category.
func (c Category) AsTest() Category { return c | categoryTest }

// Product drops the test bit.
func (c Category) Product() Category { return c &^ categoryTest }

// CardIssuer stands before the number of every card: "8025000001/2800636234" [C].
const CardIssuer = "8025000001"
