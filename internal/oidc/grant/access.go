package grant

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Kind says what a stored token is for, so that one can never be taken for
// another (architecture, point 11).
type Kind string

// The kinds of access token: a person's, or a service's own (client
// credentials), which has no family and names nobody.
const (
	KindPerson  Kind = "person"
	KindService Kind = "service"
)

// Binding says what a caller must prove besides having a token; zero binds to
// nothing.
type Binding struct {
	Certificate string `json:"x5t,omitempty"` // its thumbprint (RFC 8705 3.1)
}

// Token is an access token as the store knows it, under the hash of its text.
// What belongs to the login stands once, in the family.
type Token struct {
	Kind       Kind      `json:"kind"`
	Family     string    `json:"family,omitempty"` // empty for KindService
	ClientID   string    `json:"client"`
	ID         string    `json:"jti,omitempty"`
	Scope      []string  `json:"scope,omitempty"`
	Generation uint64    `json:"gen,omitempty"` // of the family when it was made
	Kid        string    `json:"kid,omitempty"` // of the key that signed it; empty for an opaque one
	Via        string    `json:"via,omitempty"` // of the key of the refresh token it was got with
	Issued     time.Time `json:"issued"`
	Expires    time.Time `json:"expires"`
	Binding    Binding   `json:"bound,omitzero"`
}

// PutAccess stores an access token under the hash of its text, until it expires.
func (t *Tokens) PutAccess(ctx context.Context, token string, v Token) error {
	life := v.Expires.Sub(t.clock.Now())
	if life <= 0 {
		return fault.New(fault.Expired, "", "the access token has expired")
	}
	return t.access.Put(ctx, Hash(token), v, life)
}

// Access finds a live access token and its family (the zero Family for a
// service's own). fault.NotFound for whatever is unknown, expired or revoked:
// callers need not tell these apart and outsiders must not.
func (t *Tokens) Access(ctx context.Context, token string) (Token, Family, error) {
	v, err := t.access.Get(ctx, Hash(token))
	if err != nil {
		return Token{}, Family{}, err
	}
	if !t.clock.Now().Before(v.Expires) {
		return Token{}, Family{}, deadToken(nil)
	}
	if v.Kind == KindService {
		return v, Family{}, nil
	}
	f, err := t.Family(ctx, v.Family)
	if fault.Is(err, fault.Used) || fault.Is(err, fault.Expired) {
		return Token{}, Family{}, deadToken(err)
	}
	return v, f, err
}

// RevokeAccess ends one access token. Its family lives on (RFC 7009 2.1).
func (t *Tokens) RevokeAccess(ctx context.Context, token string) error {
	return t.access.Delete(ctx, Hash(token))
}

func deadToken(cause error) error {
	return fault.Wrap(fault.NotFound, "", "no such token", cause)
}
