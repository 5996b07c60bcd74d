package ecps

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Parameters tell a phone what it needs before it enrols.
type Parameters struct {
	V      int    `json:"v"`
	Issuer string `json:"iss"`
	Rounds int    `json:"rounds"` // least PBKDF2 rounds the provider wants
	Time   int64  `json:"time"`   // the provider's clock
}

// Enrolment binds two fresh keys to the person who was invited. It is signed by
// the device key it brings; PinProof shows that the PIN key is held too.
type Enrolment struct {
	V          int    `json:"v"`
	Issuer     string `json:"iss"`
	Invitation string `json:"invitation"`
	DeviceKey  string `json:"device_key"`
	PinKey     string `json:"pin_key"`
	Rounds     int    `json:"rounds"`
	Label      string `json:"label"` // what the holder calls this phone
	Time       int64  `json:"time"`
	PinProof   string `json:"pin_proof"`
}

// Enrolled is the provider's answer to a new phone.
type Enrolled struct {
	V         int    `json:"v"`
	Device    string `json:"device"`
	Holder    string `json:"holder"`
	Ratchet   string `json:"ratchet"`
	ExpiresAt int64  `json:"expires_at"` // three years (S-68)
	// Check is two digits that the portal shows too, where the holder confirms
	// there that this phone is his (way A); empty when the phone is good at once.
	Check string `json:"check,omitempty"`
}

func (e Enrolment) digest() []byte {
	return digest("egide.ecps.enrolment.v1", e.Issuer, e.Invitation, e.DeviceKey, e.PinKey,
		number(int64(e.Rounds)), e.Label, number(e.Time))
}

// SignEnrolment fills in both public keys and signs with both private ones.
func SignEnrolment(device crypto.Signer, pin ed25519.PrivateKey, e Enrolment) (string, error) {
	public, ok := device.Public().(*ecdsa.PublicKey)
	if !ok {
		return "", malformed("a device key is an ECDSA key")
	}
	var err error
	if e.DeviceKey, err = EncodeDeviceKey(public); err != nil {
		return "", err
	}
	pinPublic, ok := pin.Public().(ed25519.PublicKey)
	if !ok {
		return "", malformed("a PIN key is an Ed25519 key")
	}
	e.PinKey = EncodePINKey(pinPublic)
	e.PinProof = b64(ed25519.Sign(pin, e.digest()))
	return sign(device, typEnrolment, Hash(e.DeviceKey), e)
}

// ParseEnrolment reads an enrolment and verifies both signatures with the keys
// it brings: whoever sends it holds both. That he may enrol at all is what the
// invitation proves.
// Errors: fault.Invalid with PF-EC-033, fault.Denied with PF-EC-030.
func ParseEnrolment(token string) (Enrolment, error) {
	s, err := open(token, typEnrolment)
	if err != nil {
		return Enrolment{}, err
	}
	e, err := Decode[Enrolment](s.payload)
	if err != nil {
		return Enrolment{}, err
	}
	if err := e.wellFormed(s.kid); err != nil {
		return Enrolment{}, err
	}
	key, err := DecodeDeviceKey(e.DeviceKey)
	if err != nil {
		return Enrolment{}, err
	}
	if err := s.verify(key); err != nil {
		return Enrolment{}, err
	}
	return e, e.verifyPIN()
}

func (e Enrolment) wellFormed(kid string) error {
	switch {
	case e.V != Version:
		return malformed("enrolment is of another version")
	case !text(e.Issuer, 1), !text(e.Label, 0):
		return malformed("enrolment holds a field that is empty, too long or not printable")
	case e.Rounds < 1 || e.Rounds > maxRounds:
		return malformed("the number of rounds is out of range")
	case kid != Hash(e.DeviceKey):
		return malformed("enrolment and its header name two keys")
	}
	_, err := unb64(e.Invitation, 32)
	return err
}

func (e Enrolment) verifyPIN() error {
	key, err := DecodePINKey(e.PinKey)
	if err != nil {
		return err
	}
	sig, err := unb64(e.PinProof, ed25519.SignatureSize)
	if err != nil {
		return err
	}
	if !ed25519.Verify(key, e.digest(), sig) {
		return fault.New(fault.Denied, CodeCall, "the PIN key did not sign the enrolment")
	}
	return nil
}
