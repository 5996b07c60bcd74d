package softcard

import "slices"

// algorithm is one that the card performs, as TokenInfo lists it (ISO 7816-15,
// 8.10): mechanism of PKCS#11, operation, object identifier, and the byte by
// which MSE names it.
type algorithm struct {
	mechanism int
	operation byte
	oid       []byte
	reference byte
}

// Operations of an algorithm.
const (
	signs     = 0x40
	deciphers = 0x04
	hashes    = 0x02
)

// algorithms are those of CPS3, by their reference from one [C OSC#2267 for
// order and mechanisms, CL for the bytes].
func algorithms() []algorithm {
	pkcs1 := func(n byte) []byte { return []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, n} }
	return []algorithm{
		{0x220, hashes, []byte{0x2b, 0x0e, 0x03, 0x02, 0x1a}, algHashSHA1},
		{0x250, hashes, []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}, algHashSHA256},
		{0x006, signs, pkcs1(5), algSignSHA1},
		{0x040, signs, pkcs1(11), algSignSHA256},
		{0x001, signs, pkcs1(1), algAuthenticate},
		{0x001, deciphers, pkcs1(1), algDecipher},
	}
}

// tokenInfo is EF.TokenInfo: the card's serial number, label and algorithms.
func tokenInfo(serial, token string) []byte {
	var list [][]byte
	for i, a := range algorithms() {
		list = append(list, seq(
			number(i+1), number(a.mechanism), tlv(tagNull), bits(0x01, a.operation), tlv(tagOID, a.oid), integer(a.reference)))
	}
	generatesRandom := bits(0x05, 0x20)
	return seq(
		integer(0), octets([]byte(serial)...), label("EGIDE"), tlv(0x80, []byte(token)), generatesRandom,
		tlv(0xa2, slices.Concat(list...)))
}
