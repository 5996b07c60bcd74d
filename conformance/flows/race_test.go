package flows

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

const callers = 100

// answer is one JSON answer of the token family.
type answer struct {
	Status       int
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	Error        string `json:"error"`
	Active       bool   `json:"active"`
	Raw          string `json:"-"`
}

// post calls an endpoint as the service, with its registered authentication.
func (s *service) post(path string, form url.Values) answer {
	s.t.Helper()
	a, err := s.try(path, form)
	if err != nil {
		s.t.Error(err)
	}
	return a
}

func (s *service) try(path string, form url.Values) (answer, error) {
	if s.client.Secret == "" {
		form.Set("client_id", s.client.ID)
	}
	req, err := http.NewRequest(http.MethodPost, s.demo.Sheet.Issuer+"/protocol/openid-connect"+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.client.Secret != "" {
		req.SetBasicAuth(url.QueryEscape(s.client.ID), url.QueryEscape(s.client.Secret))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	a := answer{Status: res.StatusCode, Raw: string(body)}
	if len(body) > 0 && err == nil {
		err = json.Unmarshal(body, &a)
	}
	return a, err
}

func (s *service) redeemForm(a attempt, code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {s.client.RedirectURIs[0]}, "code_verifier": {a.verifier},
	}
}

// together makes the same call from many callers at once.
func together(call func(int) answer) []answer {
	answers := make([]answer, callers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			<-start
			answers[i] = call(i)
		})
	}
	close(start)
	all.Wait()
	return answers
}

// TK2, HA9: a stolen code raced against its owner gives one answer at most, and
// what was answered dies with the replay.
func TestD2HA9TK2ParallelRedemptionsHaveOneWinner(t *testing.T) {
	d := harness.Start(t)
	for _, id := range []string{"demo-psc", "demo-oidc"} {
		t.Run(id, func(t *testing.T) {
			s := newService(t, d, id, "openid", "scope_all")
			b, a := s.browser(), s.request()
			code := s.code(a, b.SignIn(a.address, d.Login(t, "approve-300ms")))
			winners := 0
			var won answer
			for _, got := range together(func(int) answer { return s.post("/token", s.redeemForm(a, code)) }) {
				switch {
				case got.Status == http.StatusOK:
					winners++
					won = got
				case got.Status != http.StatusBadRequest || got.Error != "invalid_grant":
					t.Errorf("loser got %d %s", got.Status, got.Raw)
				}
			}
			if winners != 1 {
				t.Fatalf("%d winners", winners)
			}
			if got := s.post("/token/introspect", url.Values{"token": {won.AccessToken}}); got.Active {
				t.Error("the token of a replayed code still lives")
			}
			if got := s.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {won.RefreshToken}}); got.Status == http.StatusOK {
				t.Error("the refresh token of a replayed code still lives")
			}
		})
	}
}

// Section 13: a psc client that lost an answer gets the same successor again;
// once that was used, the old token is a theft and kills the family.
func TestD2HA9ParallelRefreshesHaveOneSuccessor(t *testing.T) {
	d := harness.Start(t)
	s := newService(t, d, "demo-psc", "openid", "scope_all")
	first := s.login(s.browser(), d.Login(t, "approve-300ms"))
	form := func(token string) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	}
	successors := map[string]int{}
	for _, got := range together(func(int) answer { return s.post("/token", form(first.RefreshToken)) }) {
		if got.Status != http.StatusOK {
			t.Fatalf("within its grace a refresh was refused: %d %s", got.Status, got.Raw)
		}
		successors[got.RefreshToken]++
	}
	if len(successors) != 1 {
		t.Fatalf("%d successors of one refresh token", len(successors))
	}
	var next string
	for token := range successors {
		next = token
	}
	second := s.post("/token", form(next))
	if second.Status != http.StatusOK {
		t.Fatalf("the successor was refused: %s", second.Raw)
	}
	if got := s.post("/token", form(first.RefreshToken)); got.Status != http.StatusBadRequest || got.Error != "invalid_grant" {
		t.Errorf("an old refresh token answered %d %s", got.Status, got.Raw)
	}
	if got := s.post("/token", form(second.RefreshToken)); got.Status == http.StatusOK {
		t.Error("the family outlived the return of an old refresh token")
	}
}

// In the strict profile there is no grace: two uses of one refresh token end
// the family (RFC 9700 4.14.2).
func TestD1TK8ReplayedRefreshEndsTheFamilyOfAStrictClient(t *testing.T) {
	d := harness.Start(t)
	s := newService(t, d, "demo-oidc", "openid", "scope_all")
	first := s.login(s.browser(), d.Login(t, "approve-300ms"))
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.RefreshToken}}
	winners, last := 0, answer{}
	for _, got := range together(func(int) answer { return s.post("/token", form) }) {
		if got.Status == http.StatusOK {
			winners++
			last = got
		}
	}
	if winners > 1 {
		t.Fatalf("%d winners", winners)
	}
	if last.AccessToken != "" {
		if got := s.post("/token/introspect", url.Values{"token": {last.AccessToken}}); got.Active {
			t.Error("a token of a revoked family still lives")
		}
	}
}
