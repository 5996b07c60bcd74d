package dmp

import (
	"crypto/subtle"
	"net/http"
	"net/url"
)

// logout ends this session first, then asks the provider to end his
// (RP-Initiated Logout 1.0, section 2). The person pressed a button: leaving
// the provider's session open would let the next one at this desk in.
func (s *Service) logout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	cookie := s.cookies.get(r, sessionCookie)
	one := s.sessions.get(cookie)
	if one == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if err := ownForm(r, one.csrf); err != nil {
		s.fail(w, r, err)
		return
	}
	one.mu.Lock()
	hint := one.idToken
	one.mu.Unlock()
	s.sessions.end(cookie)
	s.cookies.clear(w, sessionCookie)

	target, err := s.endSessionURL(w, r, hint)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	// A page may not link there: the hint is personal and belongs in no history
	// but the one redirect.
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Service) endSessionURL(w http.ResponseWriter, r *http.Request, hint string) (string, error) {
	parties, err := s.provider.get(r.Context())
	if err != nil {
		return "", err
	}
	state, err := secret(s.rand)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(parties.login.GetEndSessionEndpoint())
	if err != nil {
		return "", err
	}
	if u.Host == "" {
		return "/", nil // a provider without this endpoint: only our session ends
	}
	s.cookies.set(w, logoutCookie, state)
	q := u.Query()
	q.Set("id_token_hint", hint)
	q.Set("post_logout_redirect_uri", s.cfg.postLogoutURL())
	q.Set("state", state)
	q.Set("ui_locales", language(r))
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// wasLogout tells whether this visit is the way back from our own logout: a
// link from elsewhere cannot make the page say so.
func (s *Service) wasLogout(w http.ResponseWriter, r *http.Request) bool {
	sent := s.cookies.get(r, logoutCookie)
	back := r.URL.Query().Get("state")
	if sent == "" || subtle.ConstantTimeCompare([]byte(sent), []byte(back)) != 1 {
		return false
	}
	s.cookies.clear(w, logoutCookie)
	return true
}
