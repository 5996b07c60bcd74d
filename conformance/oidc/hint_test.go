package oidc

import (
	"strings"
	"testing"
)

// A hint counts only as this provider's ID token; then only its person answers.
func hintCorpus(t *testing.T, p *party) {
	r := p.tokens()
	own := r.text("id_token")
	p.code("id_token_hint", own, "prompt", "none")
	head, rest, _ := strings.Cut(own, ".")
	body, signature, _ := strings.Cut(rest, ".")
	for name, hint := range map[string]string{
		"no token":            "x",
		"unsigned":            "eyJhbGciOiJub25lIn0." + body + ".",
		"signature cut off":   head + "." + body + ".",
		"signature altered":   head + "." + body + "." + flip(signature),
		"claims altered":      head + "." + flip(body) + "." + signature,
		"another provider's":  "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL290aGVyLmV4YW1wbGUifQ.AAAA",
		"HMAC by public key":  "eyJhbGciOiJIUzI1NiJ9." + body + "." + signature,
		"an opaque token":     r.text("access_token"),
		"a refresh token":     r.text("refresh_token"),
		"a psc access token":  pscToken(t, p),
		"five parts":          own + ".a.b",
		"with spaces":         own + " ",
		"of enormous length":  own + strings.Repeat("A", 5000),
		"a JSON that is none": "e30.e30.e30",
	} {
		for _, prompt := range []string{"", "none"} {
			p.refused(t, "invalid_request", "id_token_hint", hint, "prompt", prompt)
			if t.Failed() {
				t.Fatalf("hint: %s, prompt %q", name, prompt)
			}
		}
	}
	other := newParty(t, p.demo, "demo-oidc")
	other.browser.SignIn(other.ask(), colleague(t, p))
	his := other.tokens().text("id_token")
	p.refused(t, "login_required", "id_token_hint", his, "prompt", "none")
	p.browser.Get(p.ask("id_token_hint", his))
	if !p.browser.Page.Has("login-ecps") {
		t.Error("another person's hint was answered without a page")
	}
	p.code() // and the session is what it was
}

// colleague is another person whose phone approves at once.
func colleague(t *testing.T, p *party) string {
	first := p.demo.Login(t, "approve-300ms")
	for _, person := range p.demo.Sheet.Personas {
		if person.Behaviour == "approve-300ms" && person.Login != first {
			return person.Login
		}
	}
	t.Fatal("only one person approves")
	return ""
}

func flip(part string) string {
	last := byte('A')
	if part[len(part)/2] == last {
		last = 'B'
	}
	return part[:len(part)/2] + string(last) + part[len(part)/2+1:]
}

// pscToken is a JWT by the very key of ID tokens that is none.
func pscToken(t *testing.T, p *party) string {
	other := newParty(t, p.demo, "demo-psc")
	other.browser.ShareCookies(p.browser)
	return other.tokens("scope", "openid scope_all").text("access_token")
}
