package op

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
)

// outsiders registers two services outside the sector, and gives their ids.
func (w *world) outsiders() (a, b string) {
	w.t.Helper()
	for _, id := range []string{"bank", "shop"} {
		err := w.clients.Add(&client.Client{
			ID: id, Name: "Service " + id, Owner: "Hors secteur", Contact: "a@" + id + ".example", Purpose: "Essais", Profile: client.ProfileOIDC,
			SecretHashes: []string{client.HashSecret(testSecret)}, RedirectURIs: []string{"https://" + id + ".example/cb"},
			Scopes: []string{"openid", "profile"}, IDTokenAlg: jose.ES256, AccessTokenFormat: client.FormatJWT, AccessTokenAlg: jose.ES256,
			Answers: client.Answers{SubjectType: client.SubjectPairwise},
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return "bank", "shop"
}

func (w *world) basic(endpoint, id string, form url.Values) tokens {
	w.t.Helper()
	rec := w.post(endpoint, id, form)
	if rec.Code != 200 {
		w.t.Fatalf("%s %s: %d %s", endpoint, id, rec.Code, rec.Body)
	}
	return decode(w.t, rec)
}

// RE2, UI2, TK10: one service reads one name everywhere and always; another
// service reads another; nothing tells what the national identifier is.
func TestRE2UI2TK10OneNameInEveryDocument(t *testing.T) {
	w := newWorld(t)
	bank, shop := w.outsiders()
	_, cookie := w.login(authn.ECPS)
	names := map[string]string{}
	for _, id := range []string{bank, shop, "web"} {
		answer := w.redeem(id, w.code(id, cookie, "scope", "openid profile"))
		sub := claimsOf(t, answer.text("id_token")).text("sub")
		names[id] = sub
		if id == "web" {
			continue
		}
		refreshed := decode(t, w.refresh(id, answer.text("refresh_token")))
		documents := map[string]tokens{
			"at+jwt":                  claimsOf(t, answer.text("access_token")),
			"ID token after refresh":  claimsOf(t, refreshed.text("id_token")),
			"UserInfo":                decode(t, w.userinfo(refreshed.text("access_token"))),
			"introspection":           w.basic("token/introspect", id, url.Values{"token": {refreshed.text("access_token")}}),
			"introspected refresh":    w.basic("token/introspect", id, url.Values{"token": {refreshed.text("refresh_token")}}),
			"the refresh token":       claimsOf(t, refreshed.text("refresh_token")),
			"a second login the same": claimsOf(t, w.redeem(id, w.code(id, cookie, "scope", "openid")).text("id_token")),
		}
		for name, d := range documents {
			if d.text("sub") != sub {
				t.Errorf("%s: %s has sub %q, the ID token %q", id, name, d.text("sub"), sub)
			}
		}
		for name, d := range documents {
			for claim, v := range d {
				if s, _ := v.(string); strings.Contains(s, doctor.ID.String()) || strings.Contains(s, names["web"]) && names["web"] != "" {
					t.Errorf("%s: %s tells %s=%q", id, name, claim, s)
				}
			}
		}
		if got := documents["UserInfo"]; got.text("given_name") == "" || got.text("preferred_username") != "" {
			t.Errorf("%s: UserInfo %v", id, got)
		}
	}
	if names[bank] == names[shop] || names[bank] == names["web"] || names[shop] == names["web"] {
		t.Errorf("services can join what they know: %v", names)
	}
}

// The claims parameter opens no way around the registration.
func TestRE2NationalIdentifierAskedByName(t *testing.T) {
	w := newWorld(t)
	bank, _ := w.outsiders()
	_, cookie := w.login(authn.ECPS)
	asked := `{"userinfo":{"preferred_username":{"essential":true},"SubjectNameID":null,"family_name":null},"id_token":{"preferred_username":null,"otherIds":null}}`
	answer := w.redeem(bank, w.code(bank, cookie, "scope", "openid", "claims", asked))
	info := decode(t, w.userinfo(answer.text("access_token")))
	for name, d := range map[string]tokens{"ID token": claimsOf(t, answer.text("id_token")), "UserInfo": info} {
		for _, claim := range []string{"preferred_username", "SubjectNameID", "otherIds"} {
			if d[claim] != nil {
				t.Errorf("%s tells %s", name, claim)
			}
		}
	}
	if info.text("family_name") == "" {
		t.Error("the family name, which the service may have, is missing")
	}
}

// AZ13 for services outside the sector: the hint's name is read back, also when
// its session is long gone, and a claims parameter may name the person too.
func TestRE2AZ13HintOfAServiceOutsideTheSector(t *testing.T) {
	w := newWorld(t)
	bank, shop := w.outsiders()
	s, cookie := w.login(authn.ECPS)
	hint := w.redeem(bank, w.code(bank, cookie, "scope", "openid")).text("id_token")
	sub := claimsOf(t, hint).text("sub")
	if _, err := w.sessions.End(t.Context(), s.SID); err != nil {
		t.Fatal(err)
	}
	_, cookie = w.login(authn.ECPS)
	foreign := claimsOf(t, w.redeem(shop, w.code(shop, cookie, "scope", "openid")).text("id_token")).text("sub")
	for name, c := range map[string]struct {
		more []string
		want string
	}{
		"his hint":                   {[]string{"id_token_hint", hint}, ""},
		"his name":                   {[]string{"claims", `{"id_token":{"sub":{"value":"` + sub + `"}}}`}, ""},
		"hint and name":              {[]string{"id_token_hint", hint, "claims", `{"id_token":{"sub":{"value":"` + sub + `"}}}`}, ""},
		"his name at another":        {[]string{"claims", `{"id_token":{"sub":{"value":"` + foreign + `"}}}`}, "login_required"},
		"his stored sub":             {[]string{"claims", `{"id_token":{"sub":{"value":"0b6f3c52-6f0e-4d0e-9c55-7a1f0f7f2a11"}}}`}, "login_required"},
		"hint and another's name":    {[]string{"id_token_hint", hint, "claims", `{"id_token":{"sub":{"value":"x"}}}`}, "invalid_request"},
		"a sub that is no name here": {[]string{"claims", `{"id_token":{"sub":{"value":"-"}}}`}, "login_required"},
	} {
		q := w.answered(w.authorize(ask(bank, append([]string{"scope", "openid", "prompt", "none"}, c.more...)...), cookie))
		if q.Get("error") != c.want || c.want == "" && q.Get("code") == "" {
			t.Errorf("%s: %v, want %q", name, q, c.want)
		}
	}
}

// RE2, AZ3: a service whose sector does not know its redirect URIs sends nobody
// anywhere; once the list is right, it works.
func TestRE2AZ3SectorNotConfirmed(t *testing.T) {
	w := newWorld(t)
	const list = "https://group.example/uris.json"
	w.add("member", func(c *client.Client) {
		c.RedirectURIs, c.Scopes = []string{"https://member.example/cb", "https://other.example/cb"}, []string{"openid"}
		c.Answers = client.Answers{SubjectType: client.SubjectPairwise, SectorURI: list}
	})
	_, cookie := w.login(authn.ECPS)
	refused := func(what string) {
		t.Helper()
		rec := w.authorize(ask("member", "scope", "openid"), cookie)
		if rec.Code < 400 || rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d %v", what, rec.Code, rec.Header())
		}
	}
	refused("the site is down")
	w.sites.SetJSON(t, list, []string{"https://member.example/cb"})
	w.clock.Advance(time.Minute)
	refused("one redirect URI is missing")
	w.sites.SetJSON(t, list, []string{"https://member.example/cb", "https://other.example/cb"})
	w.clock.Advance(time.Minute)
	_, cookie = w.login(authn.ECPS)
	if w.code("member", cookie, "scope", "openid") == "" {
		t.Error("no code")
	}
}
