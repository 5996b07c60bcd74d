// Package grant holds what a service was promised and has not yet used up:
// authorization requests, codes, token families and access tokens. Each record
// moves by named transitions only, each transition is one atomic step in the
// shared store (D2), and no transition knows HTTP, pages or traces: the feature
// that calls it records the event.
//
// Writes per flow, because a write costs a commit: code flow = one Put (code),
// one Update (redeem), one Put (family), one Update (the person's families at the
// service), one Put (access token); refresh = one Update (family), one Put (access
// token).
package grant

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Deps are what the grants need.
type Deps struct {
	KV        store.KV
	Clock     clock.Clock
	Rand      io.Reader
	Lifetimes Lifetimes
}

// Lifetimes of the records (architecture, point 15). A zero field takes its default.
type Lifetimes struct {
	Request time.Duration // 15 min
	Code    time.Duration // 60 s (TK1)
	Access  time.Duration // 120 s
	Refresh time.Duration // 30 min without a refresh
	Grace   time.Duration // 30 s in which psc gets the same successor again
}

// DefaultLifetimes are those of the recorded service.
func DefaultLifetimes() Lifetimes {
	return Lifetimes{Request: 15 * time.Minute, Code: time.Minute, Access: 2 * time.Minute, Refresh: 30 * time.Minute, Grace: 30 * time.Second}
}

// OrDefaults fills in the fields that are zero.
func (l Lifetimes) OrDefaults() Lifetimes {
	d := DefaultLifetimes()
	fill := func(dst *time.Duration, v time.Duration) {
		if *dst <= 0 {
			*dst = v
		}
	}
	fill(&l.Request, d.Request)
	fill(&l.Code, d.Code)
	fill(&l.Access, d.Access)
	fill(&l.Refresh, d.Refresh)
	fill(&l.Grace, d.Grace)
	return l
}

// Random gives a handle of 256 random bits in base64url: what codes, opaque
// tokens and request handles are.
func Random(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// Hash is how the store knows a secret value: SHA-256 in base64url. Who reads
// the store holds no code, token or cookie.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// canonical tells that a value has the shape that Random gives. Other values
// are refused before they reach the store.
func canonical(s string) bool {
	if len(s) != 43 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
