package flows

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/means/ecps/device"
)

// enterPortal signs in to « Mon e-CPS » with a phone.
func enterPortal(t *testing.T, d *harness.Demo, p *device.Phone) *harness.Browser {
	t.Helper()
	b := harness.NewBrowser(t, func(u *url.URL) bool { return false })
	b.Get(d.Sheet.PortalURL + "/login")
	b.Submit("submit-ecps", map[string]string{"login": nurseLogin})
	list, err := p.Waiting(t.Context())
	if err != nil || len(list.Requests) == 0 {
		t.Fatalf("the phone sees nothing: %+v %v", list, err)
	}
	if _, err := p.Approve(t.Context(), list.Requests[0], b.Page.Text("match-number"), holderPIN); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if !b.Page.Has("continue") {
			break
		}
		b.Submit("continue", nil)
	}
	if !b.Page.Has("who") {
		t.Fatalf("not in the portal: %s", b.Page.Body)
	}
	return b
}

// The portal is an ordinary service: what ends elsewhere ends there, at the next page.
func TestPortalEndsWithTheFreeze(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	p := activate(t, d, nurseLogin, nurseMail, nurseMobile)
	b := enterPortal(t, d, p)
	if _, err := p.Freeze(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	b.Get(d.Sheet.PortalURL)
	if b.Page.Has("who") || !b.Page.Has("portal-login") {
		t.Errorf("the portal's session outlived the freeze: %s", b.Page.Body)
	}
}

// Who stops everything is signed out by it, and told what was stopped all the
// same: in his browser, and in no other.
func TestPortalTellsWhatWasStopped(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	p := activate(t, d, nurseLogin, nurseMail, nurseMobile)
	b := enterPortal(t, d, p)
	b.Get(d.Sheet.PortalURL + "/contester?id=AAAAAAAAAAAAAAAAAAAAAA")
	if b.Page.Code() != "PF-SV-044" || b.Page.Has("freeze") {
		t.Errorf("a sign-in that never was can be contested: %s", b.Page.Body)
	}
	b.Get(d.Sheet.PortalURL + "/contester")
	b.Submit("freeze", nil)
	if b.Page.Has("who") || !b.Page.Has("stopped") {
		t.Errorf("not told: %s", b.Page.Body)
	}
	stranger := harness.NewBrowser(t, func(*url.URL) bool { return false })
	stranger.Get(d.Sheet.PortalURL)
	if stranger.Page.Has("stopped") {
		t.Error("a stranger is told")
	}
	res, err := http.Get(d.Sheet.PortalURL + "/telephone/state?ticket=x&seen=shown")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a poll that nobody is signed in for: %d", res.StatusCode)
	}
}

// A phone cannot resume itself on the portal, nor add another one without the card.
func TestPortalWantsAnotherMeans(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	p := activate(t, d, nurseLogin, nurseMail, nurseMobile)
	b := enterPortal(t, d, p)
	b.Get(d.Sheet.PortalURL + "/telephone")
	if !b.Page.Has("card-needed") || b.Page.Has("ticket") {
		t.Errorf("a phone adds a phone without the card: %s", b.Page.Body)
	}
	b.Get(d.Sheet.PortalURL + "/perdu")
	b.Submit("suspend-all", nil)
	if !b.Page.Has("resume-0") {
		t.Fatalf("not suspended: %s", b.Page.Body)
	}
	b.Submit("resume-0", nil)
	if b.Page.Code() != "PF-EC-044" {
		t.Errorf("resumed by itself: %s", b.Page.Body)
	}
}

// Forms of another's making, and with another's phone, change nothing.
func TestPortalForgedForms(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	p := activate(t, d, nurseLogin, nurseMail, nurseMobile)
	b := enterPortal(t, d, p)
	b.Post(d.Sheet.PortalURL+"/suspend", url.Values{"csrf": {"forged"}, "device": {""}})
	if b.Page.Code() != "PF-SV-048" {
		t.Errorf("a forged form: %s", b.Page.Body)
	}
	if info, err := p.Info(t.Context()); err != nil || info.State != "active" {
		t.Errorf("%+v %v", info, err)
	}
	b.Get(d.Sheet.PortalURL)
	b.Submit("suspend-0", map[string]string{"device": "AAAAAAAAAAAAAAAAAAAAAA"})
	if b.Page.Code() != "PF-EC-018" {
		t.Errorf("another's phone: %s", b.Page.Body)
	}
}

// Login CSRF: an answer that belongs to another browser's login signs nobody in.
func TestPortalAnswerOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	begin := func() (*http.Client, string) {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := c.Get(d.Sheet.PortalURL + "/login")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		to, err := res.Location()
		if err != nil {
			t.Fatal(err)
		}
		return c, to.Query().Get("state")
	}
	owner, state := begin()
	victim, _ := begin()
	res, err := victim.Get(d.Sheet.PortalURL + "/callback?code=" + strings.Repeat("A", 43) + "&state=" + state)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusGone {
		t.Errorf("status %d", res.StatusCode)
	}
	for _, c := range res.Cookies() {
		if c.Name == "egide-portal" && c.Value != "" {
			t.Error("a session began")
		}
	}
	// The login is not spent by the attempt: its own browser gets as far as the code.
	res, err = owner.Get(d.Sheet.PortalURL + "/callback?code=" + strings.Repeat("A", 43) + "&state=" + state)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode == http.StatusGone {
		t.Error("another browser spent this login")
	}
}
