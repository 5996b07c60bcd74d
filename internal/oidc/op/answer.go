package op

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// outcome is the login that answers a request.
type outcome struct {
	sid     string
	auth    authn.Authentication
	acr     string
	session *session.Session // when the caller has just read it
}

// answer gives the service its code.
func (o *OP) answer(c echo.Context, a *asking, out outcome) error {
	code, err := o.issue(c.Request().Context(), a, out)
	if err != nil {
		return o.refuse(c, a.to, err)
	}
	state := out.sid // Keycloak's, which the recorded service sends (pro-sante-connect.md 1.4)
	if a.client.Profile != client.ProfilePSC {
		if state, err = o.sessionState(c, a); err != nil {
			return o.refuse(c, a.to, err)
		}
	}
	fields := []field{{"code", code}}
	if state != "" {
		fields = append(fields, field{"session_state", state})
	}
	return o.respond(c, a.to, fields...)
}

// issue makes the code. Its trace names the family its tokens will have, and is
// durable before the code leaves; a code that was written and not traced is
// never seen by anybody.
func (o *OP) issue(ctx context.Context, a *asking, out outcome) (string, error) {
	if out.session == nil {
		s, err := o.sessions.BySID(ctx, out.sid)
		if err != nil {
			return "", ended(err)
		}
		out.session = &s
	}
	family, err := grant.NewFamilyID(o.rand)
	if err != nil {
		return "", err
	}
	c := grant.Code{
		ClientID: a.client.ID, RedirectURI: a.to.redirectURI, CodeChallenge: a.challenge, Nonce: a.nonce,
		Scope: a.scope, Claims: a.claims, ACR: out.acr, SID: out.sid, Auth: &out.auth,
		SessionEnds: out.session.Ends, Family: family,
	}
	if life := a.client.Lifetimes.Code; life > 0 {
		c.Expires = o.clock.Now().Add(life)
	}
	code, err := o.codes.Issue(ctx, c)
	if err != nil {
		return "", err
	}
	if err := o.sessions.Keep(ctx, *out.session, a.client.ID); err != nil {
		return "", ended(err)
	}
	err = o.record(ctx, audit.CodeIssued{Subject: out.auth.Subject.String(), Client: a.client.ID, SID: out.sid, Family: family})
	if err != nil {
		return "", err
	}
	return code, nil
}

// record makes an act traceable or forbids it (HA5): without a durable trace
// the caller answers 503 and gives nothing.
func (o *OP) record(ctx context.Context, e audit.Event) error {
	if err := o.audit.Record(ctx, e); err != nil {
		return fault.Wrap(fault.Unavailable, codeUnavailable, "the act cannot be traced", err)
	}
	return nil
}

// ended words a session that is gone, so that no edge takes it for a missing grant.
func ended(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Denied, "", "the session has ended", err)
	}
	return err
}
