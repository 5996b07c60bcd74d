package webpush

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	tokenLife  = 12 * time.Hour // RFC 8292 section 2 allows 24; clocks of services may be off
	tokenRest  = 6 * time.Hour  // a token with less left is replaced
	heldTokens = 256            // origins: phones choose them
)

// tokens keeps one token for each push service: signing is the dear part of a
// push, and services may remember a token that they have verified (RFC 8292 4.1).
type tokens struct {
	key     *VAPIDKey
	subject string

	mu   sync.Mutex
	held map[string]token // by origin
}

type token struct {
	header string
	until  time.Time
}

// header gives the Authorization of RFC 8292 section 3 for an origin.
func (t *tokens) header(origin string, now time.Time, rand io.Reader) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// A clock that was set back must not leave a token of more than a day.
	if known, ok := t.held[origin]; ok && known.until.Sub(now) >= tokenRest && known.until.Sub(now) <= tokenLife {
		return known.header, nil
	}
	until := now.Add(tokenLife)
	signed, err := t.sign(origin, until, rand)
	if err != nil {
		return "", err
	}
	if len(t.held) >= heldTokens { // strangers' origins cost signatures, never memory
		clear(t.held)
	}
	header := "vapid t=" + signed + ", k=" + t.key.public
	t.held[origin] = token{header: header, until: until}
	return header, nil
}

// sign makes a JWT with ES256 (RFC 7515, RFC 7518 3.4).
func (t *tokens) sign(origin string, until time.Time, rand io.Reader) (string, error) {
	claims, err := json.Marshal(struct {
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
		Sub string `json:"sub"`
	}{origin, until.Unix(), t.subject})
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "push: no token", err)
	}
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + b64.EncodeToString(claims)
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand, t.key.key, digest[:])
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "push: no signature", err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + b64.EncodeToString(signature), nil
}
