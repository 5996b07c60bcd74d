package cps

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Message gives the bytes that are signed:
//
//	"cps-auth:1" 00 || SHA-256(origin) || SHA-256(challenge JWS) || SHA-256(certificate DER)
//
// Lengths after the tag are fixed, so that no two logins share a message, and
// the tag keeps it apart from a TLS client authentication by the same key.
func Message(origin, challenge string, certificate []byte) []byte {
	return messageOf(origin, Digest(challenge), certificate)
}

func messageOf(origin string, challenge [32]byte, certificate []byte) []byte {
	o, c := sha256.Sum256([]byte(origin)), sha256.Sum256(certificate)
	m := make([]byte, 0, len(Protocol)+1+3*sha256.Size)
	m = append(m, Protocol...)
	m = append(m, 0)
	m = append(m, o[:]...)
	m = append(m, challenge[:]...)
	return append(m, c[:]...)
}

// digestInfoSHA256 begins every DigestInfo of SHA-256 (RFC 8017 section 9.2, note 1).
const digestInfoSHA256 = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

// DigestInfo gives the 51 bytes that a card pads and signs for a message [C].
func DigestInfo(message []byte) []byte {
	sum := sha256.Sum256(message)
	return append([]byte(digestInfoSHA256), sum[:]...)
}

// Answer is what a bridge gives the page and the page gives the provider.
type Answer struct {
	Protocol    string     `json:"protocol"`
	Origin      string     `json:"origin"`      // as the bridge saw it; the provider never believes it
	Algorithm   string     `json:"algorithm"`   // "RS256"
	Certificate string     `json:"certificate"` // base64 of the DER
	Signature   string     `json:"signature"`   // base64url without padding
	Card        AnswerCard `json:"card"`
	Bridge      string     `json:"bridge"` // version of the bridge
}

// AnswerCard describes the card, for diagnosis; nothing is decided by it.
type AnswerCard struct {
	Type      string `json:"type"`      // cps3 | cps4
	Interface string `json:"interface"` // contact
}

// Algorithm is the only one of the protocol: RSASSA-PKCS1-v1_5 with SHA-256.
const Algorithm = "RS256"

// NewAnswer puts an answer together.
func NewAnswer(origin string, certificate, signature []byte, card AnswerCard, bridge string) Answer {
	return Answer{
		Protocol: Protocol, Origin: origin, Algorithm: Algorithm,
		Certificate: base64.StdEncoding.EncodeToString(certificate),
		Signature:   base64.RawURLEncoding.EncodeToString(signature), Card: card, Bridge: bridge,
	}
}

// ReadAnswer reads an answer strictly and gives the certificate (DER) and the
// signature in it. Errors: fault.Invalid with CodeAnswerInvalid.
func ReadAnswer(body []byte) (a Answer, certificate, signature []byte, err error) {
	bad := func(detail string, cause error) (Answer, []byte, []byte, error) {
		return Answer{}, nil, nil, fault.Wrap(fault.Invalid, CodeAnswerInvalid, "answer: "+detail, cause)
	}
	if len(body) > MaxBody {
		return bad("too long", nil)
	}
	if err := strictJSON(body, &a); err != nil {
		return bad("cannot be read", err)
	}
	if a.Protocol != Protocol || a.Algorithm != Algorithm {
		return bad("of another protocol", nil)
	}
	certificate, exact := decode(base64.StdEncoding, a.Certificate)
	if !exact || len(certificate) == 0 {
		return bad("certificate is not base64", nil)
	}
	if signature, exact = decode(base64.RawURLEncoding, a.Signature); !exact || len(signature) == 0 {
		return bad("signature is not base64url", nil)
	}
	return a, certificate, signature, nil
}

// decode takes the one spelling that encoding gives; the library passes over
// line ends, even when it is strict, and otherwise over stray bits.
func decode(e *base64.Encoding, s string) (b []byte, exact bool) {
	b, err := e.DecodeString(s)
	return b, err == nil && e.EncodeToString(b) == s
}

// strictJSON reads one object with nothing unknown in it and nothing after it.
func strictJSON(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}
