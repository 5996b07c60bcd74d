package gooidc

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// service is one relying service on the two libraries.
type service struct {
	t        *testing.T
	client   demoClient
	provider *oidc.Provider
	config   oauth2.Config
	browser  *browser
}

func newService(t *testing.T, c demoClient, b *browser) *service {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), demo.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if c.Secret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &service{t: t, client: c, provider: provider, browser: b, config: oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, Endpoint: endpoint,
		RedirectURL: c.RedirectURIs[0], Scopes: []string{oidc.ScopeOpenID, "scope_all"},
	}}
}

// answer is what one login brought.
type answer struct {
	token  *oauth2.Token
	id     *oidc.IDToken
	rawID  string
	claims idClaims
	code   string
	verify string
}

type idClaims struct {
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	AuthTime int64    `json:"auth_time"`
	SID      string   `json:"sid"`
}

// ask goes to the provider and back, without redeeming the code.
func (s *service) ask(login string, extra ...oauth2.AuthCodeOption) (callback *url.URL, state, nonce, verifier string) {
	s.t.Helper()
	state, nonce, verifier = rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	opts := append([]oauth2.AuthCodeOption{
		oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce), oauth2.SetAuthURLParam("acr_values", "eidas1"),
	}, extra...)
	return s.browser.login(s.config.AuthCodeURL(state, opts...), s.config.RedirectURL, login), state, nonce, verifier
}

func (s *service) login(login string) answer {
	s.t.Helper()
	back, state, nonce, verifier := s.ask(login)
	q := back.Query()
	if q.Get("state") != state || q.Get("iss") != demo.Issuer || q.Get("error") != "" {
		s.t.Fatalf("came back with %v", q)
	}
	token, err := s.config.Exchange(s.t.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{token: token, code: q.Get("code"), verify: verifier}
	a.rawID, a.id, a.claims = s.idToken(token)
	if a.id.Nonce != nonce {
		s.t.Errorf("nonce %q", a.id.Nonce)
	}
	return a
}

func (s *service) idToken(token *oauth2.Token) (string, *oidc.IDToken, idClaims) {
	s.t.Helper()
	raw, _ := token.Extra("id_token").(string)
	id, err := s.provider.VerifierContext(s.t.Context(), &oidc.Config{ClientID: s.client.ID}).Verify(s.t.Context(), raw)
	if err != nil {
		s.t.Fatal(err)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			s.t.Error(err)
		}
	}
	var c idClaims
	if err := id.Claims(&c); err != nil {
		s.t.Fatal(err)
	}
	return raw, id, c
}

// person is the part of UserInfo that every service reads.
type person struct {
	SubjectNameID string `json:"SubjectNameID"`
	SubjectRefPro struct {
		Exercices []struct {
			CodeProfession string `json:"codeProfession"`
		} `json:"exercices"`
	} `json:"SubjectRefPro"`
}

func (s *service) userInfo(token *oauth2.Token) (*oidc.UserInfo, person) {
	s.t.Helper()
	info, err := s.provider.UserInfo(s.t.Context(), oauth2.StaticTokenSource(token))
	if err != nil {
		s.t.Fatal(err)
	}
	var p person
	if err := info.Claims(&p); err != nil {
		s.t.Fatal(err)
	}
	return info, p
}

// refresh presents a refresh token once.
func (s *service) refresh(ctx context.Context, refresh string) (*oauth2.Token, error) {
	return s.config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
}

func wantOAuthError(t *testing.T, err error, code string) {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != code {
		t.Errorf("want %s, got %v", code, err)
	}
}

// TestCodeFlow goes once through everything a service does in a day.
func TestCodeFlow(t *testing.T) {
	for _, c := range codeClients(t) {
		t.Run(c.ID, func(t *testing.T) {
			s := newService(t, c, newBrowser(t))
			who := approving(t)
			a := s.login(who.Login)
			if a.claims.ACR != "eidas1" && (c.Profile == "psc" || a.claims.ACR != "eidas2") {
				t.Errorf("acr %q", a.claims.ACR)
			}
			if a.claims.SID == "" || a.claims.AuthTime == 0 {
				t.Errorf("claims %+v", a.claims)
			}
			info, p := s.userInfo(a.token)
			if info.Subject != a.id.Subject || p.SubjectNameID != who.Login || len(p.SubjectRefPro.Exercices) == 0 {
				t.Errorf("UserInfo of %s: %+v", info.Subject, p)
			}

			next, err := s.refresh(t.Context(), a.token.RefreshToken)
			if err != nil {
				t.Fatal(err)
			}
			_, id, claims := s.idToken(next)
			if id.Subject != a.id.Subject || claims.AuthTime != a.claims.AuthTime || claims.ACR != a.claims.ACR {
				t.Errorf("refreshed ID token: %s %+v", id.Subject, claims)
			}
			if next.AccessToken == a.token.AccessToken || next.RefreshToken == a.token.RefreshToken {
				t.Error("nothing was rotated")
			}
			if _, p := s.userInfo(next); p.SubjectNameID != who.Login {
				t.Error("UserInfo after the refresh")
			}
			s.logout(a.rawID)
			_, err = s.refresh(t.Context(), next.RefreshToken)
			wantOAuthError(t, err, "invalid_grant")
			s.needsLogin()
		})
	}
}

// logout by the browser, back to the service with the state (RP-Initiated Logout 1.0).
func (s *service) logout(hint string) {
	s.t.Helper()
	var meta struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := s.provider.Claims(&meta); err != nil || meta.EndSession == "" {
		s.t.Fatal("no end_session_endpoint", err)
	}
	s.browser.callback = s.client.PostLogoutRedirectURIs[0]
	q := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {s.browser.callback}, "state": {"st-1"}}
	p := s.browser.get(meta.EndSession + "?" + q.Encode())
	if p.callback == nil || p.callback.Query().Get("state") != "st-1" {
		s.t.Fatalf("logout ended at %s (%d, %q)", p.url, p.status, p.code())
	}
}

// needsLogin: whoever is logged out cannot come back in silence.
func (s *service) needsLogin() {
	s.t.Helper()
	back, _, _, _ := s.ask("", oauth2.SetAuthURLParam("prompt", "none"))
	if got := back.Query().Get("error"); got != "login_required" {
		s.t.Errorf("prompt=none after logout: %v", back.Query())
	}
}

// TestSecondServiceWithoutPrompt: one login serves all services (rule S-92),
// and each sees when it really happened.
func TestSecondServiceWithoutPrompt(t *testing.T) {
	b, who := newBrowser(t), approving(t)
	var first answer
	for i, c := range codeClients(t) {
		s := newService(t, c, b)
		a := s.login(who.Login)
		if i == 0 {
			first = a
			continue
		}
		silent, _, _, _ := s.ask("", oauth2.SetAuthURLParam("prompt", "none"))
		if silent.Query().Get("code") == "" {
			t.Errorf("%s: prompt=none gave %v", c.ID, silent.Query())
		}
		if a.claims.AuthTime != first.claims.AuthTime || a.claims.SID != first.claims.SID || a.id.Subject != first.id.Subject {
			t.Errorf("%s: %+v of %s, first was %+v of %s", c.ID, a.claims, a.id.Subject, first.claims, first.id.Subject)
		}
	}
}

// TestCodeTwice: the second use is refused and takes the tokens of the first with it.
func TestCodeTwice(t *testing.T) {
	for _, c := range codeClients(t) {
		t.Run(c.ID, func(t *testing.T) {
			s := newService(t, c, newBrowser(t))
			a := s.login(approving(t).Login)
			_, err := s.config.Exchange(t.Context(), a.code, oauth2.VerifierOption(a.verify))
			wantOAuthError(t, err, "invalid_grant")
			if _, err := s.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(a.token)); err == nil {
				t.Error("the first access token still opens UserInfo")
			}
			_, err = s.refresh(t.Context(), a.token.RefreshToken)
			wantOAuthError(t, err, "invalid_grant")
		})
	}
}

// TestRefreshTwice: an old refresh token that returns after its successor was
// used ends the family.
func TestRefreshTwice(t *testing.T) {
	for _, c := range codeClients(t) {
		t.Run(c.ID, func(t *testing.T) {
			s := newService(t, c, newBrowser(t))
			a := s.login(approving(t).Login)
			second, err := s.refresh(t.Context(), a.token.RefreshToken)
			if err != nil {
				t.Fatal(err)
			}
			third, err := s.refresh(t.Context(), second.RefreshToken)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.refresh(t.Context(), a.token.RefreshToken)
			wantOAuthError(t, err, "invalid_grant")
			_, err = s.refresh(t.Context(), third.RefreshToken)
			wantOAuthError(t, err, "invalid_grant")
		})
	}
}

// TestStolenCode: without the verifier of the browser that asked, a code is worth nothing.
func TestStolenCode(t *testing.T) {
	for _, c := range codeClients(t) {
		for name, opts := range map[string][]oauth2.AuthCodeOption{
			"no verifier":      nil,
			"another verifier": {oauth2.VerifierOption(oauth2.GenerateVerifier())},
		} {
			t.Run(c.ID+"/"+name, func(t *testing.T) {
				s := newService(t, c, newBrowser(t))
				back, _, _, _ := s.ask(approving(t).Login)
				_, err := s.config.Exchange(t.Context(), back.Query().Get("code"), opts...)
				wantOAuthError(t, err, "invalid_grant")
			})
		}
	}
}

// TestRefusingPersona: the service learns access_denied, and nothing else.
func TestRefusingPersona(t *testing.T) {
	for _, p := range demo.Personas {
		if p.Behaviour != "refuse" && p.Behaviour != "wrong-number" {
			continue
		}
		t.Run(p.Behaviour, func(t *testing.T) {
			s := newService(t, codeClients(t)[0], newBrowser(t))
			back, state, _, _ := s.ask(p.Login)
			if q := back.Query(); q.Get("error") != "access_denied" || q.Get("state") != state || q.Get("iss") != demo.Issuer || q.Get("code") != "" {
				t.Errorf("came back with %v", q)
			}
		})
	}
}

// TestWalletDiscovery: Pro Santé Connect's own path says the same as the standard one.
func TestWalletDiscovery(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, demo.Issuer+"/.well-known/wallet-openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	provider, err := oidc.NewProvider(t.Context(), demo.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || provider.Endpoint().AuthURL != demo.AuthorizationEndpoint {
		t.Errorf("%d; authorization endpoint %s, the sheet says %s", resp.StatusCode, provider.Endpoint().AuthURL, demo.AuthorizationEndpoint)
	}
}
