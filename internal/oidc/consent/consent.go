// Package consent remembers what a person allowed a service to be told.
//
// Inside the sector nobody is asked: the law and the service's own authorization
// say what it may know. A service outside is registered with consent, and then
// nothing is told before the person has said yes, once for each claim and for
// 180 days. The answer is bound to the legal person behind the service and to its
// purpose: when either changes, the question is another one. The proof of what
// was said stands in the traces; what stands here only spares the person the
// same question.
package consent

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
)

// life is how long a yes holds. Six months is what the CNIL recommends as the
// time after which to ask again.
const life = 180 * 24 * time.Hour

// Consents keeps the answers. Safe for concurrent use.
type Consents struct {
	db    *db.DB
	clock clock.Clock
}

// New opens the table.
func New(durable *db.DB, c clock.Clock) *Consents { return &Consents{db: durable, clock: c} }

// Question is what a service would be told about a person.
type Question struct {
	Client *client.Client
	Claims []string // sorted, each once
}

// Ask puts the question of one request: what its scopes tell, what it asks by
// name, and sub, which every answer has.
func Ask(c *client.Client, scope []string, asked grant.Claims) Question {
	told := append(claims.Told(c, scope, slices.Concat(asked.IDToken, asked.UserInfo)), "sub")
	slices.Sort(told)
	return Question{Client: c, Claims: slices.Compact(told)}
}

// terms is the fingerprint of whom and for what.
func (q Question) terms() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", q.Client.Owner, q.Client.Purpose))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Given tells whether the person has said yes to all of it, not too long ago.
// Errors: fault.Unavailable; nothing may be told then.
func (s *Consents) Given(ctx context.Context, sub string, q Question) (bool, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT claim FROM consents WHERE sub = $1 AND client = $2 AND terms = $3 AND given_at > $4`,
		sub, q.Client.ID, q.terms(), s.clock.Now().Add(-life).UnixMilli())
	if err != nil {
		return false, db.Fault(err)
	}
	defer func() { _ = rows.Close() }()
	held := map[string]bool{}
	for rows.Next() {
		var claim string
		if err := rows.Scan(&claim); err != nil {
			return false, db.Fault(err)
		}
		held[claim] = true
	}
	if err := rows.Err(); err != nil {
		return false, db.Fault(err)
	}
	missing := slices.ContainsFunc(q.Claims, func(claim string) bool { return !held[claim] })
	return !missing, nil
}

// Give records a yes; the caller has traced it.
func (s *Consents) Give(ctx context.Context, sub string, q Question) error {
	terms, now := q.terms(), s.clock.Now().UnixMilli()
	return s.db.Tx(ctx, func(tx *sql.Tx) error {
		for _, claim := range q.Claims {
			_, err := tx.ExecContext(ctx, `INSERT INTO consents (sub, client, claim, terms, given_at) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (sub, client, claim) DO UPDATE SET terms = excluded.terms, given_at = excluded.given_at`, sub, q.Client.ID, claim, terms, now)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
