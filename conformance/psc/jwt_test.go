package psc

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"testing"
)

// token is a JWT taken apart without a library.
type token struct {
	document
	header    document
	signed    string
	signature []byte
}

func parse(t *testing.T, text string) token {
	t.Helper()
	part := strings.Split(text, ".")
	if len(part) != 3 {
		t.Fatalf("a JWT has three parts, this has %d: %s", len(part), text)
	}
	j := token{signed: part[0] + "." + part[1], signature: decode(t, part[2])}
	for i, into := range []*document{&j.header, &j.document} {
		if err := json.Unmarshal(decode(t, part[i]), into); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return raw
}

// three opens the tokens of one answer.
func three(t *testing.T, answer reply) (access, id, refresh token) {
	t.Helper()
	return parse(t, answer.text(t, "access_token")), parse(t, answer.text(t, "id_token")), parse(t, answer.text(t, "refresh_token"))
}

// key reads the key set as a client does and finds a key by its id; nil if it
// is not published.
func (s *software) key(kid any) document {
	s.t.Helper()
	set := s.send(http.MethodGet, realm(protocol+"/certs"), "")
	keys, _ := set.document["keys"].([]any)
	if len(keys) == 0 {
		s.t.Fatalf("no keys: %s", set.raw)
	}
	for _, k := range keys {
		if key, _ := k.(map[string]any); key["kid"] == kid {
			return key
		}
	}
	return nil
}

// verify holds a token to what all real ones are: RS256, RSA of 2048 bits, a
// header of three members (section 1.8).
func (s *software) verify(name string, j token) {
	s.t.Helper()
	j.header.exactly(s.t, "alg", "typ", "kid")
	if j.header["alg"] != "RS256" || j.header["typ"] != "JWT" {
		s.t.Errorf("%s: header %v", name, j.header)
	}
	key := s.key(j.header["kid"])
	if key == nil {
		s.t.Fatalf("%s: the key %v is not published", name, j.header["kid"])
	}
	public := &rsa.PublicKey{
		N: new(big.Int).SetBytes(decode(s.t, key.text(s.t, "n"))),
		E: int(new(big.Int).SetBytes(decode(s.t, key.text(s.t, "e"))).Int64()),
	}
	sum := sha256.Sum256([]byte(j.signed))
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], j.signature); err != nil {
		s.t.Errorf("%s: %v", name, err)
	}
	if public.N.BitLen() != 2048 || key["kty"] != "RSA" || key["use"] != "sig" || key["alg"] != "RS256" {
		s.t.Errorf("%s: key of %d bits: %v", name, public.N.BitLen(), key)
	}
}
