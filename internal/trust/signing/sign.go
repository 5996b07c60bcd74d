package signing

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// header is the whole JWS header of our tokens. A token with anything more in
// it is not ours.
type header struct {
	Alg jose.SignatureAlgorithm `json:"alg"`
	Typ string                  `json:"typ,omitempty"`
	Kid string                  `json:"kid"`
}

// encodeHeader gives the first part of the token with its dot. It is made once
// per key and type, not once per token: go-jose builds, encodes and decodes a
// map of the same three values at every signature.
func encodeHeader(h header) string {
	b, err := json.Marshal(h)
	if err != nil {
		panic(err) // three strings: cannot fail
	}
	return base64.RawURLEncoding.EncodeToString(b) + "."
}

// signer is a private key ready to sign for one algorithm.
type signer struct {
	alg     jose.SignatureAlgorithm
	kid     string
	key     crypto.Signer
	rand    io.Reader // for PS256
	headers sync.Map  // typ -> encoded header
}

func (s *signer) header(typ string) string {
	if h, ok := s.headers.Load(typ); ok {
		return h.(string) // only strings are stored
	}
	h := encodeHeader(header{Alg: s.alg, Typ: typ, Kid: s.kid})
	s.headers.Store(typ, h)
	return h
}

// Sign makes a compact JWS (RFC 7515 section 7.1) with the active key of an
// algorithm. typ names the kind of token ("JWT", "at+jwt", "logout+jwt").
func (k *Keys) Sign(alg jose.SignatureAlgorithm, typ string, payload []byte) (string, error) {
	s := k.set().active[alg]
	if s == nil {
		return "", errNoKey
	}
	head := s.header(typ)
	token := make([]byte, 0, len(head)+base64.RawURLEncoding.EncodedLen(len(payload))+maxSignature)
	token = append(token, head...)
	token = base64.RawURLEncoding.AppendEncode(token, payload)
	sig, err := k.timed(s, token)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "token cannot be signed", err)
	}
	token = append(token, '.')
	return string(base64.RawURLEncoding.AppendEncode(token, sig)), nil
}

// timed signs, and tells whoever counts. Real time, whatever the sandbox does to
// its clock.
func (k *Keys) timed(s *signer, input []byte) ([]byte, error) {
	if k.o.Signed == nil {
		return s.sign(input)
	}
	from := clock.System{}.Now()
	sig, err := s.sign(input)
	k.o.Signed(string(s.alg), clock.System{}.Now().Sub(from))
	return sig, err
}

const maxSignature = 1 + 342 // of RSA-2048, in base64url

func (s *signer) sign(input []byte) ([]byte, error) {
	switch s.alg {
	case jose.EdDSA:
		return s.key.Sign(nil, input, crypto.Hash(0))
	case jose.ES256:
		return signES256(s.key, input)
	case jose.PS256:
		digest := sha256.Sum256(input)
		return s.key.Sign(s.rand, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}) // RFC 7518 3.5
	default:
		digest := sha256.Sum256(input)
		return s.key.Sign(nil, digest[:], crypto.SHA256)
	}
}

// signES256 turns the DER of crypto.Signer into the two halves of 32 bytes that
// JWS wants (RFC 7518 section 3.4).
func signES256(key crypto.Signer, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	der, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	in, out := cryptobyte.String(der), make([]byte, 64)
	var r, s []byte
	if !in.ReadASN1(&in, asn1.SEQUENCE) || !in.ReadASN1Integer(&r) || !in.ReadASN1Integer(&s) ||
		len(r) > 32 || len(s) > 32 {
		return nil, fault.New(fault.Internal, "", "signature of an unknown shape")
	}
	copy(out[32-len(r):32], r)
	copy(out[64-len(s):], s)
	return out, nil
}
