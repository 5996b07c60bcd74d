package portal

import (
	"context"
	"errors"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

const (
	refreshAhead = 5 * time.Second
	// turnLife outlives the work that is done in a turn, so that nobody deletes
	// the turn of another.
	turnLife = 2 * providerPatience
	turnPace = 50 * time.Millisecond
)

// fresh asks the provider again who is here: what was ended elsewhere ends here.
// Errors: fault.Denied when it is over, fault.Unavailable when nobody can tell.
func (p *Portal) fresh(ctx context.Context, key string, s session) (session, error) {
	party, err := p.provider(ctx)
	if err != nil {
		return s, err
	}
	if p.stale(s) {
		if s, err = p.renew(ctx, party, key); err != nil {
			return s, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, providerPatience)
	defer cancel()
	was := s.Holder
	s, err = p.identify(ctx, party, s)
	if err == nil && s.Holder != was {
		return s, fault.New(fault.Denied, "", "the provider names another person")
	}
	return s, err
}

func (p *Portal) stale(s session) bool { return !p.Clock.Now().Add(refreshAhead).Before(s.Expires) }

// renew changes the refresh token for new tokens: one page of a session at a
// time, on whatever node, since the provider takes a second use for a theft and
// ends the session. It finishes when the browser gives up, for the same reason.
func (p *Portal) renew(ctx context.Context, party rp.RelyingParty, key string) (session, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerPatience)
	defer cancel()
	if err := p.turn(ctx, key); err != nil {
		return session{}, err
	}
	s, err := p.renewInTurn(ctx, party, key)
	free, done := context.WithTimeout(context.WithoutCancel(ctx), providerPatience/2)
	defer done()
	return s, errors.Join(err, p.turns.Delete(free, key))
}

func (p *Portal) renewInTurn(ctx context.Context, party rp.RelyingParty, key string) (session, error) {
	s, err := p.sessions.Get(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return s, fault.New(fault.Denied, "", "the session ended meanwhile")
	}
	if err != nil || !p.stale(s) {
		return s, err // another page has renewed it
	}
	tokens, err := rp.RefreshTokens[*oidc.IDTokenClaims](context.WithValue(ctx, nonceKey{}, s.Nonce), party, s.Refresh, "", "")
	if err != nil {
		return s, ended(err)
	}
	if c := tokens.IDTokenClaims; c != nil && (c.Subject != s.Sub || c.SessionID != s.SID) {
		return s, fault.New(fault.Denied, "", "the new ID token is of another login") // Core 1.0, 12.2
	}
	return p.sessions.Update(ctx, key, func(kept *session) (time.Duration, error) {
		kept.adopt(tokens)
		return sessionLife, nil
	})
}

// turn waits until this caller alone may renew a session.
func (p *Portal) turn(ctx context.Context, key string) error {
	for {
		err := p.turns.Put(ctx, key, struct{}{}, turnLife)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		again, stop := p.Clock.After(turnPace)
		select {
		case <-again:
		case <-ctx.Done():
			stop()
			return fault.Wrap(fault.Unavailable, web.CodeSlow, "another page is still renewing this session", ctx.Err())
		}
	}
}

// adopt keeps the tokens.
func (s *session) adopt(t *oidc.Tokens[*oidc.IDTokenClaims]) {
	s.Access, s.Expires = t.AccessToken, t.Expiry
	if t.RefreshToken != "" {
		s.Refresh = t.RefreshToken
	}
	if t.IDToken != "" {
		s.IDToken = t.IDToken
	}
}

// identify asks UserInfo. Errors: fault.Denied when the provider knows the token
// no more or names another, fault.Unavailable when it does not say.
func (p *Portal) identify(ctx context.Context, party rp.RelyingParty, s session) (session, error) {
	info, err := rp.Userinfo[*oidc.UserInfo](ctx, s.Access, oidc.BearerToken, s.Sub, party)
	if err != nil {
		return s, ended(err)
	}
	id, _ := info.Claims["SubjectNameID"].(string)
	if s.Holder, err = rpps.ParseNationalID(id); err != nil {
		return s, fault.Wrap(fault.Denied, web.CodeBadClient, "the provider names nobody", err)
	}
	s.Name = info.GivenName + " " + info.FamilyName
	return s, nil
}

// ended tells a session that is over from a provider that does not answer.
func ended(err error) error {
	refused, ok := errors.AsType[*oidc.Error](err)
	over := ok && (refused.ErrorType == oidc.InvalidGrant || refused.ErrorType == "invalid_token")
	if over || errors.Is(err, rp.ErrUserInfoSubNotMatching) {
		return fault.Wrap(fault.Denied, "", "the provider ended this session", err)
	}
	return fault.Wrap(fault.Unavailable, web.CodeSlow, "the provider does not answer its own portal", err)
}
