package flows

import (
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

// The DMP decides from the tokens alone: each persona gets the answer of the
// matrix, with the code that says why.
func TestDMPDecides(t *testing.T) {
	d := harness.Start(t)
	persona := func(prefix string) string {
		for _, p := range d.Sheet.Personas {
			if strings.Contains(p.Name, prefix) {
				return p.Login
			}
		}
		t.Fatalf("no persona %s", prefix)
		return ""
	}
	for _, c := range []struct{ name, decision, code string }{
		{"EXEMPLE", "granted", ""},           // P1, doctor
		{"PARCOURS", "granted", ""},          // P4, coordinator, GENR08 (S-30)
		{"SPECIMEN", "refused", "PF-DR-030"}, // P3, GENR10 and GENR12
		{"GESTION", "refused", "PF-DR-030"},  // P5, e-CPE
	} {
		t.Run(c.name, func(t *testing.T) {
			b := harness.NewBrowser(t, func(*url.URL) bool { return false })
			b.Get(d.Sheet.DMPURL)
			b.Submit("login-egide", nil)
			b.Finish(persona(c.name))
			if b.Page.Has("situation") {
				b.Submit("submit-situation", map[string]string{"situation": b.Page.Attr("situation-0", "value")})
			}
			if !b.Page.Has("consult") {
				t.Fatalf("not inside the DMP: %s", b.Page.Body)
			}
			b.Submit("consult", nil)
			if got := b.Page.Attr("dmp-decision", "data-decision"); got != c.decision {
				t.Errorf("decision %q, want %q", got, c.decision)
			}
			if got := b.Page.Attr("dmp-decision", "data-code"); got != c.code {
				t.Errorf("code %q, want %q", got, c.code)
			}
		})
	}
}

// Logging out of the DMP ends the provider's session: the next login asks again.
func TestDMPLogoutEndsTheSession(t *testing.T) {
	d := harness.Start(t)
	b := harness.NewBrowser(t, func(*url.URL) bool { return false })
	b.Get(d.Sheet.DMPURL)
	b.Submit("login-egide", nil)
	b.Finish(d.Login(t, "approve-300ms"))
	b.Submit("logout", nil)
	if b.Page.Has("logout-yes") {
		t.Error("a logout with a good hint asks for confirmation")
	}
	b.Get(d.Sheet.DMPURL)
	b.Submit("login-egide", nil)
	if !b.Page.Has("login-ecps") {
		t.Errorf("after logout the login page must ask again: %s", b.Page.Body)
	}
}
