package flows

import (
	"testing"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/conformance/harness"
)

func TestLoginGivesTokensWithNationalIdentifier(t *testing.T) {
	d := harness.Start(t)
	for _, id := range []string{"demo-psc", "demo-oidc", "demo-public"} {
		t.Run(id, func(t *testing.T) {
			s := newService(t, d, id, "openid", "scope_all")
			login := d.Login(t, "approve-300ms")
			tokens := s.login(s.browser(), login)

			info, err := rp.Userinfo[*oidc.UserInfo](t.Context(), tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, s.rp)
			if err != nil {
				t.Fatalf("userinfo: %v", err)
			}
			if got := info.Claims["SubjectNameID"]; got != login {
				t.Errorf("SubjectNameID = %v, want %s", got, login)
			}
			if acr := tokens.IDTokenClaims.AuthenticationContextClassReference; acr != "eidas1" && acr != "eidas2" {
				t.Errorf("acr = %q", acr)
			}
			refreshed, err := s.refresh(tokens)
			if err != nil {
				t.Fatalf("refresh: %v", err)
			}
			if refreshed.AccessToken == tokens.AccessToken || refreshed.RefreshToken == tokens.RefreshToken {
				t.Error("refresh did not rotate")
			}
			if refreshed.IDTokenClaims.AuthTime != tokens.IDTokenClaims.AuthTime {
				t.Error("auth_time moved with the refresh (TK10)")
			}
		})
	}
}

func TestIntrospectionByTheService(t *testing.T) {
	d := harness.Start(t)
	s := newService(t, d, "demo-psc", "openid", "scope_all")
	login := d.Login(t, "approve-300ms")
	tokens := s.login(s.browser(), login)
	server, err := rs.NewResourceServerClientCredentials(t.Context(), d.Sheet.Issuer, s.client.ID, s.client.Secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"access": tokens.AccessToken, "refresh": tokens.RefreshToken} {
		answer, err := rs.Introspect[*oidc.IntrospectionResponse](t.Context(), server, token)
		if err != nil || !answer.Active {
			t.Errorf("%s: active=%v, %v", name, answer != nil && answer.Active, err)
		}
	}
	answer, err := rs.Introspect[*oidc.IntrospectionResponse](t.Context(), server, "nothing-of-ours")
	if err != nil || answer.Active {
		t.Errorf("unknown token: %+v, %v", answer, err)
	}
}

// S-92: the second service asks nothing and sees the first login's time.
func TestSecondServiceLogsInWithoutAPrompt(t *testing.T) {
	d := harness.Start(t)
	first, second := newService(t, d, "demo-psc", "openid", "scope_all"), newService(t, d, "demo-oidc", "openid", "scope_all")
	b := harness.NewBrowser(t, harness.At(first.client.RedirectURIs[0]))
	before := first.login(b, d.Login(t, "approve-300ms"))

	b2 := second.browser()
	b2.ShareCookies(b)
	a := second.request()
	b2.Get(a.address)
	after := second.redeem(a, b2.Arrived)
	if after.IDTokenClaims.AuthTime != before.IDTokenClaims.AuthTime {
		t.Errorf("auth_time %v, first login %v", after.IDTokenClaims.AuthTime, before.IDTokenClaims.AuthTime)
	}
	if after.IDTokenClaims.Subject != before.IDTokenClaims.Subject {
		t.Error("two subjects for one person")
	}

	a = second.request("prompt", "none")
	b2.Get(a.address)
	second.redeem(a, b2.Arrived)
}

func TestPromptNoneWithoutSession(t *testing.T) {
	d := harness.Start(t)
	s := newService(t, d, "demo-oidc", "openid")
	b := s.browser()
	a := s.request("prompt", "none")
	b.Get(a.address)
	if b.Arrived == nil || b.Arrived.Query().Get("error") != "login_required" || b.Arrived.Query().Get("state") != a.state {
		t.Fatalf("arrived at %v", b.Arrived)
	}
}

// Each scripted phone ends a login the same way each time.
func TestBehaviours(t *testing.T) {
	d := harness.Start(t)
	s := newService(t, d, "demo-oidc", "openid")
	for _, behaviour := range []string{"refuse", "wrong-number", "wrong-pin"} {
		t.Run(behaviour, func(t *testing.T) {
			for round := range 3 {
				b := s.browser()
				a := s.request()
				arrived := b.SignIn(a.address, d.Login(t, behaviour))
				if arrived == nil || arrived.Query().Get("error") != "access_denied" || arrived.Query().Get("state") != a.state {
					t.Fatalf("round %d: arrived at %v, page %s", round, arrived, b.Page.Code())
				}
			}
		})
	}
}

// To a stranger's browser nobody can be told apart from a phone that is silent.
func TestStrangerCannotTellHoldersApart(t *testing.T) {
	d := harness.Start(t)
	s := newService(t, d, "demo-oidc", "openid")
	logins := map[string]string{"nobody": "899700999990", "closed": d.Login(t, "closed-record"), "card-only": d.Login(t, "card-only")}
	for _, behaviour := range []string{"ignore", "locked", "expired", "suspended"} {
		logins[behaviour] = d.Login(t, behaviour)
	}
	for name, login := range logins {
		b := s.browser()
		b.Get(s.request().address)
		b.Submit("submit-ecps", map[string]string{"login": login})
		if b.Page == nil || !b.Page.Has("match-number") || len(b.Page.Text("match-number")) != 2 || b.Page.Code() != "" {
			t.Errorf("%s does not look like a silent phone: %+v", name, b.Page)
		}
	}
}

func TestElevenDigitsAreCompleted(t *testing.T) {
	d := harness.Start(t)
	s := newService(t, d, "demo-oidc", "openid", "scope_all")
	login := d.Login(t, "approve-300ms")
	b := s.browser()
	a := s.request()
	if arrived := b.SignIn(a.address, login[1:]); arrived == nil {
		b.Finish(login) // the page offers the 8 and asks again
	}
	s.redeem(a, b.Arrived)
}
