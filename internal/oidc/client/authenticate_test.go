package client

import (
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

const odd = "p+s%41 é&=:/" // changes under form-urlencoding

func authenticator(t *testing.T) *Authenticator {
	t.Helper()
	r := New(Options{})
	base := Client{
		Name: "Service d'essai", Profile: ProfileOIDC, AuthMethod: AuthBasic, RedirectURIs: []string{"https://a.invalid/cb"},
		SecretHashes: []string{HashSecret("former"), HashSecret("secret")},
	}
	with := func(id string, change func(*Client)) {
		c := base
		c.ID = id
		change(&c)
		if err := r.Add(&c); err != nil {
			t.Fatal(err)
		}
	}
	with("basic", func(*Client) {})
	with("post", func(c *Client) { c.AuthMethod = AuthPost })
	with("public", func(c *Client) { c.AuthMethod, c.SecretHashes = AuthNone, nil })
	with("psc", func(c *Client) { c.Profile = ProfilePSC })
	with("odd", func(c *Client) { c.SecretHashes = []string{HashSecret(odd)} })
	with("oddpsc", func(c *Client) { c.Profile, c.SecretHashes = ProfilePSC, []string{HashSecret(odd)} })
	return NewAuthenticator(AuthenticatorDeps{Clients: r})
}

func basicOf(id, secret string) Presented {
	return Presented{HasBasic: true, BasicID: id, BasicSecret: secret}
}

func postOf(id, secret string) Presented {
	return Presented{PostID: id, HasPostSecret: true, PostSecret: secret}
}

func both(b, p Presented) Presented {
	b.PostID, b.PostSecret, b.HasPostSecret = p.PostID, p.PostSecret, p.HasPostSecret
	return b
}

func TestCA1D1SecretsByHeaderAndBody(t *testing.T) {
	none := func(id string) Presented { return Presented{PostID: id} }
	cases := []struct {
		name string
		in   Presented
		want string // client, or
		kind fault.Kind
	}{
		{"basic", basicOf("basic", "secret"), "basic", 0},
		{"basic, secret being replaced", basicOf("basic", "former"), "basic", 0},
		{"basic with the same client_id in the body", both(basicOf("basic", "secret"), none("basic")), "basic", 0},
		{"basic with another client_id in the body", both(basicOf("basic", "secret"), none("post")), "", fault.Invalid},
		{"basic, wrong secret", basicOf("basic", "wrong"), "", fault.Denied},
		{"basic, empty secret", basicOf("basic", ""), "", fault.Denied},
		{"basic, hash as secret", basicOf("basic", HashSecret("secret")), "", fault.Denied},
		{"unknown client", basicOf("nobody", "secret"), "", fault.Denied},
		{"unknown client without secret", none("nobody"), "", fault.Denied},
		{"nothing", Presented{}, "", fault.Invalid},
		{"basic without id", basicOf("", "secret"), "", fault.Invalid},
		{"basic id that cannot be decoded", basicOf("%zz", "secret"), "", fault.Invalid},
		{"post", postOf("post", "secret"), "post", 0},
		{"post, wrong", postOf("post", "wrong"), "", fault.Denied},
		{"post for a basic client", postOf("basic", "secret"), "", fault.Denied},
		{"basic for a post client", basicOf("post", "secret"), "", fault.Denied},
		{"two methods at once", both(basicOf("basic", "secret"), postOf("basic", "secret")), "", fault.Invalid},
		{"confidential client without its secret", none("basic"), "", fault.Denied},
		{"public", none("public"), "public", 0},
		{"public with a secret", postOf("public", "x"), "", fault.Denied},
		{"public with basic", basicOf("public", ""), "", fault.Denied},
		{"psc by basic", basicOf("psc", "secret"), "psc", 0},
		{"psc by post", postOf("psc", "secret"), "psc", 0},
		{"psc by both", both(basicOf("psc", "secret"), postOf("psc", "secret")), "psc", 0},
		{"psc by both, basic wrong", both(basicOf("psc", "wrong"), postOf("psc", "secret")), "", fault.Denied},
		{"psc by both, post wrong", both(basicOf("psc", "secret"), postOf("psc", "wrong")), "", fault.Denied},
		{"psc by both, two clients", both(basicOf("psc", "secret"), postOf("basic", "secret")), "", fault.Invalid},
		{"psc without a secret", none("psc"), "", fault.Denied},
		{"urlencoded secret", basicOf("odd", url.QueryEscape(odd)), "odd", 0},
		{"raw secret, strict", basicOf("odd", odd), "", fault.Denied},
		{"raw secret, psc", basicOf("oddpsc", odd), "oddpsc", 0},
		{"urlencoded secret, psc", basicOf("oddpsc", url.QueryEscape(odd)), "oddpsc", 0},
		{"odd secret by body is never decoded", postOf("oddpsc", odd), "oddpsc", 0},
	}
	a := authenticator(t)
	for _, c := range cases {
		got, err := a.Authenticate(t.Context(), c.in)
		if c.want == "" {
			if got != nil || !fault.Is(err, c.kind) {
				t.Errorf("%s: %v, %v; want a %v fault", c.name, got, err, c.kind)
			}
			continue
		}
		if err != nil || got.ID != c.want {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

// Nothing in the refusal tells an unknown client from a wrong secret (CA8).
func TestCA8RefusalTellsNothing(t *testing.T) {
	a := authenticator(t)
	words := func(err error) string { // all that an edge can show
		f, ok := errors.AsType[*fault.Error](err)
		if !ok {
			t.Fatal(err)
		}
		return f.Kind.String() + f.Detail + fault.CodeOf(err)
	}
	_, unknown := a.Authenticate(t.Context(), basicOf("nobody", "x"))
	for _, in := range []Presented{basicOf("basic", "x"), postOf("basic", "secret"), basicOf("post", "secret"), basicOf("psc", "x")} {
		if _, err := a.Authenticate(t.Context(), in); err == nil || words(err) != words(unknown) {
			t.Errorf("%q differs from %q", err, unknown)
		}
	}
}

func TestNewSecret(t *testing.T) {
	a, err := NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != 43 || url.QueryEscape(a) != a {
		t.Errorf("%q changes when urlencoded, or is not 256 bits", a)
	}
	if _, err := NewSecret(strings.NewReader("short")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("made a secret without randomness: %v", err)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	r := New(Options{})
	c := Client{ID: "a", Name: "a", Profile: ProfileOIDC, RedirectURIs: []string{"https://a.invalid/cb"}, SecretHashes: []string{HashSecret("secret")}}
	if err := r.Add(&c); err != nil {
		b.Fatal(err)
	}
	a, p := NewAuthenticator(AuthenticatorDeps{Clients: r}), basicOf("a", "secret")
	for b.Loop() {
		if _, err := a.Authenticate(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}
