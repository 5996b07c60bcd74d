package desk

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Own is a service's own registration, with what is told once.
type Own struct {
	Kept
	Secret string // the client secret, when one was made
	Token  string // the registration access token (RFC 7592), when one was made
}

// Allowed looks at an initial token without using it: a stranger must not learn
// what is wrong with his metadata, nor make us fetch anything.
func (d *Desk) Allowed(ctx context.Context, token string) error {
	_, err := d.grant(ctx, d.DB.Read(), token)
	return err
}

func (d *Desk) grant(ctx context.Context, from reader, token string) (InitialToken, error) {
	t, err := scanToken(from.QueryRowContext(ctx, `SELECT `+rightColumns+` FROM initial_tokens
		WHERE hash = $1 AND uses_left > 0 AND expires_at > $2 AND revoked_at = 0`, hash(token), d.now()).Scan)
	return t, tokenFault(err)
}

// Register registers a service by an initial token. What the draft says of the
// house's own matters (profile, owner, purpose, consent) is replaced by what the
// token grants. The token loses its use in the transaction that registers.
func (d *Desk) Register(ctx context.Context, token string, draft client.Client) (Own, error) {
	t, err := d.grant(ctx, d.DB.Read(), token)
	if err != nil {
		return Own{}, err
	}
	if err := t.bind(&draft); err != nil {
		return Own{}, err
	}
	if draft.ID, err = d.newID(); err != nil {
		return Own{}, err
	}
	access, err := client.NewSecret(d.Rand)
	if err != nil {
		return Own{}, err
	}
	act := Act{Operator: "client:" + draft.ID, Reason: "registration", token: t.ID}
	kept, secret, err := d.add(ctx, act, &draft, row{tokenHash: hash(access), invitedBy: t.ID}, func(ctx context.Context, tx *sql.Tx) error {
		_, err := d.use(ctx, tx, token)
		return err
	})
	if err != nil {
		return Own{}, err
	}
	return Own{Kept: kept, Secret: secret, Token: access}, nil
}

// bind holds a draft to what its token grants.
func (t InitialToken) bind(c *client.Client) error {
	c.Profile, c.Owner, c.Purpose, c.Disabled = client.ProfileOIDC, t.Owner, t.Purpose, false
	c.Requests.Consent = !t.Trusted
	if c.Scopes == nil && (c.GrantTypes == nil || c.AllowsGrant(client.GrantCode)) {
		c.Scopes = t.Scopes
	}
	for _, s := range c.Scopes {
		if !slices.Contains(t.Scopes, s) {
			return &Broken{
				Faults: []client.Fault{{Path: "scopes", Message: "asks for more than the initial access token grants: " + strings.Join(t.Scopes, " ")}},
				cause:  fault.New(fault.Invalid, codeFaults, "the scope goes beyond what the initial access token grants"),
			}
		}
	}
	return nil
}

func (d *Desk) newID() (string, error) {
	s, err := client.NewSecret(d.Rand)
	if err != nil {
		return "", err
	}
	return "dyn-" + s[:22], nil // 132 random bits: nobody meets another's
}

// Self finds the registration that a registration access token is for. An
// unknown client, one without a token and a wrong token are the same refusal
// (RFC 7592 3). One that was disabled may not look either.
func (d *Desk) Self(ctx context.Context, id, token string) (Own, error) {
	r, err := read(ctx, d.DB.Read(), id)
	if fault.Is(err, fault.NotFound) {
		err = nil // goes the same way, and fails
	}
	if err != nil {
		return Own{}, err
	}
	if err := r.opens(token); err != nil {
		return Own{}, err
	}
	return Own{Kept: r.kept()}, nil
}

// nobody is as long as a hash and the hash of nothing known.
const nobody = "0000000000000000000000000000000000000000000000000000000000000000"

func (r row) opens(token string) error {
	want := r.tokenHash
	if want == "" {
		want = nobody
	}
	if subtle.ConstantTimeCompare([]byte(hash(token)), []byte(want)) != 1 || r.client == nil || r.client.Disabled {
		return fault.New(fault.Denied, codeRight, "the registration access token is not this client's")
	}
	return nil
}

// Rewrite replaces a service's own registration (RFC 7592 2.2). The registration
// access token is replaced with it: one that leaked is good until the service
// next writes, and no longer.
func (d *Desk) Rewrite(ctx context.Context, id, token, secret string, draft client.Client) (Own, error) {
	r, err := read(ctx, d.DB.Read(), id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Own{}, err
	}
	if err := r.opens(token); err != nil {
		return Own{}, err
	}
	if secret != "" && !slices.Contains(r.client.SecretHashes, hash(secret)) {
		return Own{}, &Broken{
			Faults: []client.Fault{{Path: "client_secret", Message: "is not the one in use: a service does not choose its secret"}},
			cause:  fault.New(fault.Invalid, codeFaults, "client_secret is not the one in use"),
		}
	}
	t, err := scanToken(d.DB.Read().QueryRowContext(ctx, `SELECT `+rightColumns+` FROM initial_tokens WHERE id = $1`, r.invitedBy).Scan)
	if err != nil {
		return Own{}, tokenFault(err)
	}
	draft.ID = id
	if err := t.bind(&draft); err != nil {
		return Own{}, err
	}
	access, err := client.NewSecret(d.Rand)
	if err != nil {
		return Own{}, err
	}
	// The version binds the write to what was judged above: one winner.
	kept, made, err := d.put(ctx, Act{Operator: "client:" + id, Reason: "registration", token: t.ID}, id, r.version, &draft, func(r *row) error {
		r.tokenHash = hash(access)
		return nil
	})
	if err != nil {
		return Own{}, err
	}
	return Own{Kept: kept, Secret: made, Token: access}, nil
}

// Leave takes a service's own registration out (RFC 7592 2.3). Its identifier is
// never given again.
func (d *Desk) Leave(ctx context.Context, id, token string) error {
	traced := false
	return d.tx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		r, err := read(ctx, tx, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := r.opens(token); err != nil {
			return err
		}
		c := r.client
		r.tokenHash = ""
		if err := replace(ctx, tx, id, nil, r, d.now()); err != nil {
			return err
		}
		return d.traceClient(ctx, &traced, Act{Operator: "client:" + id, Reason: "registration", token: r.invitedBy}, c, "removed")
	})
}
