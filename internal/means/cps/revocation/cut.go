package revocation

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// parts is a CRL (RFC 5280 section 5.1) with its entries taken out. crypto/x509
// makes 1.2 KB of each, 600 MB of a national list, and we need their numbers
// alone; it reads the frame, which is the list without them.
type parts struct {
	signed  []byte            // the whole TBSCertList
	frame   []byte            // a CertificateList without entries, under a signature that is not its own
	entries cryptobyte.String // what revokedCertificates holds, empty if there is none
}

func cut(der []byte) (p parts, ok bool) {
	input := cryptobyte.String(der)
	var whole, tbs, fields cryptobyte.String
	if !input.ReadASN1(&whole, asn1.SEQUENCE) || !input.Empty() || !whole.ReadASN1Element(&tbs, asn1.SEQUENCE) {
		return p, false
	}
	p.signed = tbs
	if !tbs.ReadASN1(&fields, asn1.SEQUENCE) {
		return p, false
	}
	var kept []byte
	for dated, taken := false, false; !fields.Empty(); {
		var field cryptobyte.String
		var tag asn1.Tag
		if !fields.ReadAnyASN1Element(&field, &tag) {
			return p, false
		}
		if dated && tag == asn1.SEQUENCE { // what follows the dates, once
			if taken || !field.ReadASN1(&p.entries, asn1.SEQUENCE) {
				return p, false
			}
			taken = true
			continue
		}
		dated = dated || tag == asn1.UTCTime || tag == asn1.GeneralizedTime
		kept = append(kept, field...)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(kept) })
		b.AddBytes(whole)
	})
	frame, err := b.Bytes()
	p.frame = frame
	return p, err == nil
}

// numbers gives the serial numbers of entries, in order. An entry is revoked
// whatever else it says: "removed from the list" stands in deltas only (5.3.1).
func numbers(entries cryptobyte.String) ([]serialNumber, bool) {
	var list []serialNumber
	for !entries.Empty() {
		var entry, number cryptobyte.String
		if !entries.ReadASN1(&entry, asn1.SEQUENCE) || !entry.ReadASN1(&number, asn1.INTEGER) {
			return nil, false
		}
		n, fits := numbered(number)
		if !fits {
			return nil, false
		}
		list = append(list, n)
	}
	slices.SortFunc(list, compare)
	return slices.Clip(list), true
}
