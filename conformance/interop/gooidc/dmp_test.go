package gooidc

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// dmpLogin goes from the DMP's first page to the page after the login.
func dmpLogin(t *testing.T, b *browser, login string) page {
	t.Helper()
	p := b.get(demo.DMPURL + "/login")
	if p.has("submit-ecps") {
		p = b.press(p, "submit-ecps", url.Values{"login": {login}})
	}
	for range 100 {
		if !p.has("continue") {
			return p
		}
		time.Sleep(200 * time.Millisecond) // a person looks at the page now and then
		p = b.press(p, "continue", nil)
	}
	t.Fatalf("still at %s (code %q)", p.url, p.code())
	return page{}
}

// decided gives what the DMP says of a consultation.
func decided(p page) (decision, code string) {
	n := find1(p.doc, func(n *html.Node) bool { return attr(n, "id") == "dmp-decision" })
	if n == nil {
		return "", p.code()
	}
	return attr(n, "data-decision"), attr(n, "data-code")
}

// TestDMP: the relying service of the demonstration, with the personas that
// reach it by e-CPS.
func TestDMP(t *testing.T) {
	for _, tt := range []struct{ login, decision, code string }{
		{"899700991013", "granted", ""},
		{"899700991021", "refused", "PF-DR-030"}, // two employers, neither role opens
		{"899700991039", "granted", ""},
		{"3990000119/RH0007", "refused", "PF-DR-030"},
	} {
		t.Run(tt.login, func(t *testing.T) {
			b := newBrowser(t)
			p := dmpLogin(t, b, tt.login)
			if p.has("situation") {
				first := find1(p.doc, func(n *html.Node) bool { return attr(n, "id") == "situation-0" })
				p = b.press(p, "submit-situation", url.Values{"situation": {attr(first, "value")}})
			}
			if !p.has("logout") {
				t.Fatalf("not logged in at %s (%d, %q)", p.url, p.status, p.code())
			}
			p = b.get(demo.DMPURL + "/patient/fictif-1")
			if d, code := decided(p); d != tt.decision || code != tt.code {
				t.Fatalf("%s %s at %s (%d)", d, code, p.url, p.status)
			}
			p = b.press(p, "logout", nil)
			if !p.has("logged-out") || p.has("logout") {
				t.Errorf("logout ended at %s (%d, %q)", p.url, p.status, p.code())
			}
			// Logged out means logged out at the provider too: a login is asked for again.
			if p = b.get(demo.DMPURL + "/patient/fictif-1"); !p.has("submit-ecps") {
				t.Errorf("after logout at %s", p.url)
			}
		})
	}
}

// TestDMPRefusedLogin: who refuses on the phone comes back to a page of the
// service that says so, not to an error.
func TestDMPRefusedLogin(t *testing.T) {
	for _, persona := range demo.Personas {
		if persona.Behaviour != "refuse" {
			continue
		}
		p := dmpLogin(t, newBrowser(t), persona.Login)
		if p.code() != "PF-DM-002" || p.status != http.StatusForbidden {
			t.Errorf("%s: %q (%d)", p.url, p.code(), p.status)
		}
	}
}
