package softcard

// Tags of a security data object (IAS-ECC): its control parameters, the access
// rules in them, the rules of the contact side.
const (
	tagObject       = 0x70
	tagParameters   = 0xa0
	tagRules        = 0xa1
	tagContactRules = 0x8c
)

// Classes of objects, as the second byte of their tag BF class number.
const (
	classPIN        = 0x81
	classPrivateKey = 0x90
)

// getData is GET DATA of a security data object: the PIN at the root [C CL,
// OSC#2275], the private keys in the application [C OSC card-iasecc.c]. Only
// control parameters are public; that anything else is answered 6A80 is [I].
func getData(e *Emulator, c command) ([]byte, uint16) {
	const whole = 0x3fff
	class, n, tag, ok := objectAsked(c.data)
	if !ok || c.parameters() != whole {
		return nil, swData
	}
	parameters := e.object(class, n)
	if parameters == nil {
		return nil, swNoReference
	}
	if tag != tagParameters {
		return nil, swData
	}
	content := tlv(tagParameters, parameters)
	long := append([]byte{0xbf, class, n, byte(len(content))}, content...) //nolint:gosec // short
	return tlv(tagObject, long), swOK
}

// objectAsked reads the question 4D { 70 { BF class number { tag.. 80 } } }.
func objectAsked(b []byte) (class, n, tag byte, ok bool) {
	const head = 8 // up to the length of what is asked for
	if len(b) < head+2 || b[0] != 0x4d || b[2] != tagObject || b[4] != 0xbf || int(b[1]) != len(b)-2 || int(b[3]) != len(b)-4 || int(b[7]) != len(b)-head {
		return 0, 0, 0, false
	}
	return b[5], b[6], b[head], true
}

// object gives the control parameters of an object that exists where we are.
func (e *Emulator) object(class, n byte) []byte {
	const local = 0x80 // bit of the reference of a key of the application
	at := e.current.here()
	switch {
	case class == classPIN && n == refPIN && at == e.root:
		return e.pin.object()
	case class == classPrivateKey && at != e.root && e.keys[local|n] != nil:
		return keyObject(local|n == e.model.signature)
	}
	return nil
}

// keyObject tells a key's size and who may sign, authenticate, decipher,
// generate, write and read with it: user by PIN (13), nobody (FF), all (00).
// The form is [C OSC iasecc.h], the values are [I] from the PIN's.
func keyObject(signs bool) []byte {
	rules := []byte{0x7b, 0xff, 0x13, 0x13, 0xff, 0xff, 0x00}
	if signs {
		rules = []byte{0x7b, 0x13, 0xff, 0xff, 0xff, 0xff, 0x00}
	}
	return append(tlv(0x80, []byte{0x01, 0x00}), tlv(tagRules, tlv(tagContactRules, rules))...)
}
