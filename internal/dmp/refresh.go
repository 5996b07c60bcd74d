package dmp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/internal/platform/fault"
)

// refreshAhead renews a token a little before its end, so that it does not die
// on the way to UserInfo.
const refreshAhead = 10 * time.Second

// errEnded says that the provider no longer stands behind the session.
var errEnded = errors.New("dmp: the provider ended the session")

// confirmed gives the session as the provider now sees it. The access token
// lives two minutes: whoever was logged out, frozen or struck off elsewhere
// loses this service within them, since the refresh is refused.
func (s *Service) confirmed(ctx context.Context, one *session) (view, error) {
	one.mu.Lock()
	defer one.mu.Unlock()
	if s.clock.Now().Add(refreshAhead).Before(one.expires) {
		return one.view(), nil
	}
	if err := s.renew(ctx, one); err != nil {
		return view{}, err
	}
	return one.view(), nil
}

// renew must be called with the session's lock held. It finishes even when the
// browser gives up: a rotated refresh token that nobody kept would end the session.
func (s *Service) renew(ctx context.Context, one *session) error {
	parties, err := s.provider.get(ctx)
	if err != nil {
		return err
	}
	if one.refresh == "" {
		return errEnded
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerTimeout)
	defer cancel()
	tokens, err := rp.RefreshTokens[*oidc.IDTokenClaims](ctx, parties.renew, one.refresh, "", "")
	if err != nil {
		return s.renewFault(ctx, err)
	}
	if err := one.keep(tokens); err != nil {
		s.log.WarnContext(ctx, "refreshed ID token contradicts the login", slog.String("error", err.Error()))
		return errEnded
	}
	user, err := rp.Userinfo[*userInfo](ctx, tokens.AccessToken, oidc.BearerToken, one.sub, parties.login)
	if err != nil {
		one.expires = time.Time{} // the next request must ask again
		return s.renewFault(ctx, err)
	}
	one.adopt(*user)
	return nil
}

// keep takes the new tokens. A refreshed ID token must speak of the same login:
// same subject, same moment, same session (Core 1.0, 12.2).
func (s *session) keep(t *oidc.Tokens[*oidc.IDTokenClaims]) error {
	s.access, s.expires = t.AccessToken, t.Expiry
	if t.RefreshToken != "" { // without a new one, the old one goes on
		s.refresh = t.RefreshToken
	}
	c := t.IDTokenClaims
	if c == nil {
		return nil
	}
	now := loginOf(t)
	switch {
	case now.sub != s.sub:
		return errors.New("another subject")
	case now.nonce != "" && now.nonce != s.nonce:
		return errors.New("another nonce")
	case s.sid != "" && now.sid != s.sid:
		return errors.New("another session")
	case !now.authTime.IsZero() && !now.authTime.Equal(s.authTime):
		return errors.New("another login")
	}
	s.idToken = now.idToken
	return nil
}

// renewFault separates "no" from "no answer": only the first ends the session.
func (s *Service) renewFault(ctx context.Context, err error) error {
	var refused *oidc.Error
	if errors.As(err, &refused) && (refused.ErrorType == oidc.InvalidGrant || refused.ErrorType == "invalid_token") {
		return errEnded
	}
	s.log.WarnContext(ctx, "refresh failed", slog.Bool("transport", isTransport(err)))
	return fault.Wrap(fault.Unavailable, codeProviderDown, "the identity provider does not answer", err)
}

// isTransport tells failures of the line from failures of the content.
func isTransport(err error) bool {
	var netErr net.Error
	var urlErr *url.Error
	return errors.As(err, &netErr) || errors.As(err, &urlErr) || errors.Is(err, context.DeadlineExceeded)
}

// printable keeps a protocol word fit for a page and a log line.
func printable(s string) string {
	if s == "" {
		return "without a code"
	}
	if len(s) > 60 {
		s = s[:60]
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '.'
	}, s)
}
