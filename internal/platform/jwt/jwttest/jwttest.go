// Package jwttest signs like a service, well or badly: any header over any
// payload, for the tests of whatever reads tokens.
package jwttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // digest of every algorithm here
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// Key is a pair of a service; Public is what it registers.
type Key struct {
	Alg    jose.SignatureAlgorithm
	Public jose.JSONWebKey
	Signer crypto.Signer
}

// New makes a pair for RS256, PS256, ES256 or EdDSA.
func New(t testing.TB, alg jose.SignatureAlgorithm, kid string) Key {
	t.Helper()
	var signer crypto.Signer
	var err error
	switch alg {
	case jose.ES256:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		signer, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return Of(alg, kid, signer)
}

// Of makes a pair of a key that is there.
func Of(alg jose.SignatureAlgorithm, kid string, signer crypto.Signer) Key {
	return Key{Alg: alg, Public: jose.JSONWebKey{Key: signer.Public(), KeyID: kid, Use: "sig"}, Signer: signer}
}

// Set is the key set a service publishes.
func Set(keys ...Key) *jose.JSONWebKeySet {
	set := new(jose.JSONWebKeySet)
	for _, k := range keys {
		set.Keys = append(set.Keys, k.Public)
	}
	return set
}

// Encode gives the base64url of a text as it is, or of the JSON of anything else.
func Encode(t testing.TB, v any) string {
	t.Helper()
	if text, ok := v.(string); ok {
		return base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Sign makes a compact JWS with alg, kid and typ in its header; typ may be empty.
func (k Key) Sign(t testing.TB, typ string, claims any) string {
	t.Helper()
	header := map[string]any{"alg": k.Alg, "kid": k.Public.KeyID}
	if typ != "" {
		header["typ"] = typ
	}
	return k.SignRaw(t, header, claims)
}

// SignRaw signs over exactly this header and payload.
func (k Key) SignRaw(t testing.TB, header, payload any) string {
	t.Helper()
	input := Encode(t, header) + "." + Encode(t, payload)
	sig, err := k.raw([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func (k Key) raw(input []byte) ([]byte, error) {
	h := crypto.SHA256.New()
	h.Write(input)
	digest := h.Sum(nil)
	switch key := k.Signer.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			return nil, err
		}
		sig := make([]byte, 64)
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		return sig, nil
	case *rsa.PrivateKey:
		if k.Alg == jose.PS256 {
			return rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest)
	default:
		return k.Signer.Sign(rand.Reader, input, crypto.Hash(0))
	}
}
