package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// known are the algorithms a stranger may sign with. Each caller allows fewer.
var known = []jose.SignatureAlgorithm{jose.PS256, jose.ES256, jose.EdDSA, jose.RS256}

// Sizes of RSA keys: shorter ones are too weak (RFC 7518 3.3), longer ones make
// the verifier work for whoever sends them.
const (
	minRSA = 2048
	maxRSA = 4096
)

// Signs tells whether a key is meant and able to verify an algorithm: by its
// kind, its strength, and what it says of itself (RFC 7517 4.2, 4.4).
func Signs(key jose.JSONWebKey, alg jose.SignatureAlgorithm) bool {
	if CheckKey(key) != nil || key.Use != "" && key.Use != "sig" || key.Algorithm != "" && key.Algorithm != string(alg) {
		return false
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return alg == jose.RS256 || alg == jose.PS256
	case *ecdsa.PublicKey:
		return alg == jose.ES256 && k.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}

// CheckKey tells why a key is not one that somebody may register: not public, too
// weak, too long, or of a kind unknown here.
func CheckKey(key jose.JSONWebKey) error {
	if !key.Valid() {
		return errors.New("is no usable key")
	}
	if !key.IsPublic() {
		return errors.New("is private or shared: register the public half, and make a new pair, for this one is no secret any more")
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA || k.N.BitLen() > maxRSA {
			return errors.New("must be an RSA key of 2048 to 4096 bits")
		}
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize < 256 {
			return errors.New("must be on the curve P-256 or a longer one")
		}
	case ed25519.PublicKey:
	default:
		return errors.New("must be an RSA, EC or Ed25519 key")
	}
	return nil
}
