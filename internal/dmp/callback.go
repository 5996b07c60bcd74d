package dmp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/egide-id/egide/internal/platform/fault"
)

// callback receives the provider's answer (Core 1.0, 3.1.2.5).
func (s *Service) callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p, ok := s.logins.take(q.Get("state"), s.cookies.get(r, browserCookie))
	if !ok {
		s.fail(w, r, fault.New(fault.Expired, codeLoginLost, "no login of this browser belongs to this answer"))
		return
	}
	one, err := s.redeem(r.Context(), p, q)
	if err == nil {
		err = s.beginSession(w, r, one)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next := p.next
	if one.chosen == "" && len(one.situations) > 1 {
		next = "/situation?next=" + p.next
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// redeem turns the answer into a session, or says why it does not.
func (s *Service) redeem(ctx context.Context, p pending, q url.Values) (*session, error) {
	// An answer that names another issuer was meant for another provider:
	// mix-up attack (RFC 9207, section 2.4).
	for _, issuer := range q["iss"] {
		if issuer != s.cfg.Issuer {
			return nil, fault.New(fault.Invalid, codeUntrusted, "the answer names another issuer")
		}
	}
	code := q.Get("code")
	if code == "" || q.Get("error") != "" {
		refusal := refusalOf(q)
		s.log.InfoContext(ctx, "login refused by the provider", slog.String("error", refusal.oauth), slog.String("reason_code", refusal.code))
		return nil, fault.Wrap(fault.Denied, codeLoginRefused, "the provider refused the login", refusal)
	}
	parties, err := s.provider.get(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](withNonce(ctx, p.nonce), code, parties.login, rp.WithCodeVerifier(p.verifier))
	if err != nil {
		return nil, answerFault(err)
	}
	user, err := rp.Userinfo[*userInfo](ctx, tokens.AccessToken, oidc.BearerToken, tokens.IDTokenClaims.Subject, parties.login)
	if err != nil {
		return nil, answerFault(err)
	}
	one := &session{login: loginOf(tokens)}
	one.nonce = p.nonce
	one.adopt(*user)
	return one, nil
}

// refusal is the provider's "no": its OAuth error, and the public code that it
// may put at the end of the description, for the person and the help desk.
type refusal struct{ oauth, code string }

// Error implements error.
func (r *refusal) Error() string { return "the provider answered " + r.oauth + " " + r.code }

// publicCode is the only part of a description that reaches a page: the text
// around it is whatever the link says.
var publicCode = regexp.MustCompile(`\((PF-[A-Z]{2}-[0-9]{3})\)$`)

func refusalOf(q url.Values) *refusal {
	r := &refusal{oauth: printable(q.Get("error"))}
	if m := publicCode.FindStringSubmatch(q.Get("error_description")); m != nil {
		r.code = m[1]
	}
	return r
}

// loginOf keeps of the tokens what this service uses.
func loginOf(t *oidc.Tokens[*oidc.IDTokenClaims]) login {
	c := t.IDTokenClaims
	return login{
		sub: c.Subject, sid: c.SessionID, nonce: c.Nonce, authTime: c.AuthTime.AsTime(),
		acr: c.AuthenticationContextClassReference, amr: c.AuthenticationMethodsReferences,
		idToken: t.IDToken, access: t.AccessToken, refresh: t.RefreshToken, expires: t.Expiry,
	}
}

// beginSession replaces whatever session this browser had.
func (s *Service) beginSession(w http.ResponseWriter, r *http.Request, one *session) error {
	cookie, err := secret(s.rand)
	if err != nil {
		return err
	}
	if one.csrf, err = secret(s.rand); err != nil {
		return err
	}
	s.sessions.end(s.cookies.get(r, sessionCookie))
	s.sessions.begin(cookie, one)
	s.cookies.set(w, sessionCookie, cookie)
	s.log.InfoContext(r.Context(), "session begins", slog.String("acr", one.acr), slog.Int("situations", len(one.situations)))
	return nil
}

// answerFault tells a provider that is away from one whose answer failed a check.
func answerFault(err error) error {
	var refused *oidc.Error
	var retrieve *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused), errors.As(err, &retrieve) && retrieve.Response.StatusCode < 500:
		return fault.Wrap(fault.Invalid, codeUntrusted, "the provider refused the exchange", err)
	case isTransport(err), retrieve != nil:
		return fault.Wrap(fault.Unavailable, codeProviderDown, "the identity provider does not answer", err)
	default:
		return fault.Wrap(fault.Invalid, codeUntrusted, "the provider's answer failed a check", err)
	}
}
