package dmp

import (
	"crypto/sha256"
	"net/http"
	"regexp"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/internal/dmp/policy"
)

// ownPath is what may follow a login: a page of ours, never a host
// ("//evil", "/\evil": open redirect, RFC 9700 section 4.11).
var ownPath = regexp.MustCompile(`^/(patient/[A-Za-z0-9-]{1,40}|situation)?$`)

// startLogin sends the browser to the provider (Core 1.0, 3.1.2.1).
func (s *Service) startLogin(w http.ResponseWriter, r *http.Request) {
	parties, err := s.provider.get(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	state, p, err := s.newLogin(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.logins.begin(state, p)
	opts := []rp.AuthURLOpt{
		rp.WithCodeChallenge(oidc.NewSHACodeChallenge(p.verifier)),
		param("nonce", p.nonce),
		param("acr_values", strings.Join(s.cfg.ACRValues, " ")),
		param("ui_locales", language(r)),
	}
	// A step-up whose level was already reached needs a new act of the holder,
	// else the provider's session would answer the same again (RFC 9470, 4).
	switch policy.Fact(r.URL.Query().Get("step_up")) {
	case policy.FactFactors:
		opts = append(opts, param("prompt", "login"))
	case policy.FactRecency:
		opts = append(opts, param("max_age", seconds(s.policy.MaxAge())))
	default:
	}
	w.Header().Set("Location", rp.AuthURL(state, parties.login, opts...))
	w.WriteHeader(http.StatusSeeOther)
}

func param(key, value string) rp.AuthURLOpt { return rp.AuthURLOpt(rp.WithURLParam(key, value)) }

// newLogin draws the secrets of one login and binds it to the browser.
func (s *Service) newLogin(w http.ResponseWriter, r *http.Request) (state string, p pending, err error) {
	browser := s.cookies.get(r, browserCookie)
	drawn := make([]string, 4)
	for i := range drawn {
		if drawn[i], err = secret(s.rand); err != nil {
			return "", pending{}, err
		}
	}
	if browser == "" {
		browser = drawn[3]
		s.cookies.set(w, browserCookie, browser)
	}
	next := r.URL.Query().Get("next")
	if !ownPath.MatchString(next) {
		next = "/"
	}
	return drawn[0], pending{browser: sha256.Sum256([]byte(browser)), nonce: drawn[1], verifier: drawn[2], next: next}, nil
}
