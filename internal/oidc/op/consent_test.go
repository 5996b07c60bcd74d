package op

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/consent"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/db"
)

// outside registers "web-x" as a service outside the sector.
func (w *world) outside() {
	w.registered("web", func(c *client.Client) { c.Requests.Consent = true })
}

// yes records what the person would allow a request of that service to be told.
func (w *world) yes(sub string, scope ...string) {
	w.t.Helper()
	c, err := w.clients.Lookup("web-x")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.consents.Give(context.Background(), sub, consent.Ask(c, scope, grant.Claims{})); err != nil {
		w.t.Fatal(err)
	}
}

// waiting gives the login that a request became.
func (w *world) waiting(handle string, browser *http.Cookie) grant.Request {
	w.t.Helper()
	r, err := w.requests.Get(context.Background(), handle, browser.Value)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestAZ9AZ11ServiceOutsideTheSectorAsksFirst(t *testing.T) {
	w := newWorld(t)
	w.outside()
	s, cookie := w.login(authn.ECPS)
	web := []string{"client_id", "web-x", "scope", "openid profile"}
	if got := w.answered(w.authorize(ask("web", append(web, "prompt", "none")...), cookie)); got.Get("error") != "consent_required" || got.Get("iss") != testIssuer {
		t.Fatalf("%v", got)
	}
	handle, browser := w.pending(ask("web", web...), cookie)
	if r := w.waiting(handle, browser); r.Progress != grant.Authenticated || r.SID != s.SID || r.Account != "" {
		t.Fatalf("the person must log in anew to be asked: %+v", r)
	}
	w.yes(s.Auth.Sub, "openid", "profile")
	for _, prompt := range []string{"", "none"} {
		if got := w.answered(w.authorize(ask("web", append(web, "prompt", prompt)...), cookie)); got.Get("code") == "" {
			t.Errorf("prompt %q after a yes: %v", prompt, got)
		}
	}
	if got := w.answered(w.authorize(ask("web", append(web, "prompt", "none", "scope", "openid scope_all")...), cookie)); got.Get("error") != "consent_required" {
		t.Errorf("more than was allowed: %v", got)
	}
	if got := w.answered(w.authorize(ask("web", append(web, "prompt", "none", "claims", `{"id_token":{"SubjectRole":null}}`)...), cookie)); got.Get("error") != "consent_required" {
		t.Errorf("more than was allowed, by name: %v", got)
	}
	if got := w.answered(w.authorize(ask("web", "prompt", "none"), cookie)); got.Get("code") == "" {
		t.Errorf("a service of the sector asks nobody: %v", got)
	}
}

// prompt=consent asks again although the session and an earlier yes would do,
// also for a service of the sector; nobody logs in anew for it.
func TestAZ11PromptConsentAsksAgainInTheLiveSession(t *testing.T) {
	w := newWorld(t)
	w.outside()
	s, cookie := w.login(authn.ECPS)
	w.yes(s.Auth.Sub, "openid", "scope_all")
	for _, id := range []string{"web-x", "web", "psc"} {
		q := ask("web", "client_id", id, "prompt", "consent")
		if id == "psc" {
			q = ask("psc", "prompt", "consent")
		}
		handle, browser := w.pending(q, cookie)
		r := w.waiting(handle, browser)
		if r.Progress != grant.Authenticated || !r.AskConsent || r.Consented {
			t.Fatalf("%s: %+v", id, r)
		}
		// AZ22, BCP 4.7: the way back does not lead around the page.
		if rec := w.get("/login/"+handle+"/return", browser, cookie); rec.Header().Get("Location") != "http://127.0.0.1:8080/login/"+handle {
			t.Fatalf("%s: the page was passed: %s", id, rec.Header().Get("Location"))
		}
		if _, err := w.requests.Consent(context.Background(), handle); err != nil {
			t.Fatal(err)
		}
		if got := w.answered(w.get("/login/"+handle+"/return", browser, cookie)); got.Get("code") == "" {
			t.Errorf("%s: %v", id, got)
		}
	}
}

func TestAZ11PromptSelectAccount(t *testing.T) {
	w := newWorld(t)
	s, cookie := w.login(authn.ECPS)
	w.clock.Advance(time.Minute)
	handle, browser := w.pending(ask("web", "prompt", "select_account"), cookie)
	if r := w.waiting(handle, browser); r.Progress != grant.Pending || r.Account != s.SID || r.Reauth {
		t.Fatalf("%+v", r)
	}
	if _, err := w.requests.Authenticate(context.Background(), handle, s.Auth, s.SID); err != nil { // "it is me"
		t.Fatal(err)
	}
	got := w.answered(w.get("/login/"+handle+"/return", browser, cookie))
	if at := claimsOf(t, w.redeem("web", got.Get("code")).text("id_token"))["auth_time"]; at != float64(s.Auth.At.Unix()) {
		t.Errorf("auth_time %v", at)
	}
	// Whoever said "somebody else" cannot be answered by the old login any more.
	handle, browser = w.pending(ask("web", "prompt", "select_account"), cookie)
	if _, err := w.requests.Change(context.Background(), handle); err != nil {
		t.Fatal(err)
	}
	if _, err := w.requests.Authenticate(context.Background(), handle, s.Auth, s.SID); err != nil {
		t.Fatal(err)
	}
	if got := w.answered(w.get("/login/"+handle+"/return", browser, cookie)); got.Get("error") != "login_required" {
		t.Errorf("%v", got)
	}
	// A session that would not answer is not offered.
	handle, browser = w.pending(ask("web", "prompt", "select_account", "acr_values", "eidas3"), cookie)
	if r := w.waiting(handle, browser); r.Account != "" || !r.Reauth {
		t.Errorf("%+v", r)
	}
	handle, browser = w.pending(ask("web", "prompt", "login select_account consent"), cookie)
	if r := w.waiting(handle, browser); r.Account != "" || !r.Reauth || !r.AskConsent || r.Progress != grant.Pending {
		t.Errorf("%+v", r)
	}
}

// D6: a yes that has ended, or whose service changed hands, ends what it opened.
func TestD6AZ11ConsentIsCheckedAtRedemptionAndRefresh(t *testing.T) {
	w := newWorld(t)
	w.outside()
	s, cookie := w.login(authn.ECPS)
	w.yes(s.Auth.Sub, "openid", "scope_all")
	code := w.answered(w.authorize(ask("web", "client_id", "web-x"), cookie)).Get("code")
	got := decode(t, w.post("token", "web-x", codeForm("web", code)))
	other := w.answered(w.authorize(ask("web", "client_id", "web-x"), cookie)).Get("code")
	w.o.consents = never{}
	wantError(t, w.post("token", "web-x", codeForm("web", other)), http.StatusBadRequest, "invalid_grant")
	wantError(t, w.refresh("web-x", got.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	w.o.consents = w.gone()
	wantError(t, w.refresh("web-x", got.text("refresh_token")), http.StatusServiceUnavailable, "temporarily_unavailable")
	w.o.consents = w.consents
	if rec := w.refresh("web-x", got.text("refresh_token")); rec.Code != http.StatusOK {
		t.Errorf("a refusal cost the service its refresh token: %d %s", rec.Code, rec.Body)
	}
}

// never is a person who allows nothing.
type never struct{}

func (never) Given(context.Context, string, consent.Question) (bool, error) { return false, nil }

// gone is a database that confirms nothing.
func (w *world) gone() *consent.Consents {
	w.t.Helper()
	d, err := db.Open(context.Background(), filepath.Join(w.t.TempDir(), "gone.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		w.t.Fatal(err)
	}
	return consent.New(d, w.clock)
}

// AZ7: the code of a refused login tells a service what was missing.
func TestAZ7AZ14ADeniedLevelIsNamed(t *testing.T) {
	w := newWorld(t)
	for reason, want := range map[string]string{"PF-CA-023": "unmet_authentication_requirements", "PF-ID-005": "access_denied", "PF-EC-021": "access_denied"} {
		handle, browser := w.pending(ask("web"))
		if _, err := w.requests.Deny(context.Background(), handle, reason); err != nil {
			t.Fatal(err)
		}
		if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("error") != want || got.Has("code") {
			t.Errorf("%s: %v", reason, got)
		}
	}
}
