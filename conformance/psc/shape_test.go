package psc

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

// claimNames: case-exact names; within activities every key is always there and
// always a string.
func claimNames(t *testing.T, s *software) {
	access := s.tokens().text(t, "access_token")
	_, info := s.call(http.MethodGet, s.realm(protocol+"/userinfo"), nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) })
	for _, name := range []string{
		"Secteur_Activite", "sub", "SubjectOrganization", "Mode_Acces_Raison", "preferred_username", "given_name", "Acces_Regulation_Medicale",
		"UITVersion", "authMode", "Palier_Authentification", "SubjectOrganizationID", "PSI_Locale", "SubjectNameID", "PSISubjectNameID", "family_name",
	} {
		info.text(t, name)
	}
	for _, absent := range []string{"email", "email_verified"} {
		if _, ok := info[absent]; ok {
			t.Errorf("%s is there", absent)
		}
	}
	roles, _ := info["SubjectRole"].([]any)
	if len(roles) != 1 || roles[0] != "10^1.2.250.1.213.1.1.5.5" {
		t.Errorf("SubjectRole %v", info["SubjectRole"])
	}
	ids, _ := info["otherIds"].([]any)
	first, _ := ids[0].(map[string]any)
	if first["origine"] != "RPPS" || first["qualite"] != float64(1) {
		t.Errorf("otherIds %v", ids)
	}
	ref, _ := info["SubjectRefPro"].(map[string]any)
	practices, _ := ref["exercices"].([]any)
	for _, p := range practices {
		practice, _ := p.(map[string]any)
		activities, _ := practice["activities"].([]any)
		if len(activities) == 0 {
			t.Error("no activity")
		}
		for _, a := range activities {
			activity, _ := a.(map[string]any)
			if len(activity) != 30 {
				t.Errorf("%d keys in an activity, real ones have 30", len(activity))
			}
			for name, v := range activity {
				if _, ok := v.(string); !ok {
					t.Errorf("%s is %T", name, v)
				}
			}
		}
	}
}

// logout is called four ways by real clients (point 12).
func logout(t *testing.T, s *software) {
	out := s.realm(protocol + "/logout")
	back := s.PostLogoutRedirectURIs[0]
	hint := func() string { return s.tokens().text(t, "id_token") }
	over := func(how string) {
		t.Helper()
		s.browser.Get(s.ask("prompt", "none"))
		if s.browser.Arrived == nil || s.browser.Arrived.Query().Get("error") != "login_required" {
			t.Errorf("%s: the session goes on: %v", how, s.browser.Arrived)
		}
	}
	status, _ := s.call(http.MethodGet, out+"?"+url.Values{"id_token_hint": {hint()}}.Encode(), nil, func(*http.Request) {})
	if status/100 != 2 {
		t.Errorf("server-side GET: %d", status)
	}
	over("server-side GET")
	if status, _ = s.post(out, url.Values{"id_token_hint": {hint()}}, func(*http.Request) {}); status/100 != 2 {
		t.Errorf("server-side POST: %d", status)
	}
	over("server-side POST")

	token := hint()
	s.browser.StopAt(func(u *url.URL) bool { return strings.HasPrefix(u.String(), back) })
	s.browser.Get(out + "?" + url.Values{"id_token_hint": {token}, "post_logout_redirect_uri": {back}, "state": {"s 1"}}.Encode())
	if s.browser.Arrived == nil || s.browser.Arrived.Query().Get("state") != "s 1" {
		t.Errorf("browser with hint: arrived at %v", s.browser.Arrived)
	}
	s.browser.StopAt(harness.At(s.RedirectURIs[0]))
	over("browser with hint")

	s.tokens()
	s.browser.StopAt(func(u *url.URL) bool { return strings.HasPrefix(u.String(), back) })
	s.browser.Get(out + "?" + url.Values{"client_id": {s.ID}, "post_logout_redirect_uri": {back}}.Encode())
	if !s.browser.Page.Has("logout-yes") {
		t.Fatal("a logout that anybody's link could cause was not confirmed")
	}
	s.browser.Submit("logout-yes", nil)
	if s.browser.Arrived == nil {
		t.Error("browser without hint did not come back")
	}
	s.browser.StopAt(harness.At(s.RedirectURIs[0]))
	over("browser without hint")
}
