package client

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// confidential and native are the two kinds of client whose matching differs.
func confidential(uris ...string) *Client {
	return &Client{ID: "web", AuthMethod: AuthBasic, RedirectURIs: uris, PostLogoutRedirectURIs: uris}
}

func native(uris ...string) *Client {
	return &Client{ID: "native", AuthMethod: AuthNone, RedirectURIs: uris, PostLogoutRedirectURIs: uris}
}

// The corpus of spellings by which redirect checks were passed elsewhere: each
// must fail against the one registered URI (AZ2, RFC 9700 4.1).
func TestAZ2AZ4RedirectCorpusIsRefused(t *testing.T) {
	const registered = "https://dossier.exemple.invalid/retour?kind=dmp"
	corpus := []string{
		"", "https://dossier.exemple.invalid", "https://dossier.exemple.invalid/",
		"https://dossier.exemple.invalid/retour", "https://dossier.exemple.invalid/retour/",
		"https://dossier.exemple.invalid/retour?kind=dmp&x=1", "https://dossier.exemple.invalid/retour?kind=dmp#",
		"https://dossier.exemple.invalid/retour?kind=dmp#frag", "https://dossier.exemple.invalid/retour?kind=DMP",
		"https://dossier.exemple.invalid/retour?kind=dmp ", " https://dossier.exemple.invalid/retour?kind=dmp",
		"https://dossier.exemple.invalid/retour?kind=dmp\n", "https://dossier.exemple.invalid/retour?kind=dmp\x00",
		"https://dossier.exemple.invalid/retour?kind=dm%70", "https://dossier.exemple.invalid/%72etour?kind=dmp",
		"https://dossier.exemple.invalid/./retour?kind=dmp", "https://dossier.exemple.invalid/x/../retour?kind=dmp",
		"https://dossier.exemple.invalid//retour?kind=dmp", "https://dossier.exemple.invalid:443/retour?kind=dmp",
		"https://DOSSIER.exemple.invalid/retour?kind=dmp", "HTTPS://dossier.exemple.invalid/retour?kind=dmp",
		"http://dossier.exemple.invalid/retour?kind=dmp", "//dossier.exemple.invalid/retour?kind=dmp",
		"https:/dossier.exemple.invalid/retour?kind=dmp", `https:\\dossier.exemple.invalid\retour?kind=dmp`,
		"https://dossier.exemple.invalid.evil.invalid/retour?kind=dmp", "https://evil.invalid/https://dossier.exemple.invalid/retour?kind=dmp",
		"https://dossier.exemple.invalid@evil.invalid/retour?kind=dmp", "https://evil.invalid#@dossier.exemple.invalid/retour?kind=dmp",
		"https://user@dossier.exemple.invalid/retour?kind=dmp", `https://evil.invalid\@dossier.exemple.invalid/retour?kind=dmp`,
		"https://dossier.exemple.invalid./retour?kind=dmp", "https://dossiеr.exemple.invalid/retour?kind=dmp", // Cyrillic е
		"https://sub.dossier.exemple.invalid/retour?kind=dmp", "javascript:alert(1)//https://dossier.exemple.invalid/retour?kind=dmp",
		"data:text/html,https://dossier.exemple.invalid/retour?kind=dmp", "https://dossier.exemple.invalid/retour?kind=dmp\t",
		"https://dossier.exemple.invalid/retour%3Fkind=dmp", "https://dossier.exemple.invalid/retour?kind=dmp%00",
	}
	for _, c := range []*Client{confidential(registered), native(registered)} {
		if !c.MatchRedirect(registered) || !c.MatchPostLogout(registered) {
			t.Fatalf("%s: the registered URI itself is refused", c.ID)
		}
		for _, uri := range corpus {
			if c.MatchRedirect(uri) {
				t.Errorf("%s: redirect accepted %q", c.ID, uri)
			}
			if c.MatchPostLogout(uri) {
				t.Errorf("%s: post-logout accepted %q", c.ID, uri)
			}
		}
	}
}

func TestAZ2LoopbackPortMayVaryForNativeClientsOnly(t *testing.T) {
	cases := []struct {
		registered, asked  string
		native, webAccepts bool
	}{
		{"http://127.0.0.1/cb", "http://127.0.0.1/cb", true, true},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51234/cb", true, false},
		{"http://127.0.0.1:8080/cb", "http://127.0.0.1:51234/cb", true, false},
		{"http://127.0.0.1:8080/cb", "http://127.0.0.1/cb", true, false},
		{"http://[::1]/cb", "http://[::1]:51234/cb", true, false},
		{"http://127.0.0.1/cb?a=1", "http://127.0.0.1:1/cb?a=1", true, false},
		{"http://127.0.0.1/cb?a=1", "http://127.0.0.1:1/cb?a=2", false, false},
		{"http://127.0.0.1/cb", "http://[::1]:51234/cb", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51234/cb/", false, false},
		{"http://127.0.0.1/cb", "https://127.0.0.1:51234/cb", false, false},
		{"http://127.0.0.1/cb", "http://localhost:51234/cb", false, false},
		{"http://localhost/cb", "http://localhost:51234/cb", false, false}, // localhost may resolve elsewhere
		{"http://127.0.0.1", "http://127.0.0.1.evil.invalid", false, false},
		{"http://127.0.0.1", "http://127.0.0.1:80@evil.invalid", false, false},
		{"http://127.0.0.1", "http://127.0.0.1:80.evil.invalid", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1@evil.invalid/cb", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:/cb", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:080/cb", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:65535/cb", true, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:+80/cb", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51234/cb#x", false, false},
		{"https://127.0.0.1/cb", "https://127.0.0.1:51234/cb", false, false},
	}
	for _, c := range cases {
		if got := native(c.registered).MatchRedirect(c.asked); got != c.native {
			t.Errorf("native, registered %q, asked %q: %v", c.registered, c.asked, got)
		}
		if got := confidential(c.registered).MatchRedirect(c.asked); got != c.webAccepts {
			t.Errorf("confidential, registered %q, asked %q: %v", c.registered, c.asked, got)
		}
		if c.asked != c.registered && native(c.registered).MatchPostLogout(c.asked) {
			t.Errorf("post-logout must be exact: registered %q, asked %q", c.registered, c.asked)
		}
	}
}

func TestAZ4RegistrationOfRedirects(t *testing.T) {
	good := []struct {
		uri    string
		public bool
	}{
		{"https://dossier.exemple.invalid/retour", false},
		{"https://dossier.exemple.invalid:8443/retour?a=b", false},
		{"https://dossier.exemple.invalid", false},
		{"http://127.0.0.1/cb", true}, {"http://[::1]:9000/cb", true}, {"http://localhost:9000/cb", false},
		{"fr.exemple.app:/oauth2redirect", true},
	}
	for _, c := range good {
		if err := CheckRedirect(c.uri, c.public); err != nil {
			t.Errorf("%q refused: %v", c.uri, err)
		}
	}
	bad := []struct{ uri, says string }{
		{"", "empty"}, {"https://a.invalid/" + strings.Repeat("x", maxURI), "longer"},
		{"https://a.invalid/#", "fragment"}, {"https://a.invalid/cb#x", "fragment"},
		{`https://a.invalid\@b.invalid/`, "backslash"}, {"https://*.a.invalid/cb", "wildcard"}, {"https://a.invalid/*", "wildcard"},
		{"https://a.invalid/c b", "position"}, {"https://a.invalid/c\tb", "position"}, {"https://a.invalid/\x7f", "position"},
		{"https://a.invalid/é", "position"}, {"https://a.invalid/cb\r\nSet-Cookie: x", "position"},
		{"https://user@a.invalid/cb", "user"}, {"https://user:pw@a.invalid/cb", "user"}, {"https://@a.invalid/cb", "user"},
		{"http://a.invalid/cb", "https"}, {"http://127.0.0.2/cb", "https"}, {"http://127.0.0.1.evil.invalid/cb", "https"},
		{"https:///cb", "host"}, {"https:a.invalid/cb", "host"}, {"https://a.invalid:/cb", "port"}, {"https://a.invalid:99999/cb", "port"},
		{"/cb", "absolute"}, {"//a.invalid/cb", "absolute"},
		{"javascript:alert(1)", "scheme"}, {"data:text/html,x", "scheme"}, {"file:///etc/passwd", "scheme"}, {"ftp://a.invalid/", "scheme"},
		{"myapp:/cb", "scheme"}, {"fr.exemple.app://cb", "private scheme"},
		{"https://a.invalid/../cb", "dot"}, {"https://a.invalid/%2e%2e/cb", "dot"}, {"https://a.invalid/./cb", "dot"},
		{"https://a.invalid/cb?code=1", "code"}, {"https://a.invalid/cb?state", "state"}, {"https://a.invalid/cb?iss=x", "iss"},
		{"https://a.invalid/cb?a;b", "query"}, {"https://a.invalid/%zz", "not a URI"},
	}
	for _, c := range bad {
		err := CheckRedirect(c.uri, true)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want something about %q", c.uri, err, c.says)
		}
	}
	if err := CheckRedirect("fr.exemple.app:/cb", false); err == nil {
		t.Error("a confidential client registered a private scheme")
	}
}

// Whatever is accepted differs from a registered URI by the digits of a
// loopback port and nothing else.
func TestAZ2OnlyThePortVaries(t *testing.T) {
	paths := []string{"", "/", "/cb", "/cb?x=1", "?x=1"}
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.SampledFrom(loopbackOrigins[:]).Draw(t, "host")
		path := rapid.SampledFrom(paths).Draw(t, "path")
		tail := rapid.SampledFrom(append([]string{"@evil.invalid", ".evil.invalid", `\`, "#", ":x", "%2f"}, paths...)).Draw(t, "tail")
		port := rapid.StringMatching(`|:[0-9]{0,6}`).Draw(t, "port")
		asked := host + port + tail
		var n int
		_, _ = fmt.Sscanf(port, ":%d", &n)
		plainPort := port == "" || port == fmt.Sprintf(":%d", n) && n >= 1 && n <= 65535
		want := tail == path && plainPort
		if got := native(host + path).MatchRedirect(asked); got != want {
			t.Fatalf("registered %q asked %q: %v, want %v", host+path, asked, got, want)
		}
	})
}
