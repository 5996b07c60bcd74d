package ecps

import (
	"crypto/ed25519"
	"strings"
)

// Decision is what the holder answers.
type Decision string

// The decisions.
const (
	Approve Decision = "approve"
	Refuse  Decision = "refuse"
)

// MaxRatchets bounds the values of which one must be the current ratchet.
const MaxRatchets = 4

// Answer is what the holder's phone says to one request, signed by the device
// key as a JWS. An approval carries in Pin the signature of the PIN key over
// Digest; a refusal needs no PIN, so that it is never harder than a consent.
type Answer struct {
	V           int      `json:"v"`
	Issuer      string   `json:"iss"`
	Device      string   `json:"device"`
	Holder      string   `json:"holder"`
	Service     string   `json:"service"` // client_id
	Name        string   `json:"name"`    // as the phone showed it: what is seen is what is signed
	Number      string   `json:"number"`  // picked or typed; empty in a refusal
	Asker       string   `json:"asker"`
	Place       string   `json:"place,omitempty"` // label of the workstation, where it has one
	Time        int64    `json:"time"`            // Unix seconds of the decision
	Transaction string   `json:"transaction"`
	Decision    Decision `json:"decision"`
	// Ratchets are the values of which one is current: the last confirmed one,
	// then those sent in answers that were never confirmed (PG-14; a copy of
	// the phone falls behind as soon as the other one answers).
	Ratchets []string `json:"ratchets"`
	Next     string   `json:"next"` // replaces the current ratchet
	Pin      string   `json:"pin"`  // PIN key's signature, empty in a refusal
}

// Digest is what the PIN key signs: the version as a label, then every field of
// the answer but the signature itself, each with its length before it. A place
// comes last, and only where there is one: the count of fields is part of what
// is hashed.
func (a Answer) Digest() []byte {
	fields := []string{
		a.Issuer, a.Device, a.Holder, a.Service, a.Name, a.Number, a.Asker,
		number(a.Time), a.Transaction, string(a.Decision), strings.Join(a.Ratchets, " "), a.Next,
	}
	if a.Place != "" {
		fields = append(fields, a.Place)
	}
	return digest("egide.ecps.answer.v1", fields...)
}

// SignPIN puts the PIN key's signature into the answer.
func (a Answer) SignPIN(key ed25519.PrivateKey) Answer {
	a.Pin = b64(ed25519.Sign(key, a.Digest()))
	return a
}

// PINOK tells whether the PIN key signed this very answer, that is, whether the
// PIN typed was the right one.
func (a Answer) PINOK(key ed25519.PublicKey) bool { return pinSigned(key, a.Digest(), a.Pin) }

func pinSigned(key ed25519.PublicKey, digest []byte, signature string) bool {
	sig, err := unb64(signature, ed25519.SignatureSize)
	return err == nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, digest, sig)
}

// wellFormed checks what can be checked without knowing the request.
func (a Answer) wellFormed() error {
	switch {
	case a.V != Version:
		return malformed("answer is of another version")
	case !text(a.Issuer, 1), !text(a.Device, 1), !text(a.Holder, 1), !text(a.Service, 1), !text(a.Name, 0), !text(a.Asker, 1), !text(a.Place, 0):
		return malformed("answer holds a field that is empty, too long or not printable")
	}
	if _, err := unb64(a.Transaction, 32); err != nil {
		return err
	}
	if err := ratchetsWellFormed(a.Ratchets, a.Next); err != nil {
		return err
	}
	return a.decisionWellFormed()
}

func ratchetsWellFormed(have []string, next string) error {
	if len(have) < 1 || len(have) > MaxRatchets {
		return malformed("message holds a wrong number of ratchets")
	}
	for _, secret := range append([]string{next}, have...) {
		if _, err := unb64(secret, 32); err != nil {
			return err
		}
	}
	return nil
}

func (a Answer) decisionWellFormed() error {
	switch a.Decision {
	case Approve:
		if !IsNumber(a.Number) {
			return malformed("an approval carries two digits")
		}
		_, err := unb64(a.Pin, ed25519.SignatureSize)
		return err
	case Refuse:
		if a.Number != "" || a.Pin != "" {
			return malformed("a refusal carries neither number nor PIN signature")
		}
		return nil
	}
	return malformed("answer holds an unknown decision")
}
