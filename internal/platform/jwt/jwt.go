// Package jwt reads tokens that somebody else signed: what services sign to
// prove who they are and what they ask. It is the one door for them (TK14), and
// it trusts nothing of what comes in: sizes and shapes are bounded before
// anything is parsed, the algorithm comes from policy and key and never from the
// token alone, and no token brings or names its own key (RFC 8725 3.1, 3.2, 3.10).
// What the claims mean is the caller's to judge.
package jwt

import (
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Limits of what is parsed at all.
const (
	MaxToken   = 16 << 10 // bytes, compact
	maxHeader  = 2 << 10  // bytes, in base64url
	maxDepth   = 10       // of JSON; the deepest known claim needs 5
	maxKeysTry = 4        // keys tried on one token
)

// Token is a signed token taken apart. Until Verify nothing in it is proven.
type Token struct {
	Alg jose.SignatureAlgorithm
	Kid string
	Typ string // as written; see Is

	compact string
	claims  Claims
}

// Parse takes a compact JWS apart. Errors: fault.Invalid.
func Parse(compact string) (*Token, error) {
	parts, rawHeader, err := Split(compact)
	if err != nil {
		return nil, err
	}
	t := &Token{compact: compact}
	if err := t.header(rawHeader); err != nil {
		return nil, err
	}
	payload, err := strict.DecodeString(parts[1])
	if err != nil {
		return nil, invalid("its payload is not base64url")
	}
	// A second spelling of one signature would be a second token.
	if _, err := strict.DecodeString(parts[2]); err != nil || parts[2] == "" {
		return nil, invalid("its signature is missing or not base64url")
	}
	if t.claims, err = object(payload); err != nil {
		return nil, err
	}
	return t, nil
}

// forbidden are header members that no token brings here: keys and addresses of
// keys (whoever signs could sign with his own), rules to be understood, a
// payload outside the encoding, and what belongs to encryption. A decompressor
// (zip) or a number of rounds (p2c) in a stranger's hand is his lever on our
// memory and time (RFC 8725 3.6, CVE class).
var forbidden = []string{"crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip", "p2c", "p2s", "epk"}

func (t *Token) header(raw []byte) error {
	h, err := object(raw)
	if err != nil {
		return err
	}
	for _, name := range forbidden {
		if _, ok := h[name]; ok {
			return invalid("its header holds " + name)
		}
	}
	alg, err := h.Text("alg")
	if err != nil {
		return err
	}
	t.Alg = jose.SignatureAlgorithm(alg)
	if !slices.Contains(known, t.Alg) {
		return invalid("its algorithm is none that is accepted")
	}
	if t.Kid, err = h.Text("kid"); err != nil {
		return err
	}
	t.Typ, err = h.Text("typ")
	return err
}

// Peek gives a text claim that nobody has proven: enough to look up whose keys
// to try, and for nothing else. Empty when it is absent or no text.
func (t *Token) Peek(name string) string {
	text, err := t.claims.Text(name)
	if err != nil {
		return ""
	}
	return text
}

// Is tells whether the token says of itself that it is of one of these kinds, ""
// among them for a token that does not say (RFC 7515 4.1.9: `application/` may be
// left out, and case does not count).
func (t *Token) Is(typs ...string) bool {
	typ := strings.TrimPrefix(strings.ToLower(t.Typ), "application/")
	return slices.Contains(typs, typ)
}

// Verify gives the claims once one of the keys has signed them with one of the
// algorithms allowed. The header must name one of those, and the key must be of
// its kind: neither `none`, nor a public key taken for an HMAC secret, nor a
// weaker algorithm than agreed leads anywhere (RFC 8725 2.1, 3.1).
// Errors: fault.NotFound when no key is meant, fault.Denied when none has signed.
func (t *Token) Verify(keys []jose.JSONWebKey, allowed []jose.SignatureAlgorithm) (Claims, error) {
	if !slices.Contains(allowed, t.Alg) {
		return nil, fault.New(fault.Denied, "", "the token is signed by an algorithm that is not allowed here")
	}
	candidates := t.candidates(keys)
	if len(candidates) == 0 {
		return nil, fault.New(fault.NotFound, "", "no key fits the token")
	}
	jws, err := jose.ParseSignedCompact(t.compact, []jose.SignatureAlgorithm{t.Alg})
	if err != nil {
		return nil, invalid("it cannot be read")
	}
	for _, key := range candidates {
		if _, err := jws.Verify(key.Key); err == nil {
			return t.claims, nil
		}
	}
	return nil, fault.New(fault.Denied, "", "the signature of the token does not hold")
}

// candidates are the keys that may have signed: by name if the token names one.
// Without a name there must be no choice (Core 10.1).
func (t *Token) candidates(keys []jose.JSONWebKey) []jose.JSONWebKey {
	var fit []jose.JSONWebKey
	for _, key := range keys {
		if (t.Kid == "" || key.KeyID == t.Kid) && Signs(key, t.Alg) {
			fit = append(fit, key)
		}
	}
	if t.Kid == "" && len(fit) > 1 || len(fit) > maxKeysTry {
		return nil
	}
	return fit
}

func invalid(why string) error {
	return fault.New(fault.Invalid, "", "the token is not acceptable: "+why)
}
