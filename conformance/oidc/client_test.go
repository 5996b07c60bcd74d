// Package oidc holds the provider to oidc-requirements.md over raw HTTP: each
// test carries the ids of the rows it proves.
package oidc

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/provider/demo"
)

// A verifier and its S256 challenge (RFC 7636 appendix B).
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// party is a service that sends what it likes.
type party struct {
	t    *testing.T
	demo *harness.Demo
	demo.Client
	browser *harness.Browser
}

func newParty(t *testing.T, d *harness.Demo, id string) *party {
	c := d.Client(t, id)
	home := "" // a client without people needs none
	if len(c.RedirectURIs) > 0 {
		home = c.RedirectURIs[0]
	}
	return &party{t: t, demo: d, Client: c, browser: harness.NewBrowser(t, harness.At(home))}
}

// ask makes a good authorization request, then changes it: an empty value
// removes a parameter.
func (p *party) ask(change ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {p.ID}, "redirect_uri": {p.RedirectURIs[0]}, "scope": {"openid profile"},
		"state": {"s1"}, "nonce": {"n1"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		q.Del(change[i])
		if change[i+1] != "" {
			q.Set(change[i], change[i+1])
		}
	}
	return p.demo.Sheet.AuthorizationEndpoint + "?" + q.Encode()
}

// login opens a session in the party's browser.
func (p *party) login() {
	p.t.Helper()
	if arrived := p.browser.SignIn(p.ask(), p.demo.Login(p.t, "approve-300ms")); arrived == nil {
		p.t.Fatal("no login")
	}
}

// code asks in the live session.
func (p *party) code(change ...string) string {
	p.t.Helper()
	p.browser.Get(p.ask(change...))
	if p.browser.Arrived == nil || p.browser.Arrived.Query().Get("code") == "" {
		p.t.Fatalf("no code: %v", p.browser.Arrived)
	}
	return p.browser.Arrived.Query().Get("code")
}

// reply is one answer of an endpoint.
type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

func (r reply) text(name string) string { s, _ := r.json[name].(string); return s }

func (p *party) do(method, address, body string, header http.Header) reply {
	p.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	r := reply{status: res.StatusCode, header: res.Header, body: string(raw)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(raw, &r.json); err != nil {
			p.t.Fatalf("%s: %v: %s", address, err, raw)
		}
	}
	return r
}

func (p *party) endpoint(path string) string {
	return p.demo.Sheet.Issuer + "/protocol/openid-connect" + path
}

// authorization is the registered way of this client.
func (p *party) authorization() http.Header {
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if p.Secret != "" {
		pair := url.QueryEscape(p.ID) + ":" + url.QueryEscape(p.Secret)
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	return h
}

func (p *party) token(form url.Values) reply {
	p.t.Helper()
	return p.do(http.MethodPost, p.endpoint("/token"), form.Encode(), p.authorization())
}

func (p *party) redeemForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.RedirectURIs[0]}, "code_verifier": {verifier}}
}

func (p *party) tokens(change ...string) reply {
	p.t.Helper()
	r := p.token(p.redeemForm(p.code(change...)))
	if r.status != http.StatusOK {
		p.t.Fatalf("token: %d %s", r.status, r.body)
	}
	return r
}

func payload(t *testing.T, token string) map[string]any {
	t.Helper()
	part := strings.Split(token, ".")
	if len(part) != 3 {
		t.Fatalf("not a JWT: %q", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
