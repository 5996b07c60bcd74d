package op

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/trust/audit"
)

func TestSessionCodeFlowPSC(t *testing.T) {
	w := newWorld(t)
	s, cookie := w.login(authn.ECPS)
	q := w.answered(w.authorize(ask("psc", "acr_values", "eidas1"), cookie))
	if q.Get("state") != "a state" || q.Get("iss") != testIssuer || q.Get("session_state") != s.SID {
		t.Fatalf("%v", q)
	}
	got := w.redeem("psc", q.Get("code"))
	if got["refresh_expires_in"] != 1800.0 || got["session_state"] != s.SID || got["not-before-policy"] != 0.0 ||
		got["expires_in"] != 120.0 || got["token_type"] != "Bearer" || got["scope"] != "openid scope_all" {
		t.Fatalf("%v", got)
	}
	for _, name := range []string{"access_token", "id_token", "refresh_token"} {
		c := claimsOf(t, got.text(name))
		for _, claim := range []string{"exp", "iat", "jti", "iss", "sub", "typ", "azp", "nonce", "session_state", "sid"} {
			if c[claim] == nil {
				t.Errorf("%s has no %s", name, claim)
			}
		}
		if c["nonce"] != "n-0S6_WzA2Mj" || c["sid"] != s.SID {
			t.Errorf("%s: %v", name, c)
		}
	}
	if acr := claimsOf(t, got.text("id_token"))["acr"]; acr != "eidas1" {
		t.Errorf("acr %v", acr)
	}
	info := decode(t, w.userinfo(got.text("access_token")))
	if info["SubjectNameID"] != "899700990015" || info["Secteur_Activite"] != "SA07^1.2.250.1.71.4.2.4" || info["authMode"] != "MOBILE" {
		t.Fatalf("%v", info)
	}
	var names []string
	for _, e := range w.audit.Events() {
		switch e.(type) {
		case audit.CodeIssued:
			names = append(names, "code")
		case audit.TokenIssued:
			names = append(names, "token")
		default:
			t.Errorf("unexpected event %T", e)
		}
	}
	if strings.Join(names, " ") != "code token" {
		t.Errorf("traces: %v", names)
	}
}

func TestCodeFlowOIDC(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	for _, id := range []string{"web", "jwt", "app"} {
		got := w.redeem(id, w.code(id, cookie, "scope", "openid"))
		if got["refresh_expires_in"] != nil || got["session_state"] != nil || got["not-before-policy"] != nil {
			t.Errorf("%s: fields of psc leaked: %v", id, got)
		}
		idt := claimsOf(t, got.text("id_token"))
		if idt["aud"] != id || idt["at_hash"] == nil || idt["acr"] != "eidas2" || idt["SubjectNameID"] != nil || idt["session_state"] != nil {
			t.Errorf("%s: %v", id, idt)
		}
		if (id == "jwt") != (strings.Count(got.text("access_token"), ".") == 2) {
			t.Errorf("%s: access token %q", id, got.text("access_token"))
		}
		info := decode(t, w.userinfo(got.text("access_token")))
		if info["sub"] != idt["sub"] || len(info) != 1 {
			t.Errorf("%s: claims beyond the scope: %v", id, info)
		}
	}
}

func TestTK10RefreshKeepsAuthTimeAndACR(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.Card)
	first := w.redeem("psc", w.code("psc", cookie, "acr_values", "eidas3 eidas1"))
	w.clock.Advance(10 * time.Minute)
	rec := w.refresh("psc", first.text("refresh_token"))
	if rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	second := decode(t, rec)
	a, b := claimsOf(t, first.text("id_token")), claimsOf(t, second.text("id_token"))
	for _, claim := range []string{"iss", "sub", "aud", "auth_time", "acr", "sid"} {
		if a[claim] != b[claim] {
			t.Errorf("%s: %v then %v", claim, a[claim], b[claim])
		}
	}
	if a["acr"] != "eidas3" || b["iat"] == a["iat"] {
		t.Errorf("%v %v", a, b)
	}
	if rec := w.userinfo(second.text("access_token")); rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestRefreshIsActivity: a session whose service refreshes does not go idle.
func TestRefreshIsActivity(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	token := w.redeem("web", w.code("web", cookie)).text("refresh_token")
	for range 5 {
		w.clock.Advance(20 * time.Minute)
		rec := w.refresh("web", token)
		if rec.Code != http.StatusOK {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		token = decode(t, rec).text("refresh_token")
	}
	w.clock.Advance(3 * time.Hour) // past the absolute end
	wantError(t, w.refresh("web", token), 400, "invalid_grant")
}

func TestTK11ClientCredentials(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"psc", "web"} {
		rec := w.post("token", id, map[string][]string{"grant_type": {"client_credentials"}, "scope": {"openid scope_all"}})
		got := decode(t, rec)
		if rec.Code != http.StatusOK || got["refresh_token"] != nil || got["id_token"] != nil || got["scope"] != "scope_all" {
			t.Fatalf("%d %v", rec.Code, got)
		}
		info := decode(t, w.post("token/introspect", id, map[string][]string{"token": {got.text("access_token")}}))
		if info["active"] != true || info["sub"] != "client:"+id || info["struct_IdNat"] != "1750990012" {
			t.Errorf("%v", info)
		}
		// A service's own token opens nobody's UserInfo.
		if rec := w.userinfo(got.text("access_token")); rec.Code != http.StatusForbidden {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	}
	wantError(t, w.post("token", "app", map[string][]string{"grant_type": {"client_credentials"}}), 400, "unauthorized_client")
}

// TestScopeWithoutOpenID: two real clients ask for scope_all alone (pro-sante-connect.md 0.9).
func TestScopeWithoutOpenID(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	got := w.redeem("psc", w.code("psc", cookie, "scope", "scope_all unknown"))
	if got["id_token"] != nil || got["scope"] != "scope_all" {
		t.Fatalf("%v", got)
	}
	if rec := w.userinfo(got.text("access_token")); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	q := w.answered(w.authorize(ask("web", "scope", "scope_all"), cookie))
	if q.Get("error") != "invalid_scope" {
		t.Fatalf("%v", q)
	}
}

// A session opened by an offline code stands below every eidas level: whoever
// asks one of them gets the login page, and cancelling costs nothing (S-64).
func TestPG5StepUpFromAnOfflineCode(t *testing.T) {
	w := newWorld(t)
	s, cookie := w.login(authn.ECPSOffline)
	for _, level := range []string{"eidas1", "eidas2", "eidas3", "eidas3 eidas1"} {
		for _, id := range []string{"psc", "web"} {
			rec := w.authorize(ask(id, "acr_values", level), cookie)
			if rec.Code != http.StatusSeeOther || !strings.Contains(rec.Header().Get("Location"), "/login/") {
				t.Errorf("%s of %s: %d to %q", level, id, rec.Code, rec.Header().Get("Location"))
			}
		}
	}
	q := w.answered(w.authorize(ask("web", "acr_values", "eidas1", "prompt", "none"), cookie))
	if q.Get("error") != "interaction_required" {
		t.Errorf("without a page: %v", q)
	}
	if _, err := w.sessions.BySID(t.Context(), s.SID); err != nil {
		t.Errorf("the first session: %v", err)
	}
}

// A card reaches all levels, says so in the words of the recorded service, and
// serves an older eidas3 at once.
func TestCardInTheTokens(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.Card)
	got := w.redeem("psc", w.code("psc", cookie, "acr_values", "eidas3"))
	if claims := claimsOf(t, got.text("id_token")); claims["acr"] != "eidas3" {
		t.Errorf("acr %v", claims["acr"])
	}
	if info := decode(t, w.userinfo(got.text("access_token"))); info["authMode"] != "CARD" {
		t.Errorf("authMode %v", info["authMode"])
	}
}
