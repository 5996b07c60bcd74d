package harness

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// Party is a relying party on plain HTTP, for what a library would refuse to
// send and for choosing the node that answers.
type Party struct {
	t       TB
	node    *Node
	service Service
	http    *http.Client
	serial  *atomic.Int64
}

// NewParty makes a service of a node.
func NewParty(t TB, n *Node, s Service) *Party {
	return &Party{t: t, node: n, service: s, http: &http.Client{}, serial: new(atomic.Int64)}
}

// On is the same service speaking to another node.
func (p *Party) On(n *Node) *Party {
	other := *p
	other.node = n
	return &other
}

// Asked is one authorization request under way.
type Asked struct{ Address, State, Verifier string }

// Request makes an authorization request with PKCE.
func (p *Party) Request() Asked {
	n := p.serial.Add(1)
	a := Asked{State: fmt.Sprintf("state-%s-%d", p.service.ID, n), Verifier: fmt.Sprintf("verifier-%s-%d-%s", p.service.ID, n, strings.Repeat("v", 40))}
	sum := sha256.Sum256([]byte(a.Verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {p.service.ID}, "redirect_uri": {p.service.Redirect}, "scope": {"openid scope_all"},
		"acr_values": {"eidas1"}, "state": {a.State}, "nonce": {"nonce-" + a.State},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	a.Address = p.node.Authorization + "?" + q.Encode()
	return a
}

// Code takes the code of an answer that belongs to the request.
func (p *Party) Code(a Asked, arrived *url.URL) string {
	p.t.Helper()
	if arrived == nil {
		p.t.Fatal("the browser did not come back to the service")
	}
	if arrived.Query().Get("state") != a.State || arrived.Query().Get("code") == "" {
		p.t.Fatalf("no code for this request: %s", arrived)
	}
	return arrived.Query().Get("code")
}

// Answer is what an endpoint of the token family said.
type Answer struct {
	Status       int
	Raw          string
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	Error        string `json:"error"`
	Active       bool   `json:"active"`
}

// Redeem exchanges a code.
func (p *Party) Redeem(a Asked, code string) Answer {
	return p.Post("/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.service.Redirect}, "code_verifier": {a.Verifier},
	})
}

// Refresh turns a refresh token over.
func (p *Party) Refresh(token string) Answer {
	return p.Post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// Introspect asks about a token.
func (p *Party) Introspect(token string) Answer {
	return p.Post("/token/introspect", url.Values{"token": {token}})
}

// Revoke gives a token back.
func (p *Party) Revoke(token string) Answer { return p.Post("/revoke", url.Values{"token": {token}}) }

// Post calls an endpoint as the service. Status 0 means that nobody answered.
func (p *Party) Post(path string, form url.Values) Answer {
	req, err := http.NewRequest(http.MethodPost, p.node.base()+"/protocol/openid-connect"+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{Raw: err.Error()}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p.service.Secret != "" {
		req.SetBasicAuth(url.QueryEscape(p.service.ID), url.QueryEscape(p.service.Secret))
	}
	res, err := p.http.Do(req)
	if err != nil {
		return Answer{Raw: err.Error()}
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return Answer{Raw: err.Error()}
	}
	a := Answer{Status: res.StatusCode, Raw: string(body)}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &a); err != nil {
			a.Raw = err.Error() + ": " + a.Raw
		}
	}
	return a
}
