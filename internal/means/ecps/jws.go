package ecps

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Types of our JWS. A call can never pass for an approval nor the reverse
// (RFC 8725 3.11).
const (
	typCall      = "ecps-call+jwt"
	typAnswer    = "ecps-answer+jwt"
	typAct       = "ecps-act+jwt"
	typEnrolment = "ecps-enrolment+jwt"
)

// header is the whole protected header; a token with any other member (jwk,
// crit, x5u, b64, ...) is refused, so a token can never bring its own key.
type header struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Typ string `json:"typ"`
}

// signed is a JWS that was read but not yet verified.
type signed struct {
	kid     string
	payload []byte
	object  *jose.JSONWebSignature
}

// sign makes a compact ES256 JWS (RFC 7515, RFC 7518 3.4). The key may live in
// hardware: only its Sign method is used.
func sign(key crypto.Signer, typ, kid string, message any) (string, error) {
	if _, ok := key.Public().(*ecdsa.PublicKey); !ok {
		return "", fault.New(fault.Invalid, CodeMalformed, "a device key is an ECDSA key")
	}
	payload, err := encode(message)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: cryptosigner.Opaque(key)},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", kid))
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "no signer for the device key", err)
	}
	object, err := signer.Sign(payload)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "the device key did not sign", err)
	}
	return object.CompactSerialize()
}

// open reads a compact JWS strictly: size, alphabet, exact header, ES256 only.
func open(token, typ string) (signed, error) {
	if len(token) > maxToken {
		return signed{}, malformed("signed message is too long")
	}
	if strings.Count(token, ".") != 2 || strings.ContainsFunc(token, notCompact) {
		return signed{}, malformed("signed message is not a compact JWS")
	}
	object, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return signed{}, fault.Wrap(fault.Invalid, CodeMalformed, "signed message cannot be read", err)
	}
	var plain []byte
	for i, part := range strings.Split(token, ".") {
		b, err := strictBase64(part)
		if err != nil {
			return signed{}, err
		}
		if i == 0 {
			plain = b
		}
	}
	h, err := Decode[header](plain)
	if err != nil {
		return signed{}, err
	}
	if h.Alg != string(jose.ES256) || h.Typ != typ || !text(h.Kid, 1) {
		return signed{}, malformed("signed message is of another type")
	}
	return signed{kid: h.Kid, payload: object.UnsafePayloadWithoutVerification(), object: object}, nil
}

// verify checks the signature with a key that does not come from the message.
func (s signed) verify(key *ecdsa.PublicKey) error {
	if key == nil || s.object == nil || key.Curve != elliptic.P256() {
		return fault.New(fault.Denied, CodeCall, "signature cannot be verified")
	}
	if _, err := s.object.Verify(key); err != nil {
		return fault.Wrap(fault.Denied, CodeCall, "signature is wrong", err)
	}
	return nil
}

func notCompact(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}
