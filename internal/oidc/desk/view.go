package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
)

// View is a registration as people and programs see it: no hash, no token.
type View struct {
	ID              string          `json:"id"`
	Place           string          `json:"place"`   // file, database or sandbox
	Version         int64           `json:"version"` // 0 outside the database
	Dynamic         bool            `json:"dynamic"`
	Disabled        bool            `json:"disabled"`
	OldSecretsUntil *time.Time      `json:"old_secrets_until"` // null: one secret, or none
	CreatedAt       *time.Time      `json:"created_at"`        // null outside the database
	ChangedAt       *time.Time      `json:"changed_at"`
	Warnings        []string        `json:"warnings"`
	Registration    json.RawMessage `json:"registration"` // the grammar of client files, in JSON
}

// View shows the registration.
func (k Kept) View() (View, error) {
	shown, err := k.Client.Shown()
	if err != nil {
		return View{}, fault.Wrap(fault.Internal, "", "a registration cannot be written", err)
	}
	v := View{
		ID: k.Client.ID, Place: k.Place, Version: k.Version, Dynamic: k.Dynamic, Disabled: k.Client.Disabled,
		OldSecretsUntil: known(k.Client.OldSecretsUntil), CreatedAt: known(k.CreatedAt), ChangedAt: known(k.ChangedAt),
		Warnings: []string{}, Registration: shown,
	}
	for _, w := range Warnings(k.Client) {
		v.Warnings = append(v.Warnings, w.Path+": "+w.Message)
	}
	return v, nil
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Warnings are what is allowed and yet should be mended, or known to whoever
// answers for the service.
func Warnings(c *client.Client) []client.Fault {
	var out []client.Fault
	warn := func(when bool, path, message string) {
		if when {
			out = append(out, client.Fault{File: c.ID, Path: path, Message: message})
		}
	}
	empty := func(s string) bool { return strings.TrimSpace(s) == "" }
	warn(empty(c.Owner), "owner", "is missing: nobody is answerable for this service")
	warn(empty(c.Contact), "contact", "is missing: nobody can be called when it fails")
	warn(empty(c.Purpose), "purpose", "is missing: the register of processing must say what the identity is for (GDPR art. 5 and 30)")
	warn(c.PKCEException != "", "pkce_exception", "stands since "+c.PKCEException+": ask the service for PKCE (PG-31)")
	warn(c.HoldsSecret() && c.Sensitive, "auth_method", "is a shared secret: a sensitive service should sign with a key of its own or show a certificate (PG-34)")
	warn(c.AllowOfflineOTP, "allow_offline_otp", "accepts the code without network, below every eidas level")
	warn(!c.OldSecretsUntil.IsZero(), "old_secrets_until", "two secrets are good for now")
	warn(len(c.SecretHashes) > 1 && c.OldSecretsUntil.IsZero(), "secret_sha256", "holds several secrets without an end: take the old ones out")
	for _, r := range claims.Matrix(c) {
		switch {
		case r.Scope == claims.ByName || len(r.Beyond) == 0:
		case len(c.Answers.Claims) == 0:
			if !slices.ContainsFunc(out, func(f client.Fault) bool { return f.Path == "claims" }) {
				warn(true, "claims", "declares no need: every claim of its scopes is told (PG-40)")
			}
		default:
			warn(true, "claims", fmt.Sprintf("scope %s tells more than the declared need: %s (PG-40)", r.Scope, strings.Join(r.Beyond, " ")))
		}
	}
	return out
}

// TokenView is a right to register as people and programs see it.
type TokenView struct {
	ID        string     `json:"id"`
	Owner     string     `json:"owner"`
	Purpose   string     `json:"purpose"`
	Scopes    []string   `json:"scopes"`
	Trusted   bool       `json:"trusted"`
	UsesLeft  int64      `json:"uses_left"`
	ExpiresAt time.Time  `json:"expires_at"`
	RevokedAt *time.Time `json:"revoked_at"` // null while it was not taken back
	MadeBy    string     `json:"made_by"`
	MadeAt    time.Time  `json:"made_at"`
}

// View shows the right.
func (t InitialToken) View() TokenView {
	return TokenView{
		ID: t.ID, Owner: t.Owner, Purpose: t.Purpose, Scopes: t.Scopes, Trusted: t.Trusted, UsesLeft: t.UsesLeft,
		ExpiresAt: t.ExpiresAt, RevokedAt: known(t.RevokedAt), MadeBy: t.MadeBy, MadeAt: t.MadeAt,
	}
}

// Views lists every registration.
func (d *Desk) Views(ctx context.Context) ([]View, error) {
	all, err := d.List(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]View, len(all))
	for i, k := range all {
		if out[i], err = k.View(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// TokenViews lists every right to register.
func (d *Desk) TokenViews(ctx context.Context) ([]TokenView, error) {
	all, err := d.Invitations(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]TokenView, len(all))
	for i, t := range all {
		out[i] = t.View()
	}
	return out, nil
}

// Matrix is the scope-by-claim matrix of every service (PG-40).
func (d *Desk) Matrix() []claims.Row {
	rows := []claims.Row{}
	for _, c := range d.Clients.All() {
		rows = append(rows, claims.Matrix(c)...)
	}
	return rows
}
