package op

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/oauth"
)

// Limits on what a stranger may send (AZ1, AZ8).
const (
	maxQuery     = 16 << 10
	maxForm      = 64 << 10
	maxState     = 2000
	maxNonce     = 384
	maxParameter = 4000
	maxHint      = 1000
)

// parameters is an authorization request as received, each parameter once. What
// reads it does not care whether it stood in a query or in an object.
type parameters struct {
	values   map[string]string
	repeated []string // names of the parameters sent more than once
	wrong    error    // what is wrong with the request as a whole, told once its destination is known
}

// parseParameters reads the query. Only the first value of a repeated
// parameter is kept; the request is refused, but where the answer may go is
// decided first (AZ1, AZ3). An empty value is an absent one (RFC 6749 3.1).
func parseParameters(rawQuery string) (parameters, error) {
	if len(rawQuery) > maxQuery {
		return parameters{}, oauth.New(oauth.InvalidRequest, "the request is too long")
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return parameters{}, oauth.New(oauth.InvalidRequest, "the request cannot be decoded").Because(err)
	}
	p := parameters{values: make(map[string]string, len(query))}
	for name, values := range query {
		if len(values) > 1 {
			p.repeated = append(p.repeated, name)
		}
		p.values[name] = values[0]
	}
	return p, nil
}

func (p parameters) get(name string) string { return p.values[name] }

// once gives a parameter that must be there, one time.
func (p parameters) once(name string) (string, error) {
	if slices.Contains(p.repeated, name) {
		return "", oauth.New(oauth.InvalidRequest, "a parameter is sent more than once: "+name)
	}
	if p.get(name) == "" {
		return "", oauth.New(oauth.InvalidRequest, "a parameter is missing: "+name)
	}
	return p.get(name), nil
}

// hint gives a parameter that only helps. One that cannot be used is not there:
// such a parameter never causes an error (AZ13).
func (p parameters) hint(name string) string {
	value := p.values[name]
	if len(value) > maxHint || !plainText(value) {
		return ""
	}
	return value
}

func (p parameters) list(name string) []string { return strings.Fields(p.values[name]) }

// wellFormed checks sizes and characters of everything that is echoed or kept.
func (p parameters) wellFormed() error {
	if len(p.repeated) > 0 {
		return oauth.New(oauth.InvalidRequest, "a parameter is sent more than once: "+p.repeated[0])
	}
	for _, name := range [...]string{"scope", "prompt", "id_token_hint"} {
		if len(p.get(name)) > maxParameter {
			return oauth.New(oauth.InvalidRequest, "a parameter is too long: "+name)
		}
	}
	if len(p.get("nonce")) > maxNonce {
		return oauth.New(oauth.InvalidRequest, "nonce is longer than 384 characters")
	}
	for _, name := range [...]string{"nonce", "scope"} {
		if !plainText(p.get(name)) {
			return oauth.New(oauth.InvalidRequest, "a parameter holds control characters: "+name)
		}
	}
	return nil
}

// state gives the state to echo. One that cannot be carried back unchanged is
// not carried back at all: the service then sees the refusal without it (AZ8).
func (p parameters) state() (string, error) {
	state := p.get("state")
	switch {
	case len(state) > maxState:
		return "", oauth.New(oauth.InvalidRequest, "state is longer than 2000 characters")
	case !plainText(state):
		return "", oauth.New(oauth.InvalidRequest, "state holds control characters")
	}
	return state, nil
}

// maxAge gives max_age in seconds; when it was not sent the client's default
// (Registration 2), nil if there is none.
func maxAge(c *client.Client, p parameters) (*int, error) {
	raw := p.get("max_age")
	if raw == "" {
		if c.Requests.DefaultMaxAge == nil {
			return nil, nil //nolint:nilnil // absence is an answer here: max_age=0 means something else
		}
		n := int(*c.Requests.DefaultMaxAge / time.Second)
		return &n, nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 || raw[0] == '+' || raw[0] == '-' {
		return nil, oauth.New(oauth.InvalidRequest, "max_age is not a number of seconds")
	}
	const year = 366 * 24 * 3600 // beyond it the number only overflows
	n = min(n, year)
	return &n, nil
}

// plainText tells that a value can be kept and echoed unchanged everywhere.
func plainText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) < 0
}
