package dmp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/dmp/policy"
	"github.com/egide-id/egide/internal/platform/fault"
)

// apiAnswer is the body of every decision given to a program.
type apiAnswer struct {
	Decision   string         `json:"decision"` // granted | refused
	Rule       string         `json:"rule"`
	Code       string         `json:"code,omitempty"`
	Fact       policy.Fact    `json:"fact"`
	Message    string         `json:"message,omitempty"`
	Missing    string         `json:"missing,omitempty"`
	WhoCanMend string         `json:"who_can_mend,omitempty"`
	Situations []apiSituation `json:"situations,omitempty"` // when one must be chosen
	Record     *record        `json:"record,omitempty"`
}

type apiSituation struct {
	Key        string `json:"key"`
	Profession string `json:"profession"`
	Activity   string `json:"activity"`
	Structure  string `json:"structure"`
}

// apiConsult lets a program consult for the person its token stands for.
// A person with several situations names one by ?situation=.
func (s *Service) apiConsult(w http.ResponseWriter, r *http.Request) {
	token, ok := presented(w, r)
	if !ok {
		return
	}
	facts, situations, err := s.factsOf(r, token)
	if err != nil {
		s.apiFail(w, err)
		return
	}
	rec, err := s.records.get(r.PathValue("id"))
	if err != nil {
		s.apiFail(w, err)
		return
	}
	chosen := choose(situations, r.URL.Query().Get("situation"))
	facts.Situation, facts.CareTeam = chosen.fact(), rec.caredForBy(chosen)
	d := s.policy.Decide(facts)
	s.note(r, rec.ID, d)
	s.apiDecide(w, language(r), d, rec, situations)
}

// presented gives the token of a call, or answers that one is needed.
func presented(w http.ResponseWriter, r *http.Request) (string, bool) {
	token, ok := bearer(r)
	if !ok {
		challenge(w, "", "")
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error_description": "a Bearer token in the Authorization header is needed"})
	}
	return token, ok
}

// bearer reads the header only: a token in a query ends up in logs (RFC 9700, 4.3.2).
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != "" && len(r.Header.Values("Authorization")) == 1
}

// choose gives the named situation, or the only one.
func choose(all []situation, key string) *situation {
	for i := range all {
		if all[i].Key == key || key == "" && len(all) == 1 {
			return &all[i]
		}
	}
	return nil
}

func (s *Service) apiDecide(w http.ResponseWriter, lang string, d policy.Decision, rec record, all []situation) {
	a := apiAnswer{
		Decision: "refused", Rule: d.Rule, Code: d.Code, Fact: d.Fact,
		Message: d.Message.In(lang), Missing: d.Missing.In(lang), WhoCanMend: d.WhoCanMend.In(lang),
	}
	status := http.StatusForbidden
	switch {
	case d.Granted:
		a.Decision, a.Record, status = "granted", &rec, http.StatusOK
	case d.StepUp:
		status = http.StatusUnauthorized
		s.stepUp(w, d.Fact)
	case d.Fact == policy.FactSituation:
		for _, one := range all {
			a.Situations = append(a.Situations, apiSituation{one.Key, one.Profession, one.Activity, one.Structure})
		}
	}
	writeJSON(w, status, a)
}

// apiFail answers what is no decision.
func (s *Service) apiFail(w http.ResponseWriter, err error) {
	switch fault.KindOf(err) {
	case fault.Denied:
		challenge(w, "invalid_token", "the token is not active")
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "code": fault.CodeOf(err)})
	case fault.NotFound:
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "not_found", "code": fault.CodeOf(err)})
	case fault.Unavailable:
		w.Header().Set("Retry-After", "2")
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable", "code": fault.CodeOf(err)})
	case fault.Invalid:
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": err.Error()})
	case fault.Conflict:
		writeJSON(w, http.StatusConflict, map[string]string{"error": "conflict", "code": fault.CodeOf(err)})
	case fault.Internal, fault.Expired, fault.Used:
		writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
	}
}

// stepUp says what authentication would do (RFC 9470, section 3): the client
// takes the parameters to the provider, and a new token back here.
func (s *Service) stepUp(w http.ResponseWriter, f policy.Fact) {
	if f == policy.FactRecency {
		challenge(w, "insufficient_user_authentication", "a more recent authentication is needed", "max_age", seconds(s.policy.MaxAge()))
		return
	}
	challenge(w, "insufficient_user_authentication", "a stronger authentication is needed", "acr_values", strings.Join(s.cfg.ACRValues, " "))
}

// challenge tells a client what to bring (RFC 6750, section 3), with more
// parameters if any. Values are our own: nothing in them needs escaping.
func challenge(w http.ResponseWriter, code, description string, more ...string) {
	value := `Bearer realm="dmp"`
	if code != "" {
		value += `, error="` + code + `", error_description="` + description + `"`
	}
	for i := 0; i+1 < len(more); i += 2 {
		value += `, ` + more[i] + `="` + more[i+1] + `"`
	}
	w.Header().Set("WWW-Authenticate", value)
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		err = errors.Join(err, errors.New("dmp: answer"))
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that left is no fault of ours
}
