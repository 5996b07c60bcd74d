// Package psc replays what clients of the real Pro Santé Connect send, unchanged.
// Each test is named after what it proves: PointN is a point of section 0 of
// pro-sante-connect.md, the twelve things that break real clients if done
// differently; SectionNM is section N.M. Tokens are taken apart by hand, as those
// clients do.
package psc

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/provider/demo"
)

// protocol is fixed text in client code (point 3).
const protocol = "/protocol/openid-connect"

// oddState and nonce are what a client that escapes badly would lose.
const (
	oddState = `état&=+/"'`
	nonce    = "n-0S6_WzA2Mj"
)

// software is one piece of health software and the browser of its user.
type software struct {
	t *testing.T
	demo.Client
	browser *harness.Browser
	login   string // of the person in front of it
}

// psc is demo-psc in a fresh browser, used by the doctor.
func psc(t *testing.T) *software {
	t.Helper()
	return newSoftware(t, running.Client(t, "demo-psc"))
}

func newSoftware(t *testing.T, c demo.Client) *software {
	t.Helper()
	return &software{
		t: t, Client: c, browser: harness.NewBrowser(t, func(u *url.URL) bool { return strings.HasPrefix(u.String(), c.RedirectURIs[0]) }),
		login: running.Login(t, "approve-300ms"),
	}
}

func realm(path string) string { return running.Sheet.Issuer + path }

// query is the authorization request all real clients send (section 1.4). An
// empty value takes a parameter out.
func (s *software) query(change ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {s.ID}, "redirect_uri": {s.RedirectURIs[0]},
		"scope": {"openid scope_all"}, "acr_values": {"eidas1"}, "state": {oddState}, "nonce": {nonce},
	}
	for i := 0; i+1 < len(change); i += 2 {
		q.Del(change[i])
		if change[i+1] != "" {
			q.Set(change[i], change[i+1])
		}
	}
	return q
}

func (s *software) ask(change ...string) string {
	return running.Sheet.AuthorizationEndpoint + "?" + s.query(change...).Encode()
}

// arrive opens an address, logs in if asked to, and gives the answer at the
// service's own address.
func (s *software) arrive(address string) url.Values {
	s.t.Helper()
	arrived := s.browser.SignIn(address, s.login)
	if arrived == nil {
		s.t.Fatalf("the browser did not come back: %s", s.browser.Page.Body)
	}
	return arrived.Query()
}

func (s *software) code(address string) string {
	s.t.Helper()
	q := s.arrive(address)
	if q.Get("code") == "" {
		s.t.Fatalf("no code: %v", q)
	}
	return q.Get("code")
}

// signedIn tells whether this browser still has a session, without asking anybody.
func (s *software) signedIn() bool {
	s.t.Helper()
	s.browser.Get(s.ask("prompt", "none"))
	if s.browser.Arrived == nil {
		s.t.Fatalf("prompt=none ended on a page: %s", s.browser.Page.Body)
	}
	q := s.browser.Arrived.Query()
	if e := q.Get("error"); e != "" && e != "login_required" {
		s.t.Fatalf("prompt=none: %v", q)
	}
	return q.Get("code") != ""
}

// reply is one answer, and its JSON object if it is one.
type reply struct {
	status int
	header http.Header
	raw    []byte
	document
}

// send makes one call and follows nothing: a client that posts would lose its
// body on the way.
func (s *software) send(method, address, body string, change ...func(*http.Request)) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range change {
		f(r)
	}
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	a := reply{status: res.StatusCode, header: res.Header}
	if a.raw, err = io.ReadAll(res.Body); err != nil {
		s.t.Fatal(err)
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(a.raw, &a.document); err != nil {
			s.t.Fatalf("%s: %v: %s", address, err, a.raw)
		}
	}
	return a
}

func asForm(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

// asJavaForm is how the Java libraries say it.
func asJavaForm(r *http.Request) {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
}

func (s *software) basic(r *http.Request) { r.SetBasicAuth(s.ID, s.Secret) }

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// post calls an endpoint as this service, by Basic, as most clients do.
func (s *software) post(path string, form url.Values) reply {
	s.t.Helper()
	return s.send(http.MethodPost, realm(protocol+path), form.Encode(), asForm, s.basic)
}

func (s *software) redeemForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {s.RedirectURIs[0]}}
}

func (s *software) redeem(code string) reply {
	s.t.Helper()
	return s.granted(s.post("/token", s.redeemForm(code)))
}

func (s *software) granted(a reply) reply {
	s.t.Helper()
	if a.status != http.StatusOK {
		s.t.Fatalf("token: %d %s", a.status, a.raw)
	}
	return a
}

// tokens walks a whole login.
func (s *software) tokens(change ...string) reply {
	s.t.Helper()
	return s.redeem(s.code(s.ask(change...)))
}

func (s *software) refresh(token string) reply {
	s.t.Helper()
	return s.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (s *software) introspect(token string) reply {
	s.t.Helper()
	return s.post("/token/introspect", url.Values{"token": {token}})
}

func (s *software) userInfo(access string) reply {
	s.t.Helper()
	return s.send(http.MethodGet, realm(protocol+"/userinfo"), "", bearer(access))
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

func (d document) number(t *testing.T, name string) int64 {
	t.Helper()
	v, ok := d[name].(float64)
	if !ok {
		t.Errorf("%s is %T %v, clients read a number", name, d[name], d[name])
	}
	return int64(v)
}

// strings gives a list of strings, such as discovery is full of.
func (d document) strings(name string) (list []string) {
	all, _ := d[name].([]any)
	for _, v := range all {
		s, _ := v.(string)
		list = append(list, s)
	}
	return list
}

// exactly tells what is missing and what is too much.
func (d document) exactly(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, ok := d[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	for name := range d {
		if !slices.Contains(names, name) {
			t.Errorf("%s was never seen there", name)
		}
	}
}
