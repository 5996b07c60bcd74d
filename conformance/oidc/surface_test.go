package oidc

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func metadata(t *testing.T, p *party) {
	r := p.do(http.MethodGet, p.demo.Sheet.Issuer+"/.well-known/openid-configuration", "", nil)
	if r.status != http.StatusOK || r.text("issuer") != p.demo.Sheet.Issuer {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for _, name := range []string{
		"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint", "revocation_endpoint", "introspection_endpoint",
	} {
		if !strings.HasPrefix(r.text(name), "http") {
			t.Errorf("%s: %v", name, r.json[name])
		}
	}
	for name, want := range map[string]bool{
		"request_parameter_supported": true, "request_uri_parameter_supported": true, "require_request_uri_registration": true, "claims_parameter_supported": true,
		"authorization_response_iss_parameter_supported": true, "require_pushed_authorization_requests": false,
	} {
		if got, ok := r.json[name].(bool); !ok || got != want {
			t.Errorf("%s is %v", name, r.json[name])
		}
	}
	for name, want := range map[string][]any{
		"response_types_supported": {"code"}, "subject_types_supported": {"public", "pairwise"}, "code_challenge_methods_supported": {"S256"},
		"grant_types_supported": {"authorization_code", "refresh_token", "client_credentials"}, "response_modes_supported": {"query", "form_post"},
	} {
		if got, _ := r.json[name].([]any); !slices.Equal(got, want) {
			t.Errorf("%s is %v", name, got)
		}
	}
	if algs, _ := r.json["id_token_signing_alg_values_supported"].([]any); !slices.Contains(algs, any("RS256")) || slices.Contains(algs, any("none")) {
		t.Errorf("algorithms %v", algs)
	}
	keySet(t, p, r.text("jwks_uri"))
}

func keySet(t *testing.T, p *party, address string) {
	r := p.do(http.MethodGet, address, "", nil)
	keys, _ := r.json["keys"].([]any)
	seen := map[any]bool{}
	for _, k := range keys {
		key, _ := k.(map[string]any)
		if key["kid"] == nil || key["alg"] == nil || key["use"] != "sig" || seen[key["kid"]] {
			t.Errorf("%v", key)
		}
		seen[key["kid"]] = true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if key[private] != nil {
				t.Fatalf("the key set holds the private member %s", private)
			}
		}
	}
	if len(keys) < 3 || !strings.Contains(r.header.Get("Cache-Control"), "max-age") {
		t.Errorf("%d keys, %s", len(keys), r.header.Get("Cache-Control"))
	}
}

// pages: security headers on every page, opaque cookies, no word about the inside.
func pages(t *testing.T, p *party) {
	stranger := newParty(t, p.demo, p.ID)
	stranger.browser.Get(stranger.ask())
	page := stranger.browser.Page
	for _, directive := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(page.Header.Get("Content-Security-Policy"), directive) {
			t.Errorf("no %s in %s", directive, page.Header.Get("Content-Security-Policy"))
		}
	}
	for name, want := range map[string]string{
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := page.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, c := range page.Cookies {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("cookie %s", c)
		}
	}
	for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
		if page.Header.Get(name) != "" {
			t.Errorf("%s: %s", name, page.Header.Get(name))
		}
	}
}
