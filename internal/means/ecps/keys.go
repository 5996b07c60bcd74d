package ecps

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"

	"github.com/egide-id/egide/internal/platform/fault"
)

const p256Point = 65 // uncompressed SEC 1 point, as WebCrypto exports "raw"

// EncodeDeviceKey gives the wire form of a device's public key.
func EncodeDeviceKey(key *ecdsa.PublicKey) (string, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return "", malformed("a device key is on P-256")
	}
	b, err := key.Bytes()
	if err != nil {
		return "", fault.Wrap(fault.Invalid, CodeMalformed, "device key cannot be encoded", err)
	}
	return b64(b), nil
}

// DecodeDeviceKey reads it; the point is checked to lie on the curve.
func DecodeDeviceKey(s string) (*ecdsa.PublicKey, error) {
	b, err := unb64(s, p256Point)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, CodeMalformed, "device key is not a point of P-256", err)
	}
	return key, nil
}

// EncodePINKey gives the wire form of a PIN key's public half.
func EncodePINKey(key ed25519.PublicKey) string { return b64(key) }

// DecodePINKey reads it.
func DecodePINKey(s string) (ed25519.PublicKey, error) {
	b, err := unb64(s, ed25519.PublicKeySize)
	return ed25519.PublicKey(b), err
}

func strictBase64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, malformed("signed message is not strict base64url")
	}
	return b, nil
}
