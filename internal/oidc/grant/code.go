package grant

import (
	"context"
	"io"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Code is what an authorization code stands for: everything it is bound to
// (TK1). The fields become empty when it is redeemed; Family stays.
type Code struct {
	ClientID      string                `json:"client,omitempty"`
	RedirectURI   string                `json:"redirect,omitempty"`
	CodeChallenge string                `json:"challenge,omitempty"` // S256; empty when none was sent
	Nonce         string                `json:"nonce,omitempty"`
	Scope         []string              `json:"scope,omitempty"`
	Claims        Claims                `json:"claims,omitzero"`
	ACR           string                `json:"acr,omitempty"`
	SID           string                `json:"sid,omitempty"`
	Auth          *authn.Authentication `json:"auth,omitempty"`
	SessionEnds   time.Time             `json:"ends,omitzero"`

	Family  string    `json:"family"` // of the tokens it opens; chosen with the code
	Issued  time.Time `json:"issued,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	Spent   bool      `json:"spent,omitempty"`
}

// spend is the one transition of a code.
func (c *Code) spend(now time.Time) error {
	if c.Spent {
		return fault.New(fault.Used, "", "the code has already been redeemed")
	}
	if !now.Before(c.Expires) {
		return fault.New(fault.Expired, "", "the code has expired")
	}
	*c = Code{Family: c.Family, Spent: true} // a tombstone needs no personal data
	return nil
}

// Codes issues and redeems authorization codes.
type Codes struct {
	records         store.Records[Code]
	clock           clock.Clock
	rand            io.Reader
	life, tombstone time.Duration
}

// NewCodes makes the codes.
func NewCodes(d Deps) *Codes {
	l := d.Lifetimes.OrDefaults()
	return &Codes{records: store.NewRecords[Code](d.KV, "code"), clock: d.Clock, rand: d.Rand, life: l.Code, tombstone: l.Refresh}
}

// Issue makes a code and chooses the family of the tokens it will open. A
// client's own lifetime goes in Expires; zero takes the default.
func (s *Codes) Issue(ctx context.Context, c Code) (string, error) {
	code, err := Random(s.rand)
	if err != nil {
		return "", err
	}
	if c.Family == "" {
		if c.Family, err = NewFamilyID(s.rand); err != nil {
			return "", err
		}
	}
	now := s.clock.Now()
	c.Issued = now
	if c.Expires.IsZero() {
		c.Expires = now.Add(s.life)
	}
	return code, s.records.Put(ctx, Hash(code), c, c.Expires.Sub(now))
}

// Redeem consumes a code: of any number of callers one gets it, in one atomic
// step that leaves a tombstone for as long as its tokens can live unrefreshed.
// Every other caller gets fault.Used and a Code whose Family he must revoke
// (TK2, RFC 6749 4.1.2): somebody else has seen that code.
//
// Client, redirect URI and PKCE are compared by the caller afterwards: whoever
// presents a code ends it, so that nobody can try verifiers on it.
func (s *Codes) Redeem(ctx context.Context, code string) (Code, error) {
	if !canonical(code) {
		return Code{}, unknownCode()
	}
	var before Code
	after, err := s.records.Update(ctx, Hash(code), func(c *Code) (time.Duration, error) {
		before = *c
		if err := c.spend(s.clock.Now()); err != nil {
			return 0, err
		}
		return s.tombstone, nil
	})
	switch {
	case err == nil:
		return before, nil
	case fault.Is(err, fault.Used):
		return Code{Family: after.Family, Spent: true}, err
	case fault.Is(err, fault.NotFound):
		return Code{}, unknownCode()
	}
	return Code{}, err
}

func unknownCode() error { return fault.New(fault.NotFound, "", "no such code") }
