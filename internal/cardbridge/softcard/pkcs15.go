package softcard

import "slices"

// The PKCS#15 tree of a card (ISO 7816-15), with the lax encodings of real ones
// [C OSC#2217, #2267]: bit strings with padding bits set and zero bytes kept,
// private keys without algorithm references.

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
	tagInteger  = 0x02
	tagBits     = 0x03
	tagOctets   = 0x04
	tagUTF8     = 0x0c
	tagSequence = 0x30
)

func seq(parts ...[]byte) []byte     { return tlv(tagSequence, parts...) }
func octets(b ...byte) []byte        { return tlv(tagOctets, b) }
func label(s string) []byte          { return tlv(tagUTF8, []byte(s)) }
func integer(b ...byte) []byte       { return tlv(tagInteger, b) }
func path(b ...byte) []byte          { return seq(octets(b...)) }
func number(n int) []byte            { return integer(byte(n>>8), byte(n)) } //nolint:gosec // the two halves
func laxBits(b byte) []byte          { return tlv(tagBits, []byte{0x00, b, 0x00}) }
func laxerBits(b byte) []byte        { return tlv(tagBits, []byte{0x03, b | 0x07}) }
func inApplication(id uint16) []byte { return []byte{0x3f, 0x00, 0x00, 0x01, byte(id >> 8), byte(id)} } //nolint:gosec // the two halves

// contents are what personalisation puts on a card.
type contents struct {
	number, holder            string
	authentication, signature []byte // certificates, DER
}

// File identifiers inside the application. Those of the reference are [C]; where
// the object directories and certificates lie is [U]: readers must follow the
// paths they find.
const (
	idContactMode    = 0x7001 // found always, read in contact mode only [C CL]; its content is [U]
	idODF            = 0x5031
	idTokenInfo      = 0x5032
	idPrivateKeys    = 0x5201
	idCertificates   = 0x5202
	idData           = 0x5203
	idPINs           = 0x5204
	idAuthentication = 0xb001
	idSignature      = 0xb002
	idCardData       = 0xd107
	idSituations     = 0xd120 // to D12F
	idHolderName     = 0xd101
	idCardID         = 0xd102
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

// privateKey is a PrivateRSAKeyObject.
func privateKey(name string, id, usage, reference byte) []byte {
	return seq(
		seq(label(name), laxBits(0x80), octets(0x01)),
		seq(objectID(id), laxerBits(usage), laxerBits(0xb8), integer(0x00, reference)),
		tlv(0xa1, seq(path(0x3f, 0x00, 0x00, 0x01), number(2048))),
	)
}

// certificate is an X509CertificateObject at a path.
func certificate(name string, id byte, file uint16, size int) []byte {
	return seq(
		seq(label(name), laxBits(0x00)), seq(objectID(id)),
		tlv(0xa1, seq(seq(octets(inApplication(file)...), number(0), tlv(0x80, []byte{byte(size >> 8), byte(size)})))), //nolint:gosec // the two halves
	)
}

// userPIN is the authentication object of the holder's PIN: four to eight
// digits, ASCII, not padded [I].
func userPIN() []byte {
	return seq(
		seq(label("Code porteur"), laxBits(0xc0)), seq(octets(0x01)),
		tlv(0xa1, seq(laxBits(0x32), tlv(0x0a, []byte{0x01}), integer(4), integer(8), integer(8), tlv(0x80, []byte{refPIN}), path(0x3f, 0x00, 0x00, 0x01))),
	)
}

// dataObject is an opaque data object; what it holds on a real card is [U].
func dataObject(name string, file uint16, guarded bool) []byte {
	common := seq(label(name), laxBits(0x00))
	if guarded {
		common = seq(label(name), laxBits(0x80), octets(0x01))
	}
	return seq(common, seq(label("CPS")), tlv(0xa1, path(inApplication(file)...)))
}

// application is the IAS application of a contact card.
func application(c contents, token string, authentication, signature byte) *file {
	situation := elementary(idSituations, seq(label("SITUATION"))).readBy(user)
	return folder(0x0001, applicationAID,
		elementary(idContactMode, []byte{0x00}),
		elementary(idODF, directories()),
		elementary(idTokenInfo, seq(integer(0), octets([]byte(c.number)...), label("EGIDE"), tlv(0x80, []byte(token)), laxBits(0x20))),
		elementary(idPrivateKeys, slices.Concat(
			privateKey("CPS_PRIV_SIG", 0x01, 0x00, signature), // nonRepudiation is bit 9, out of the first byte
			privateKey("CPS_PRIV_AUT", 0x02, 0x60, authentication),
		)),
		elementary(idCertificates, slices.Concat(
			certificate("Certificat de Signature CPS", 0x01, idSignature, len(c.signature)),
			certificate("Certificat d'Authentification CPS", 0x02, idAuthentication, len(c.authentication)),
		)),
		elementary(idData, slices.Concat(
			dataObject("CPS_ID_CARD", idCardID, false), dataObject("CPS_NAME_PS", idHolderName, false),
			dataObject("CPS_DATA", idCardData, false), dataObject("CPS_ACTIVITY_01_PS", idSituations, true),
		)),
		elementary(idPINs, userPIN()),
		elementary(idAuthentication, c.authentication), elementary(idSignature, c.signature),
		elementary(idCardID, seq(label(c.number))), elementary(idHolderName, seq(label(c.holder))),
		elementary(idCardData, seq(label("EGIDE"))), situation,
	)
}
