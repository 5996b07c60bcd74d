package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"

	"github.com/egide-id/egide/conformance/harness"
)

// bench drives one provider that runs in a process of its own.
type bench struct {
	node    *harness.Node
	caller  *caller
	session *http.Cookie // of a person who is logged in
	serial  atomic.Int64
}

// row is one line of the table: the operation, what it cannot do without, what
// it should reach.
type row struct {
	name     string
	requests int // HTTP requests the provider answers
	rs, es   int // signatures it makes
	aim      int // operations per CPU second, 0 where none is set
	run      func(ctx context.Context, worker int) error
}

const (
	benchSecret = "egide-bench-not-a-secret" // #nosec G101 -- exists on loopback while the bench runs
	verifier    = "a-code-verifier-of-at-least-forty-three-characters"
)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (b *bench) authorizeURL(s harness.Service) string {
	n := strconv.FormatInt(b.serial.Add(1), 10)
	q := url.Values{
		"response_type": {"code"}, "client_id": {s.ID}, "redirect_uri": {s.Redirect}, "scope": {"openid scope_all"},
		"acr_values": {"eidas1"}, "state": {"state-" + n}, "nonce": {"nonce-" + n},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
	return b.node.Authorization + "?" + q.Encode()
}

// codeWithSession asks for a code in a live session and redeems it.
func (b *bench) codeWithSession(s harness.Service) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error {
		a, err := b.caller.do(ctx, http.MethodGet, b.authorizeURL(s), nil, func(r *http.Request) { r.AddCookie(b.session) })
		if err != nil {
			return err
		}
		_, err = b.redeem(ctx, s, a)
		return err
	}
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

func (b *bench) redeem(ctx context.Context, s harness.Service, a answer) (tokens, error) {
	u, err := url.Parse(a.location)
	if err != nil || u.Query().Get("code") == "" {
		return tokens{}, fmt.Errorf("no code: %d %s", a.status, a.location)
	}
	return b.token(ctx, s, url.Values{
		"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")}, "redirect_uri": {s.Redirect}, "code_verifier": {verifier},
	})
}

func (b *bench) token(ctx context.Context, s harness.Service, form url.Values) (tokens, error) {
	var t tokens
	a, err := b.post(ctx, s, "/token", form)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(a.body, &t); err != nil || t.Access == "" {
		return t, fmt.Errorf("no token: %d %s", a.status, a.body)
	}
	return t, nil
}

func (b *bench) post(ctx context.Context, s harness.Service, path string, form url.Values) (answer, error) {
	a, err := b.caller.do(ctx, http.MethodPost, b.node.Endpoint(path), form, func(r *http.Request) { r.SetBasicAuth(s.ID, s.Secret) })
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", path, a.status, a.body)
	}
	return a, err
}

// refresh turns one family per worker round and round.
func (b *bench) refresh(s harness.Service, start []tokens) func(context.Context, int) error {
	return func(ctx context.Context, worker int) error {
		next, err := b.token(ctx, s, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {start[worker].Refresh}})
		if err == nil {
			start[worker] = next
		}
		return err
	}
}

func (b *bench) userInfo(t tokens) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error {
		a, err := b.caller.do(ctx, http.MethodGet, b.node.Endpoint("/userinfo"), nil, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+t.Access)
		})
		if err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("userinfo: %d %s", a.status, a.body)
		}
		return err
	}
}

func (b *bench) introspect(s harness.Service, t tokens) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error {
		_, err := b.post(ctx, s, "/token/introspect", url.Values{"token": {t.Access}})
		return err
	}
}

func (b *bench) clientCredentials(s harness.Service) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error {
		_, err := b.token(ctx, s, url.Values{"grant_type": {"client_credentials"}})
		return err
	}
}

func (b *bench) discovery(ctx context.Context, _ int) error {
	a, err := b.caller.do(ctx, http.MethodGet, b.node.Issuer+"/.well-known/openid-configuration", nil, nil)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("discovery: %d", a.status)
	}
	return err
}

// family gives each worker a fresh set of tokens of its own.
func (b *bench) family(ctx context.Context, s harness.Service) ([]tokens, error) {
	list := make([]tokens, workers)
	for i := range list {
		a, err := b.caller.do(ctx, http.MethodGet, b.authorizeURL(s), nil, func(r *http.Request) { r.AddCookie(b.session) })
		if err != nil {
			return nil, err
		}
		if list[i], err = b.redeem(ctx, s, a); err != nil {
			return nil, err
		}
	}
	return list, nil
}
