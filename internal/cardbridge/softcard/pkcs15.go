package softcard

import "slices"

// The PKCS#15 tree of a card (ISO 7816-15), as far as dumps of real ones show it
// [C OSC#2224, #2267]: flags that are a BIT STRING of no bits at all, private
// keys without algorithm references, keys whose path is empty.

// tlv encodes one BER object; lengths up to 65535.
func tlv(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	n := len(content)
	var head []byte
	switch {
	case n < 0x80:
		head = []byte{tag, byte(n)}
	case n < 0x100:
		head = []byte{tag, 0x81, byte(n)}
	default:
		head = []byte{tag, 0x82, byte(n >> 8), byte(n)} //nolint:gosec // the two halves
	}
	return append(head, content...)
}

const (
	tagInteger    = 0x02
	tagBits       = 0x03
	tagOctets     = 0x04
	tagNull       = 0x05
	tagOID        = 0x06
	tagEnumerated = 0x0a
	tagUTF8       = 0x0c
	tagSequence   = 0x30
)

func seq(parts ...[]byte) []byte     { return tlv(tagSequence, parts...) }
func octets(b ...byte) []byte        { return tlv(tagOctets, b) }
func label(s string) []byte          { return tlv(tagUTF8, []byte(s)) }
func integer(b ...byte) []byte       { return tlv(tagInteger, b) }
func bits(b ...byte) []byte          { return tlv(tagBits, b) } // first: how many of the last byte do not count
func path(b ...byte) []byte          { return seq(octets(b...)) }
func number(n int) []byte            { return integer(byte(n>>8), byte(n)) }                            //nolint:gosec // the two halves
func inApplication(id uint16) []byte { return []byte{0x3f, 0x00, 0x00, 0x01, byte(id >> 8), byte(id)} } //nolint:gosec // the two halves

// noFlags is how a real card writes flags of which none is set [C OSC#2224].
func noFlags() []byte { return bits(0x00) }

// private is flag 0 of an object: it is used behind the PIN.
func private() []byte { return bits(0x07, 0x80) }

// contents are what personalisation puts on a card.
type contents struct {
	number, holder            string
	authentication, signature []byte // certificates, DER
}

// File identifiers inside the application: 5031, 5032, 7001, 7005 and those from
// D107 are [C], 7002 and 7006 [I]; where certificates and free data lie is [U].
// Readers must follow the paths they find.
const (
	idODF            = 0x5031
	idTokenInfo      = 0x5032
	idPINs           = 0x7001 // found always, read in contact mode only [C CL]: so a reader tells the modes apart
	idPrivateKeys    = 0x7002
	idCertificates   = 0x7005
	idData           = 0x7006
	idAuthentication = 0xb001
	idSignature      = 0xb002
	idHolderName     = 0xd101
	idCardID         = 0xd102
	idCardData       = 0xd107
	idSituations     = 0xd120 // to D12F
)

var applicationAID = []byte{0xe8, 0x28, 0xbd, 0x08, 0x0f, 0x80, 0x25, 0x00, 0x00, 0x01, 0xff, 0x00, 0x10}

// objectID names a key and its certificate: the application's name and a number [C].
func objectID(n byte) []byte { return octets(append(slices.Clone(applicationAID), n)...) }

func directories() []byte {
	return slices.Concat(
		tlv(0xa0, path(inApplication(idPrivateKeys)...)), tlv(0xa4, path(inApplication(idCertificates)...)),
		tlv(0xa7, path(inApplication(idData)...)), tlv(0xa8, path(inApplication(idPINs)...)),
	)
}

// use is what a private key is for, as its directory entry says it.
type use struct {
	usage []byte
	rules []byte // access modes, each behind the PIN
}

// rule is one access mode behind authentication object 01.
func rule(mode ...byte) []byte { return seq(bits(mode...), octets(0x01)) }

// The uses of the two keys [C OSC#2267]: pso_cds is access mode 5, pso_decrypt 7, int_auth 9.
func toSign() use { return use{bits(0x06, 0x00, 0x40), seq(rule(0x02, 0x04))} } // nonRepudiation is bit 9
func toLogIn() use {
	return use{bits(0x05, 0x60), seq(rule(0x00, 0x01), rule(0x06, 0x00, 0x40))} // decrypt and sign
}

// privateKey is a PrivateRSAKeyObject: sensitive, always so, never extracted [C OSC#2267].
func privateKey(name string, id, reference byte, u use) []byte {
	return seq(
		seq(label(name), private(), octets(0x01), u.rules),
		seq(objectID(id), u.usage, bits(0x04, 0xb0), integer(0x00, reference)),
		tlv(0xa1, seq(path(), number(2048))),
	)
}

// certificate is an X509CertificateObject at a path.
func certificate(name string, id byte, file uint16) []byte {
	return seq(seq(label(name), noFlags()), seq(objectID(id)), tlv(0xa1, seq(path(inApplication(file)...))))
}

// userPIN is the authentication object of the holder's PIN, itself behind object
// 02, the unblock code [C OSC#2224]: four to eight digits, ASCII, not padded [I].
func userPIN() []byte {
	const asciiNumeric = 0x01
	initialized := bits(0x03, 0x08)
	return seq(
		seq(label("Code porteur de la carte CPX"), noFlags(), octets(0x02)), seq(octets(0x01)),
		tlv(0xa1, seq(initialized, tlv(tagEnumerated, []byte{asciiNumeric}), integer(4), integer(8), integer(8), tlv(0x80, []byte{refPIN}))),
	)
}

// dataObject is an opaque data object; what it holds on a real card is [U].
func dataObject(name string, file uint16, by access) []byte {
	common := seq(label(name), noFlags())
	if by == user {
		common = seq(label(name), private(), octets(0x01))
	}
	return seq(common, seq(label("CPS")), tlv(0xa1, path(inApplication(file)...)))
}

// application is the IAS application of a contact card.
func application(c contents, token string, authentication, signature byte) *file {
	return folder(0x0001, applicationAID,
		elementary(idODF, directories()),
		elementary(idTokenInfo, tokenInfo(c.number, token)),
		elementary(idPINs, userPIN()),
		elementary(idPrivateKeys, slices.Concat(
			privateKey("CPS_PRIV_SIG", 0x01, signature, toSign()),
			privateKey("CPS_PRIV_AUT", 0x02, authentication, toLogIn()),
		)),
		elementary(idCertificates, slices.Concat(
			certificate("Certificat de Signature CPS", 0x01, idSignature),
			certificate("Certificat d'Authentification CPS", 0x02, idAuthentication),
		)),
		elementary(idData, slices.Concat(
			dataObject("CPS_ID_CARD", idCardID, always), dataObject("CPS_NAME_PS", idHolderName, always),
			dataObject("CPS_DATA", idCardData, always), dataObject("CPS_ACTIVITY_01_PS", idSituations, user),
		)),
		elementary(idAuthentication, c.authentication), elementary(idSignature, c.signature),
		elementary(idCardID, seq(label(c.number))), elementary(idHolderName, seq(label(c.holder))),
		elementary(idCardData, seq(label("EGIDE"))), elementary(idSituations, seq(label("SITUATION"))).readBy(user),
	)
}
