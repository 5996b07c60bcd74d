// Package psc replays what clients of the real Pro Santé Connect send, unchanged
// (pro-sante-connect.md section 0: the points that break real clients if done
// differently). Tokens are taken apart by hand, as those clients do.
package psc

import (
	"bytes"
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

// software is one piece of health software, registered as demo-psc.
type software struct {
	t    *testing.T
	demo *harness.Demo
	demo.Client
	browser *harness.Browser
}

func newSoftware(t *testing.T, d *harness.Demo) *software {
	c := d.Client(t, "demo-psc")
	return &software{t: t, demo: d, Client: c, browser: harness.NewBrowser(t, harness.At(c.RedirectURIs[0]))}
}

// ask is the authorization request all real clients send (section 1.4).
func (s *software) ask(change ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {s.ID}, "redirect_uri": {s.RedirectURIs[0]},
		"scope": {"openid scope_all"}, "acr_values": {"eidas1"}, "state": {"état&=+/\"'"}, "nonce": {"n-0S6"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		if change[i+1] == "" {
			q.Del(change[i])
		} else {
			q.Set(change[i], change[i+1])
		}
	}
	return s.demo.Sheet.AuthorizationEndpoint + "?" + q.Encode()
}

// code logs the doctor in, or goes on with his session, and takes the code.
func (s *software) code(address string) string {
	s.t.Helper()
	arrived := s.browser.SignIn(address, s.demo.Login(s.t, "approve-300ms"))
	if arrived == nil || arrived.Query().Get("code") == "" {
		s.t.Fatalf("no code: %v", arrived)
	}
	return arrived.Query().Get("code")
}

// document is a JSON object as a client sees it.
type document map[string]any

func (d document) text(t *testing.T, name string) string {
	t.Helper()
	v, ok := d[name].(string)
	if !ok {
		t.Errorf("%s is %T %v, clients read a string", name, d[name], d[name])
	}
	return v
}

func (d document) number(t *testing.T, name string) float64 {
	t.Helper()
	v, ok := d[name].(float64)
	if !ok {
		t.Errorf("%s is %T %v, clients read a number", name, d[name], d[name])
	}
	return v
}

func (s *software) realm(path string) string { return s.demo.Sheet.Issuer + path }

const protocol = "/protocol/openid-connect"

// post sends a form; credentials are the caller's affair.
func (s *software) post(address string, form url.Values, change func(*http.Request)) (int, document) {
	s.t.Helper()
	return s.call(http.MethodPost, address, strings.NewReader(form.Encode()), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r)
	})
}

func (s *software) call(method, address string, body io.Reader, change func(*http.Request)) (int, document) {
	s.t.Helper()
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		s.t.Fatal(err)
	}
	change(r)
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var d document
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(raw, &d); err != nil {
			s.t.Fatalf("%s: %v: %s", address, err, raw)
		}
	}
	return res.StatusCode, d
}

func (s *software) basic(r *http.Request) { r.SetBasicAuth(s.ID, s.Secret) }

// redeem exchanges a code the way most clients do.
func (s *software) redeem(code string) document {
	s.t.Helper()
	status, d := s.post(s.realm(protocol+"/token"), url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {s.RedirectURIs[0]},
	}, s.basic)
	if status != http.StatusOK {
		s.t.Fatalf("token: %d %v", status, d)
	}
	return d
}

func (s *software) tokens(change ...string) document {
	s.t.Helper()
	return s.redeem(s.code(s.ask(change...)))
}

// parts takes a JWT apart without a library.
func parts(t *testing.T, token string) (header, payload document) {
	t.Helper()
	p := strings.Split(token, ".")
	if len(p) != 3 {
		t.Fatalf("not a JWT: %d parts", len(p))
	}
	for i, into := range []*document{&header, &payload} {
		raw, err := base64.RawURLEncoding.DecodeString(p[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewDecoder(bytes.NewReader(raw)).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return header, payload
}
