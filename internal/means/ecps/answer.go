package ecps

import (
	"crypto"
	"crypto/ecdsa"
)

// SignAnswer signs the answer with the device key.
func SignAnswer(key crypto.Signer, a Answer) (string, error) {
	if err := a.wellFormed(); err != nil {
		return "", err
	}
	return sign(key, typAnswer, a.Device, a)
}

// SignedAnswer is an answer that was read but whose signatures nobody checked.
type SignedAnswer struct {
	Answer Answer
	signed signed
}

// ParseAnswer reads a signed answer strictly: compact JWS of our type, ES256,
// canonical JSON, every field well formed.
// Errors: fault.Invalid with PF-EC-033.
func ParseAnswer(token string) (SignedAnswer, error) {
	s, err := open(token, typAnswer)
	if err != nil {
		return SignedAnswer{}, err
	}
	a, err := Decode[Answer](s.payload)
	if err != nil {
		return SignedAnswer{}, err
	}
	if err := a.wellFormed(); err != nil {
		return SignedAnswer{}, err
	}
	if s.kid != a.Device {
		return SignedAnswer{}, malformed("answer and its header name two devices")
	}
	return SignedAnswer{Answer: a, signed: s}, nil
}

// Verify checks the device key's signature. Only then may anything the answer
// says be believed, and only then may a wrong PIN be counted.
// Errors: fault.Denied with PF-EC-030.
func (s SignedAnswer) Verify(key *ecdsa.PublicKey) error { return s.signed.verify(key) }
