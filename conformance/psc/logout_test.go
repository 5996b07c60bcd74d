package psc

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// leave opens a logout address and tells where the browser came back, nil if
// it stayed on a page.
func (s *software) leave(parameters url.Values) *url.URL {
	s.t.Helper()
	s.atExit(func() { s.browser.Get(realm(protocol+"/logout") + "?" + parameters.Encode()) })
	return s.browser.Arrived
}

// atExit does something while the browser looks out for the logout address.
func (s *software) atExit(do func()) {
	s.browser.StopAt(func(u *url.URL) bool { return strings.HasPrefix(u.String(), s.PostLogoutRedirectURIs[0]) })
	defer s.browser.StopAt(func(u *url.URL) bool { return strings.HasPrefix(u.String(), s.RedirectURIs[0]) })
	do()
}

// over checks that nothing of the login is left.
func (s *software) over(a reply) {
	s.t.Helper()
	if s.signedIn() {
		s.t.Error("the next login asks nothing")
	}
	if info := s.userInfo(a.text(s.t, "access_token")); info.status != http.StatusUnauthorized {
		s.t.Errorf("UserInfo after logout: %d", info.status)
	}
	if told := s.introspect(a.text(s.t, "refresh_token")); told.document["active"] != false {
		s.t.Errorf("introspection after logout: %s", told.raw)
	}
	if r := s.refresh(a.text(s.t, "refresh_token")); r.status != http.StatusBadRequest || r.text(s.t, "error") != "invalid_grant" {
		s.t.Errorf("refresh after logout: %d %s", r.status, r.raw)
	}
}

func TestPoint12ServerSideGETWithHintOnly(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	hint := url.Values{"id_token_hint": {a.text(t, "id_token")}}
	out := s.send(http.MethodGet, realm(protocol+"/logout")+"?"+hint.Encode(), "")
	if out.status/100 != 2 {
		t.Errorf("%d %s", out.status, out.header)
	}
	s.over(a)
	if again := s.send(http.MethodGet, realm(protocol+"/logout")+"?"+hint.Encode(), ""); again.status/100 != 2 {
		t.Errorf("a second logout: %d", again.status)
	}
}

// The connector of the ANS, set to log out behind the browser, sends a state too.
func TestPoint12ServerSideGETWithHintAndState(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	hint := url.Values{"id_token_hint": {a.text(t, "id_token")}, "state": {oddState}}
	if out := s.send(http.MethodGet, realm(protocol+"/logout")+"?"+hint.Encode(), ""); out.status/100 != 2 {
		t.Errorf("%d %s", out.status, out.header)
	}
	s.over(a)
}

func TestPoint12ServerSidePOSTWithHintOnly(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	hint := url.Values{"id_token_hint": {a.text(t, "id_token")}}
	out := s.send(http.MethodPost, realm(protocol+"/logout"), hint.Encode(), asJavaForm)
	if out.status/100 != 2 {
		t.Errorf("%d %s", out.status, out.header)
	}
	s.over(a)
}

// The connector of the ANS fails when state does not come back. The ID token it
// shows has long expired: a service logs out at the end of the day.
func TestPoint12BrowserRedirectBringsStateBack(t *testing.T) {
	for _, s := range []*software{psc(t), newSoftware(t, neighbour)} {
		a := s.tokens()
		today.move(20 * time.Minute)
		arrived := s.leave(url.Values{
			"id_token_hint": {a.text(t, "id_token")}, "post_logout_redirect_uri": {s.PostLogoutRedirectURIs[0]}, "state": {oddState},
			"client_id": {s.ID}, // Keycloak adds it
		})
		if arrived == nil || arrived.Query().Get("state") != oddState {
			t.Fatalf("%s: arrived at %v", s.ID, arrived)
		}
		if strings.Contains(s.PostLogoutRedirectURIs[0], "?") && arrived.Query().Get("outil") != "autre" {
			t.Errorf("the URI lost its own query: %v", arrived)
		}
		s.over(a)
	}
}

// Section 4.6 b: no address to go back to, so a page says that it is over.
func TestPoint12BrowserWithHintOnlyStaysOnAPage(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	if arrived := s.leave(url.Values{"id_token_hint": {a.text(t, "id_token")}}); arrived != nil || s.browser.Page.Status != http.StatusOK {
		t.Errorf("arrived at %v", arrived)
	}
	s.over(a)
}

// Anybody can put such a link on his page: it must not log a person out by
// itself, and the person who wants out must be one press away from it.
func TestPoint12BrowserWithoutHintAsksFirst(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	link := url.Values{"client_id": {s.ID}, "post_logout_redirect_uri": {s.PostLogoutRedirectURIs[0]}, "state": {oddState}}
	if arrived := s.leave(link); arrived != nil || !s.browser.Page.Has("logout-yes") {
		t.Fatalf("not asked; arrived at %v", arrived)
	}
	if !s.signedIn() || s.userInfo(a.text(t, "access_token")).status != http.StatusOK {
		t.Fatal("the link alone ended the session")
	}
	s.leave(link)
	s.atExit(func() { s.browser.Submit("logout-yes", nil) })
	if s.browser.Arrived == nil || s.browser.Arrived.Query().Get("state") != oddState {
		t.Errorf("arrived at %v", s.browser.Arrived)
	}
	s.over(a)
	if arrived := s.leave(link); arrived == nil || arrived.Query().Get("state") != oddState {
		t.Errorf("nobody signed in, yet the browser stays: %v", arrived)
	}
}

func TestPoint12LogoutURIsAreRegisteredApart(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	for _, elsewhere := range []string{s.RedirectURIs[0], neighbour.PostLogoutRedirectURIs[0], "https://mal.invalid/"} {
		s.browser.StopAt(func(u *url.URL) bool { return strings.HasPrefix(u.String(), elsewhere) })
		s.browser.Get(realm(protocol+"/logout") + "?" + url.Values{
			"id_token_hint": {a.text(t, "id_token")}, "post_logout_redirect_uri": {elsewhere},
		}.Encode())
		if s.browser.Arrived != nil || s.browser.Page.Status != http.StatusBadRequest {
			t.Errorf("%s: arrived at %v", elsewhere, s.browser.Arrived)
		}
	}
}
