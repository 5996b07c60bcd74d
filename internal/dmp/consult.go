package dmp

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/egide-id/egide/internal/dmp/policy"
)

// home is the first page: who you are here, and the records.
func (s *Service) home(w http.ResponseWriter, r *http.Request) {
	data := page{Name: "home", Records: s.records.list(), LoggedOut: s.wasLogout(w, r)}
	if one := s.sessions.get(s.cookies.get(r, sessionCookie)); one != nil {
		one.mu.Lock()
		v := one.view()
		one.mu.Unlock()
		data.View = &v
	}
	s.render(w, r, http.StatusOK, data)
}

// working gives the session of a request, confirmed by the provider, or sends
// the browser to log in and then back here.
func (s *Service) working(w http.ResponseWriter, r *http.Request, back string) (*session, view, bool) {
	cookie := s.cookies.get(r, sessionCookie)
	one := s.sessions.get(cookie)
	if one == nil {
		http.Redirect(w, r, "/login?next="+url.QueryEscape(back), http.StatusSeeOther)
		return nil, view{}, false
	}
	v, err := s.confirmed(r.Context(), one)
	switch {
	case errors.Is(err, errEnded):
		s.sessions.end(cookie)
		s.cookies.clear(w, sessionCookie)
		http.Redirect(w, r, "/login?next="+url.QueryEscape(back), http.StatusSeeOther)
		return nil, view{}, false
	case err != nil:
		s.fail(w, r, err)
		return nil, view{}, false
	}
	return one, v, true
}

// consult shows a record to whom the matrix lets in.
func (s *Service) consult(w http.ResponseWriter, r *http.Request) {
	rec, err := s.records.get(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	_, v, ok := s.working(w, r, r.URL.Path)
	if !ok {
		return
	}
	if v.Situation == nil && len(v.Situations) > 1 {
		http.Redirect(w, r, "/situation?next="+url.QueryEscape(r.URL.Path), http.StatusSeeOther)
		return
	}
	d := s.policy.Decide(policy.Facts{
		Person: v.Person, ACR: v.ACR, AMR: v.AMR, LoggedIn: v.LoggedIn, Now: s.clock.Now(),
		Situation: v.Situation.fact(), CareTeam: rec.caredForBy(v.Situation),
	})
	s.note(r, rec.ID, d)
	data := page{Name: "decision", View: &v, Decision: &d}
	status := http.StatusForbidden
	if d.Granted {
		status, data.Record = http.StatusOK, &rec
	}
	if d.StepUp {
		q := url.Values{"next": {r.URL.Path}, "step_up": {string(d.Fact)}}
		data.StepUp = "/login?" + q.Encode()
	}
	s.render(w, r, status, data)
}

// note leaves a trace of the decision: never the person, who is in the
// provider's trace of the login, and never the content of the record.
func (s *Service) note(r *http.Request, record string, d policy.Decision) {
	s.log.InfoContext(r.Context(), "access decided", slog.Bool("adding", r.Method == http.MethodPost),
		slog.Bool("granted", d.Granted), slog.String("rule", d.Rule),
		slog.String("reason_code", d.Code), slog.String("record", record))
}

// showSituations is the chooser.
func (s *Service) showSituations(w http.ResponseWriter, r *http.Request) {
	_, v, ok := s.working(w, r, "/situation")
	if !ok {
		return
	}
	s.render(w, r, http.StatusOK, page{Name: "situation", View: &v, Next: backTo(r.URL.Query().Get("next"))})
}

// chooseSituation keeps the choice. Only a situation of this person can be
// chosen: the form's value is a name to look up, never a fact.
func (s *Service) chooseSituation(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	one, v, ok := s.working(w, r, "/situation")
	if !ok {
		return
	}
	if err := ownForm(r, v.CSRF); err != nil {
		s.fail(w, r, err)
		return
	}
	key := r.PostFormValue("situation")
	next := backTo(r.PostFormValue("next"))
	if !one.choose(key) {
		s.render(w, r, http.StatusBadRequest, page{Name: "situation", View: &v, Next: next, Unchosen: true})
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // G710: backTo lets through nothing but our own paths
}

func (s *session) choose(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.situations {
		if one.Key == key {
			s.chosen = key
			return true
		}
	}
	return false
}

// backTo keeps a way back that is ours and not the chooser itself.
func backTo(next string) string {
	if !ownPath.MatchString(next) || next == "" || strings.HasPrefix(next, "/situation") {
		return "/"
	}
	return next
}
