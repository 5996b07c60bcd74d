package desk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Bounds of a right to register.
const (
	MaxUses     = 1000
	MaxLifetime = 90 * 24 * time.Hour
)

// Grant is a right to register: an initial access token (RFC 7591 3) as asked.
type Grant struct {
	Owner    string        // legal person answerable for what registers
	Purpose  string        // what for; it becomes the purpose of the registration
	Scopes   []string      // at most these
	Trusted  bool          // a service of the sector: persons are not asked for consent
	Uses     int64         // registrations it is good for
	Lifetime time.Duration // from now
}

// InitialToken is a right to register as kept: never the token itself.
type InitialToken struct {
	ID        string
	Owner     string
	Purpose   string
	Scopes    []string
	Trusted   bool
	UsesLeft  int64
	ExpiresAt time.Time
	RevokedAt time.Time // zero while it was not taken back
	MadeBy    string
	MadeAt    time.Time
}

func (g Grant) check() error {
	refuse := func(detail string) error { return fault.New(fault.Invalid, codeRight, detail) }
	for i, s := range g.Scopes {
		if !client.KnownScope(s) || slices.Contains(g.Scopes[:i], s) {
			return refuse("an initial token names each of its scopes once, and only scopes that exist")
		}
	}
	switch {
	case !plain(g.Owner) || !plain(g.Purpose):
		return refuse("an initial token names the owner of what registers and its purpose, at most 200 printable bytes each")
	case len(g.Scopes) == 0:
		return refuse("an initial token names at least one scope")
	case g.Uses < 1 || g.Uses > MaxUses:
		return refuse("an initial token is good for 1 to 1000 registrations")
	case g.Lifetime < time.Minute || g.Lifetime > MaxLifetime:
		return refuse("an initial token lives between 1m0s and 2160h0m0s")
	}
	return nil
}

// Invite gives a right to register. The token is shown here and never again.
func (d *Desk) Invite(ctx context.Context, a Act, g Grant) (InitialToken, string, error) {
	if err := a.check(); err != nil {
		return InitialToken{}, "", err
	}
	if err := g.check(); err != nil {
		return InitialToken{}, "", err
	}
	token, err := client.NewSecret(d.Rand)
	if err != nil {
		return InitialToken{}, "", err
	}
	id, err := d.reference()
	if err != nil {
		return InitialToken{}, "", err
	}
	now := d.Clock.Now()
	t := InitialToken{
		ID: id, Owner: g.Owner, Purpose: g.Purpose, Scopes: slices.Clone(g.Scopes), Trusted: g.Trusted, UsesLeft: g.Uses,
		ExpiresAt: now.Add(g.Lifetime).Truncate(time.Millisecond), MadeBy: a.Operator, MadeAt: now.Truncate(time.Millisecond),
	}
	traced := false
	err = d.DB.Tx(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO initial_tokens
			(id, hash, owner, purpose, scopes, consent, uses_left, expires_at, revoked_at, made_by, made_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10)`,
			t.ID, hash(token), t.Owner, t.Purpose, strings.Join(t.Scopes, " "), bit(!t.Trusted), t.UsesLeft, t.ExpiresAt.UnixMilli(), t.MadeBy, t.MadeAt.UnixMilli()); err != nil {
			return db.Fault(err)
		}
		return d.trace(ctx, &traced, audit.InitialTokenChanged{
			Token: t.ID, Change: "issued", Owner: t.Owner, Uses: t.UsesLeft, Operator: a.Operator, Reason: a.Reason,
		})
	})
	if err != nil {
		return InitialToken{}, "", err
	}
	return t, token, nil
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// reference is a short random name for people and traces.
func (d *Desk) reference() (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(d.Rand, b[:]); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	return fmt.Sprintf("%x", b), nil
}

const rightColumns = `id, owner, purpose, scopes, consent, uses_left, expires_at, revoked_at, made_by, made_at`

func scanToken(scan func(...any) error) (InitialToken, error) {
	var t InitialToken
	var scopes string
	var consent, expires, revoked, made int64
	if err := scan(&t.ID, &t.Owner, &t.Purpose, &scopes, &consent, &t.UsesLeft, &expires, &revoked, &t.MadeBy, &made); err != nil {
		return InitialToken{}, err
	}
	t.Scopes, t.Trusted = strings.Fields(scopes), consent == 0
	t.ExpiresAt, t.RevokedAt, t.MadeAt = moment(expires), moment(revoked), moment(made)
	return t, nil
}

// Invitations lists the rights to register, the newest first.
func (d *Desk) Invitations(ctx context.Context) ([]InitialToken, error) {
	rows, err := d.DB.Read().QueryContext(ctx, `SELECT `+rightColumns+` FROM initial_tokens ORDER BY made_at DESC, id LIMIT 1000`)
	if err != nil {
		return nil, db.Fault(err)
	}
	defer func() { _ = rows.Close() }()
	out := []InitialToken{}
	for rows.Next() {
		t, err := scanToken(rows.Scan)
		if err != nil {
			return nil, db.Fault(err)
		}
		out = append(out, t)
	}
	return out, db.Fault(rows.Err())
}

// Revoke takes a right to register back. Twice is as good as once.
func (d *Desk) Revoke(ctx context.Context, a Act, id string) (InitialToken, error) {
	if err := a.check(); err != nil {
		return InitialToken{}, err
	}
	var t InitialToken
	traced := false
	err := d.DB.Tx(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
		var err error
		t, err = scanToken(tx.QueryRowContext(ctx, `SELECT `+rightColumns+` FROM initial_tokens WHERE id = $1`, id).Scan)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fault.New(fault.NotFound, codeNone, "no such initial token")
		case err != nil:
			return db.Fault(err)
		case !t.RevokedAt.IsZero():
			return nil
		}
		now := d.now()
		if _, err := tx.ExecContext(ctx, `UPDATE initial_tokens SET revoked_at = $2 WHERE id = $1`, id, now); err != nil {
			return db.Fault(err)
		}
		t.RevokedAt = moment(now)
		return d.trace(ctx, &traced, audit.InitialTokenChanged{Token: id, Change: "revoked", Owner: t.Owner, Operator: a.Operator, Reason: a.Reason})
	})
	if err != nil {
		return InitialToken{}, err
	}
	return t, nil
}

// use takes one registration off a right, if it is good: one statement, so that
// the last use has one winner on any number of nodes.
func (d *Desk) use(ctx context.Context, tx *sql.Tx, token string) (InitialToken, error) {
	t, err := scanToken(tx.QueryRowContext(ctx, `UPDATE initial_tokens SET uses_left = uses_left - 1
		WHERE hash = $1 AND uses_left > 0 AND expires_at > $2 AND revoked_at = 0 RETURNING `+rightColumns, hash(token), d.now()).Scan)
	return t, tokenFault(err)
}

func tokenFault(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.Denied, codeRight, "the initial access token is unknown, used, expired or taken back")
	}
	return db.Fault(err)
}
