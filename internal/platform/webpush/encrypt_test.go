package webpush

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

// The example of RFC 8291 section 5, made with the keys of its appendix A.
func TestExampleOfRFC8291(t *testing.T) {
	b64 := base64.RawURLEncoding
	raw := func(s string) []byte {
		b, err := b64.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	own, err := ecdh.P256().NewPrivateKey(raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	s := Subscription{
		P256DH: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
		Auth:   "BTBZMqHH6r4Tts7J_aSIgg",
	}
	body, err := encryptWith(s, []byte("When I grow up, I want to be a watermelon"), own, raw("DGv6ra1nlYgDCS1FRnbzlw"), 0)
	if err != nil {
		t.Fatal(err)
	}
	const want = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if got := b64.EncodeToString(body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestNonceIsNotUsedTwice: two payloads under one salt and key would give both away.
func TestNonceIsNotUsedTwice(t *testing.T) {
	s := browserKeys(t)
	seen := map[string]bool{}
	for range 50 {
		body, err := encrypt(s, []byte("same"), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if head := string(body[:headSize]); seen[head] || seen[head[:saltSize]] || seen[head[saltSize:]] {
			t.Fatal("a salt or a key served twice")
		} else {
			seen[head], seen[head[:saltSize]], seen[head[saltSize:]] = true, true, true
		}
	}
	if _, err := encrypt(s, nil, bytes.NewReader(nil)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without randomness: %v", err)
	}
	if _, err := encrypt(s, make([]byte, MaxPayload+1), rand.Reader); !fault.Is(err, fault.Invalid) {
		t.Errorf("too large: %v", err)
	}
}

func browserKeys(t testing.TB) Subscription {
	t.Helper()
	key, err := newKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return Subscription{ID: "phone", Endpoint: "https://push.exemple.invalid/x", P256DH: b64(key.PublicKey().Bytes()), Auth: b64(make([]byte, 16))}
}
