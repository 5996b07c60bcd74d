package flows

import (
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

// The holder sees every browser and service that is open in his name, closes one,
// then all; his card and phones go on working (PG-69).
func TestLO8HolderClosesOneSessionThenAll(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	login := d.Login(t, "approve-300ms")
	first, second := newService(t, d, "demo-psc", "openid", "scope_all"), newService(t, d, "demo-oidc", "openid", "scope_all")
	atWork := first.login(first.browser(), login)
	atHome := second.login(second.browser(), login)

	own := harness.NewBrowser(t, func(*url.URL) bool { return false })
	own.SignIn(d.Sheet.PortalURL+"/login", login)
	own.Get(d.Sheet.PortalURL + "/sessions")
	for _, name := range []string{"Mon e-CPS", `data-session="here"`, `data-session="other"`, `id="close-2"`} {
		if !strings.Contains(own.Page.Body, name) {
			t.Fatalf("%q is missing from the page: %s", name, own.Page.Body)
		}
	}
	if strings.Contains(own.Page.Body, `id="close-3"`) {
		t.Error("more than his three sessions are shown")
	}
	own.Submit("close-2", nil) // the oldest: at work
	if strings.Contains(own.Page.Body, `id="close-2"`) || !own.Page.Has("close-1") {
		t.Errorf("not closed, or too much: %s", own.Page.Body)
	}
	if _, err := first.refresh(atWork); err == nil {
		t.Error("the closed session's tokens live on")
	}
	if atHome, _ = second.refresh(atHome); atHome == nil {
		t.Fatal("another session was closed, too")
	}
	own.Submit("close-all", nil)
	if !own.Page.Has("closed") || own.Page.Has("who") || !own.Page.Has("portal-login") {
		t.Errorf("not told, or still inside: %s", own.Page.Body)
	}
	if _, err := second.refresh(atHome); err == nil {
		t.Error("tokens outlived « tout fermer »")
	}
	own.SignIn(d.Sheet.PortalURL+"/login", login)
	if !own.Page.Has("who") {
		t.Errorf("the phone no longer works: %s", own.Page.Body)
	}
}

// A form with another person's session in it closes nothing.
func TestForgedCloseOfAnothersSession(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	victim := d.Login(t, "approve-300ms")
	s := newService(t, d, "demo-psc", "openid", "scope_all")
	tokens := s.login(s.browser(), victim)
	p := activate(t, d, nurseLogin, nurseMail, nurseMobile)
	b := enterPortal(t, d, p)
	b.Get(d.Sheet.PortalURL + "/sessions")
	b.Submit("close-0", map[string]string{"session": tokens.IDTokenClaims.SessionID})
	if _, err := s.refresh(tokens); err != nil {
		t.Errorf("another person's session was closed: %v", err)
	}
	b.Post(d.Sheet.PortalURL+"/close-all", url.Values{"csrf": {"forged"}})
	b.Get(d.Sheet.PortalURL)
	if !b.Page.Has("who") {
		t.Error("a forged form closed everything (CSRF)")
	}
}

// The DMP hears of the end of the provider's session and ends its own, before
// the browser that logged out elsewhere comes by (Back-Channel Logout).
func TestLO4DMPIsToldOfALogoutElsewhere(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	login := d.Login(t, "approve-300ms")
	b := harness.NewBrowser(t, func(*url.URL) bool { return false })
	b.Get(d.Sheet.DMPURL)
	b.Submit("login-egide", nil)
	b.Finish(login)
	if !b.Page.Has("consult") {
		t.Fatalf("not inside the DMP: %s", b.Page.Body)
	}
	b.Get(d.Sheet.Issuer + "/protocol/openid-connect/logout")
	b.Submit("logout-yes", nil)
	b.Get(d.Sheet.DMPURL)
	if b.Page.Has("consult") || !b.Page.Has("login-egide") {
		t.Errorf("the DMP is still open: %s", b.Page.Body)
	}
}
