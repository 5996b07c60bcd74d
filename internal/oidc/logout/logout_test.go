package logout

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/notice"
	"github.com/egide-id/egide/internal/oidc/pairwise"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
	"github.com/egide-id/egide/internal/trust/signing/signingtest"
	"github.com/egide-id/egide/templates"
)

const (
	issuer = "http://127.0.0.1:8080/auth/realms/esante-wallet"
	path   = "/auth/realms/esante-wallet/protocol/openid-connect/logout"
	ours   = "https://psc.example/bye?x=1"
)

type world struct {
	t        *testing.T
	e        *echo.Echo
	l        *Logout
	clock    *clock.Manual
	sessions *session.Sessions
	keys     *signing.Keys
	names    *pairwise.Names
	clients  *client.Registry
	audit    *audit.Memory
	raised   map[string]uint64
	told     told
}

// told keeps what services would be told, in the order it was written down.
type told struct {
	list []notice.Notice
	sent int
	err  error
}

func (t *told) Enter(_ context.Context, list []notice.Notice) (notice.Entered, error) {
	if t.err == nil {
		t.list = append(t.list, list...)
	}
	return nil, t.err
}

func (t *told) Send(context.Context, notice.Entered, time.Duration) { t.sent = len(t.list) }

// raised counts the epochs of persons that exist.
type raised map[string]uint64

func (r raised) Raise(_ context.Context, sub string) (uint64, error) {
	if r[sub] == 0 {
		return 0, fault.New(fault.NotFound, "", "unknown subject")
	}
	r[sub]++
	return r[sub], nil
}

func newWorld(t *testing.T, front string) *world {
	t.Helper()
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	w := &world{t: t, clock: clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)), audit: &audit.Memory{}, raised: map[string]uint64{"kit": 1}}
	kv, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: w.clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	if w.keys, err = signing.Open(ctx, signing.Options{Dir: signingtest.Dir(t), Clock: w.clock, Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	if w.names, err = pairwise.Open(t.TempDir(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	w.sessions = session.New(session.Deps{KV: kv, Clock: w.clock, Rand: rand.Reader})
	clients := client.New(client.Options{Clock: w.clock, Log: log})
	w.clients = clients
	for _, c := range []*client.Client{
		{ID: "psc", Profile: client.ProfilePSC, PostLogoutRedirectURIs: []string{ours}},
		{ID: "web", Profile: client.ProfileOIDC, PostLogoutRedirectURIs: []string{"https://web.example/bye"}},
		{ID: "bank", Profile: client.ProfileOIDC, PostLogoutRedirectURIs: []string{"https://web.example/bye"}, Answers: client.Answers{SubjectType: client.SubjectPairwise}},
	} {
		c.Name, c.Owner, c.Contact, c.Purpose = "Service "+c.ID, "Essai", "a@web.example", "Essais"
		c.SecretHashes, c.RedirectURIs = []string{client.HashSecret("secret")}, []string{"https://web.example/cb"}
		if err := clients.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := templates.Parse()
	if err != nil {
		t.Fatal(err)
	}
	w.l, err = New(Deps{
		Sessions: w.sessions, Persons: raised(w.raised), Notices: &w.told, Clients: clients, Names: w.names, Keys: w.keys, Cookies: web.Cookies{},
		Pages: web.NewPages(web.PagesOptions{Templates: pages, Log: log, Environment: web.Sandbox}),
		Audit: w.audit, Failures: w.audit.Failure, Rand: rand.Reader, Log: log, Issuer: issuer, AuthorizationURL: front,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.e = echo.New()
	w.e.Any(path, w.l.EndSession)
	return w
}

func oneHost(t *testing.T) *world { return newWorld(t, "http://127.0.0.1:8080/auth") }

func (w *world) begin(sub string) (session.Session, *http.Cookie) {
	w.t.Helper()
	s, cookie, err := w.sessions.Begin(context.Background(), authn.Authentication{
		Subject: rpps.MustNationalID("899700990015"), Sub: sub, Means: authn.ECPS, At: w.clock.Now(), Epoch: 1,
	}, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return s, &http.Cookie{Name: "egide-session", Value: cookie}
}

func (w *world) idToken(sub, sid, typ, aud string) string {
	w.t.Helper()
	payload, err := json.Marshal(map[string]any{"iss": issuer, "sub": sub, "sid": sid, "typ": typ, "aud": aud, "exp": 1})
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := w.keys.Sign(jose.RS256, "JWT", payload)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func (w *world) call(method string, params url.Values, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	target, body := "http://127.0.0.1:8080"+path, ""
	if method == http.MethodGet {
		target += "?" + params.Encode()
	} else {
		body = params.Encode()
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	w.e.ServeHTTP(rec, r)
	return rec
}

func (w *world) lives(sid string) bool {
	w.t.Helper()
	_, err := w.sessions.BySID(context.Background(), sid)
	if err != nil && !fault.Is(err, fault.NotFound) {
		w.t.Fatal(err)
	}
	return err == nil
}

// TestFourWays: each real way to call the endpoint (pro-sante-connect.md 4.6).
func TestLO1LO2PSCWays(t *testing.T) {
	t.Run("browser with hint, uri and state", func(t *testing.T) {
		w := oneHost(t)
		s, cookie := w.begin("alice")
		rec := w.call(http.MethodGet, url.Values{"id_token_hint": {w.idToken("alice", s.SID, "ID", "psc")}, "post_logout_redirect_uri": {ours}, "state": {"a b"}}, cookie)
		if rec.Code != 303 || rec.Header().Get("Location") != "https://psc.example/bye?x=1&state=a+b" || w.lives(s.SID) {
			t.Fatalf("%d %s", rec.Code, rec.Header().Get("Location"))
		}
		if set := rec.Header().Get("Set-Cookie"); !strings.Contains(set, "Max-Age=0") {
			t.Errorf("cookie not cleared: %q", set)
		}
		if e := w.audit.Events(); len(e) != 1 || e[0].(audit.SessionEnded).Reason != "logout" { //nolint:forcetypeassert // a test
			t.Errorf("traces %v", e)
		}
	})
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run("server side "+method+" with the hint alone", func(t *testing.T) {
			w := oneHost(t)
			s, _ := w.begin("alice")
			rec := w.call(method, url.Values{"id_token_hint": {w.idToken("alice", s.SID, "ID", "psc")}})
			if rec.Code != 200 || w.lives(s.SID) {
				t.Fatalf("%d, session lives: %v", rec.Code, w.lives(s.SID))
			}
			// Again: it has ended, and that is what the service wants.
			if rec = w.call(method, url.Values{"id_token_hint": {w.idToken("alice", s.SID, "ID", "psc")}}); rec.Code != 200 {
				t.Fatal(rec.Code)
			}
		})
	}
	t.Run("browser with client_id and uri, no hint", func(t *testing.T) {
		w := oneHost(t)
		s, cookie := w.begin("alice")
		params := url.Values{"client_id": {"psc"}, "post_logout_redirect_uri": {ours}, "state": {"s"}}
		rec := w.call(http.MethodGet, params, cookie)
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), `id="logout-yes"`) || !w.lives(s.SID) {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		form := url.Values{"confirm": {"yes"}, "client_id": {"psc"}, "post_logout_redirect_uri": {ours}, "state": {"s"}, "csrf": {csrfOf(t, rec)}}
		rec = w.call(http.MethodPost, form, append(rec.Result().Cookies(), cookie)...)
		if rec.Code != 303 || rec.Header().Get("Location") != ours+"&state=s" || w.lives(s.SID) {
			t.Fatalf("%d %s", rec.Code, rec.Header().Get("Location"))
		}
	})
}

func csrfOf(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(rec.Body.String())
	if m == nil {
		t.Fatalf("no csrf in %s", rec.Body)
	}
	return m[1]
}

// TestOpenRedirect: no URI but a registered one, exactly, is ever followed (LO2).
func TestLO2AttackOpenRedirect(t *testing.T) {
	w := oneHost(t)
	s, cookie := w.begin("alice")
	hint := w.idToken("alice", s.SID, "ID", "psc")
	for _, uri := range []string{
		"https://evil.example/", ours + "&y=2", "https://psc.example/bye", "https://psc.example/bye?x=1#f", "HTTPS://psc.example/bye?x=1",
		"https://psc.example:443/bye?x=1", "//evil.example", "javascript:alert(1)", "https://web.example/bye", "https://psc.example/./bye?x=1",
	} {
		for _, params := range []url.Values{
			{"id_token_hint": {hint}, "post_logout_redirect_uri": {uri}},
			{"client_id": {"psc"}, "post_logout_redirect_uri": {uri}},
			{"post_logout_redirect_uri": {uri}},
		} {
			rec := w.call(http.MethodGet, params, cookie)
			if rec.Code != 400 || rec.Header().Get("Location") != "" || !strings.Contains(rec.Body.String(), `data-code="PF-SV-040"`) {
				t.Errorf("%v: %d %s", params, rec.Code, rec.Header().Get("Location"))
			}
		}
	}
	if !w.lives(s.SID) {
		t.Error("a refused request ended the session")
	}
}

// TestForgedHint: a hint that is not our ID token acts on nothing (LO2, RFC 8725 3.12).
func TestLO2AttackForgedHint(t *testing.T) {
	w := oneHost(t)
	s, cookie := w.begin("alice")
	good := w.idToken("alice", s.SID, "ID", "psc")
	parts := strings.Split(good, ".")
	none := "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + "."
	for name, hint := range map[string]string{
		"unsigned": none, "altered": parts[0] + "." + parts[1] + "x." + parts[2], "access token": w.idToken("alice", s.SID, "Bearer", "psc"),
		"rubbish": "x", "of another issuer": foreign(t, w, s.SID),
	} {
		rec := w.call(http.MethodGet, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {ours}}, cookie)
		if rec.Code != 400 || rec.Header().Get("Location") != "" || !w.lives(s.SID) {
			t.Errorf("%s: %d, lives %v", name, rec.Code, w.lives(s.SID))
		}
	}
	if len(w.audit.Failures()) != 5 {
		t.Errorf("failures %v", w.audit.Failures())
	}
}

func foreign(t *testing.T, w *world, sid string) string {
	t.Helper()
	payload := []byte(`{"iss":"https://other.example","sub":"alice","typ":"ID","aud":"psc","sid":"` + sid + `"}`)
	token, err := w.keys.Sign(jose.RS256, "JWT", payload)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestLogoutCSRF: a link or a form on another site cannot end a session.
func TestLO2AttackLogoutCSRF(t *testing.T) {
	w := oneHost(t)
	s, cookie := w.begin("alice")
	for _, params := range []url.Values{{}, {"client_id": {"psc"}}, {"confirm": {"yes"}}, {"confirm": {"yes"}, "csrf": {"guess"}}} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w.call(method, params, cookie, &http.Cookie{Name: "egide-browser", Value: strings.Repeat("a", 43)})
			if !w.lives(s.SID) {
				t.Fatalf("%s %v ended the session", method, params)
			}
		}
	}
}

// TestHintOfAnotherPerson: ask, do not act (LO3).
func TestLO3HintOfAnotherPerson(t *testing.T) {
	w := oneHost(t)
	alice, _ := w.begin("alice")
	bob, cookie := w.begin("bob")
	rec := w.call(http.MethodGet, url.Values{"id_token_hint": {w.idToken("alice", alice.SID, "ID", "psc")}, "post_logout_redirect_uri": {ours}}, cookie)
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), "logout-yes") || !w.lives(alice.SID) || !w.lives(bob.SID) {
		t.Fatalf("%d", rec.Code)
	}
	rec = w.call(http.MethodGet, url.Values{"id_token_hint": {w.idToken("bob", bob.SID, "ID", "psc")}, "client_id": {"web"}}, cookie)
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), "logout-yes") || !w.lives(bob.SID) {
		t.Fatalf("client_id mismatch acted: %d", rec.Code)
	}
}

func TestKeep(t *testing.T) {
	w := oneHost(t)
	s, cookie := w.begin("alice")
	rec := w.call(http.MethodGet, url.Values{}, cookie)
	form := url.Values{"confirm": {"no"}, "csrf": {csrfOf(t, rec)}}
	rec = w.call(http.MethodPost, form, append(rec.Result().Cookies(), cookie)...)
	if rec.Code != 200 || !w.lives(s.SID) || !strings.Contains(rec.Body.String(), "Vous restez connecté") {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
}

// TestTwoHosts: the cookie lives on the front; the issuer's host sends the browser there once.
func TestLO1TwoHosts(t *testing.T) {
	w := newWorld(t, "http://localhost:8081/auth")
	rec := w.call(http.MethodGet, url.Values{"client_id": {"psc"}})
	want := "http://localhost:8081" + path + "?client_id=psc&front=1"
	if rec.Code != 303 || rec.Header().Get("Location") != want {
		t.Fatalf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
	if rec = w.call(http.MethodGet, url.Values{"client_id": {"psc"}, "front": {"1"}}); rec.Code != 200 {
		t.Fatalf("loop: %d", rec.Code)
	}
}

func TestLO1CrossSitePostComesBackByGet(t *testing.T) {
	w := oneHost(t)
	rec := w.call(http.MethodPost, url.Values{"client_id": {"psc"}})
	if rec.Code != 303 || rec.Header().Get("Location") != path+"?client_id=psc&front=1" {
		t.Fatalf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
}

// TestNoTraceNoLogout: a logout that cannot be traced is not reported as done (HA5, D3).
func TestNoTraceNoLogout(t *testing.T) {
	w := oneHost(t)
	s, cookie := w.begin("alice")
	w.audit.Break(errors.New("disk full"))
	rec := w.call(http.MethodGet, url.Values{"id_token_hint": {w.idToken("alice", s.SID, "ID", "psc")}}, cookie)
	if rec.Code != 503 {
		t.Fatal(rec.Code)
	}
}

func TestBadInput(t *testing.T) {
	w := oneHost(t)
	for _, query := range []string{"client_id=a&client_id=b", "client_id=%ff%00", "client_id=nobody", "x=%zz", "state=" + strings.Repeat("a", 40000)} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.URL.RawQuery = query
		rec := httptest.NewRecorder()
		w.e.ServeHTTP(rec, r)
		if rec.Code < 400 || rec.Code > 499 || strings.Contains(rec.Body.String(), "goroutine") {
			t.Errorf("%.40s: %d", query, rec.Code)
		}
	}
	if rec := w.call(http.MethodDelete, nil); rec.Code != 405 {
		t.Error(rec.Code)
	}
}

// Everything of one person ends, nothing of another, and each end is traced.
func TestLO8EndPersonEndsAllHisSessions(t *testing.T) {
	w := oneHost(t)
	ctx := context.Background()
	a, _ := w.begin("kit")
	b, _ := w.begin("kit")
	other, _ := w.begin("sam")
	ended, err := w.l.EndPerson(ctx, "kit", ReasonOrder)
	if err != nil || len(ended) != 2 || w.raised["kit"] != 2 {
		t.Fatalf("%d ended, epoch %d, %v", len(ended), w.raised["kit"], err)
	}
	for _, s := range []session.Session{a, b} {
		if _, err := w.sessions.BySID(ctx, s.SID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", s.SID, err)
		}
	}
	if _, err := w.sessions.BySID(ctx, other.SID); err != nil {
		t.Errorf("another person: %v", err)
	}
	if _, err := w.l.EndPerson(ctx, "nobody", ReasonOrder); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// What services are told is written down before the session ends: if it cannot
// be, nothing ends and nobody is told that it did (D3).
func TestD3LO4NoticesAreWrittenBeforeTheSessionEnds(t *testing.T) {
	w := oneHost(t)
	ctx := context.Background()
	err := w.clients.Add(&client.Client{
		ID: "told", Name: "Service averti", Profile: client.ProfileOIDC, SecretHashes: []string{client.HashSecret("s")},
		RedirectURIs: []string{"https://told.example/cb"}, Logout: client.Logout{BackchannelURI: "https://told.example/bye"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := w.begin("kit")
	for _, id := range []string{"told", "web"} {
		if err := w.sessions.Touch(ctx, s.SID, id); err != nil {
			t.Fatal(err)
		}
	}
	w.told.err = fault.New(fault.Unavailable, "", "disk")
	if err := w.l.End(ctx, s.SID, ReasonLogout); !fault.Is(err, fault.Unavailable) || !w.lives(s.SID) || len(w.audit.Events()) != 0 {
		t.Errorf("%v, session lives: %v", err, w.lives(s.SID))
	}
	w.told.err = nil
	if err := w.l.End(ctx, s.SID, ReasonLogout); err != nil || w.lives(s.SID) {
		t.Errorf("%v, session lives: %v", err, w.lives(s.SID))
	}
	if len(w.told.list) != 1 || w.told.list[0] != (notice.Notice{Client: "told", Sub: "kit", SID: s.SID}) || w.told.sent != 1 {
		t.Errorf("%+v, %d sent", w.told.list, w.told.sent)
	}
}
