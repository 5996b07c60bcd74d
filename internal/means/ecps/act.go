package ecps

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
)

// ActKind is what a holder may do to his own e-CPS with his PIN.
type ActKind string

// The acts, and what their subject is.
const (
	ActPIN      ActKind = "pin"      // the new PIN key (32 bytes)
	ActOffline  ActKind = "offline"  // the seed of this phone's offline code (32 bytes)
	ActTransfer ActKind = "transfer" // the hash of the new phone's device key (32 bytes)
	ActRemove   ActKind = "remove"   // the reference of another phone
)

// Act is what the holder does to his own e-CPS, signed by both keys like an
// approval, ratchet included: the same judge, the same count of wrong PINs.
type Act struct {
	V        int      `json:"v"`
	Issuer   string   `json:"iss"`
	Device   string   `json:"device"`
	Holder   string   `json:"holder"`
	Kind     ActKind  `json:"act"`
	Subject  string   `json:"subject"`
	Time     int64    `json:"time"` // Unix seconds
	Ratchets []string `json:"ratchets"`
	Next     string   `json:"next"`
	Pin      string   `json:"pin"` // PIN key's signature over Digest
}

// Digest is what the PIN key signs. Its label differs from that of an answer,
// so that no approval can be made of an act nor the reverse.
func (a Act) Digest() []byte {
	return digest("egide.ecps.act.v1", a.Issuer, a.Device, a.Holder, string(a.Kind), a.Subject,
		number(a.Time), strings.Join(a.Ratchets, " "), a.Next)
}

// SignPIN puts the PIN key's signature into the act.
func (a Act) SignPIN(key ed25519.PrivateKey) Act {
	a.Pin = b64(ed25519.Sign(key, a.Digest()))
	return a
}

// PINOK tells whether the PIN key signed this very act.
func (a Act) PINOK(key ed25519.PublicKey) bool { return pinSigned(key, a.Digest(), a.Pin) }

// SignAct signs the act with the device key.
func SignAct(key crypto.Signer, a Act) (string, error) {
	if err := a.wellFormed(); err != nil {
		return "", err
	}
	return sign(key, typAct, a.Device, a)
}

// SignedAct is an act that was read but whose signatures nobody checked.
type SignedAct struct {
	Act    Act
	signed signed
}

// ParseAct reads a signed act as strictly as an answer.
// Errors: fault.Invalid with PF-EC-033.
func ParseAct(token string) (SignedAct, error) {
	s, err := open(token, typAct)
	if err != nil {
		return SignedAct{}, err
	}
	a, err := Decode[Act](s.payload)
	if err != nil {
		return SignedAct{}, err
	}
	if err := a.wellFormed(); err != nil {
		return SignedAct{}, err
	}
	if s.kid != a.Device {
		return SignedAct{}, malformed("act and its header name two devices")
	}
	return SignedAct{Act: a, signed: s}, nil
}

// Verify checks the device key's signature; only then may anything be believed.
// Errors: fault.Denied with PF-EC-030.
func (s SignedAct) Verify(key *ecdsa.PublicKey) error { return s.signed.verify(key) }

// wellFormed checks what can be checked without knowing the phone.
func (a Act) wellFormed() error {
	switch {
	case a.V != Version:
		return malformed("act is of another version")
	case !text(a.Issuer, 1), !text(a.Device, 1), !text(a.Holder, 1), !text(a.Subject, 1):
		return malformed("act holds a field that is empty, too long or not printable")
	}
	if err := ratchetsWellFormed(a.Ratchets, a.Next); err != nil {
		return err
	}
	if _, err := unb64(a.Pin, ed25519.SignatureSize); err != nil {
		return err
	}
	return a.subjectWellFormed()
}

func (a Act) subjectWellFormed() error {
	switch a.Kind {
	case ActPIN, ActOffline, ActTransfer:
		_, err := unb64(a.Subject, 32)
		return err
	case ActRemove:
		_, err := unb64(a.Subject, 16)
		return err
	}
	return fault.New(fault.Invalid, CodeMalformed, "act is of an unknown kind")
}
