package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
)

// Attribute types of RFC 5280 appendix A.1.
var (
	oidCommon       = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidCountry      = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidState        = asn1.ObjectIdentifier{2, 5, 4, 8}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidUnit         = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidTitle        = asn1.ObjectIdentifier{2, 5, 4, 12}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
)

// rdn is one relative distinguished name, of one attribute or several.
type rdn = pkix.RelativeDistinguishedNameSET

func sequence(names ...rdn) pkix.RDNSequence {
	var s pkix.RDNSequence
	for _, n := range names {
		if len(n) > 0 {
			s = append(s, n)
		}
	}
	return s
}

// text is a UTF8String attribute, as all but the country are [C]; empty text is left out.
func text(oid asn1.ObjectIdentifier, value string) rdn {
	if value == "" {
		return nil
	}
	return rdn{{Type: oid, Value: asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(value)}}}
}

func country(code string) rdn {
	return rdn{{Type: oidCountry, Value: asn1.RawValue{Tag: asn1.TagPrintableString, Bytes: []byte(code)}}}
}

// person is the multi-valued last name of every natural person: GN, CN and SN
// in one set [C].
func person(given, id, family string) rdn {
	return append(append(text(oidGivenName, given), text(oidCommon, id)...), text(oidSurname, family)...)
}
