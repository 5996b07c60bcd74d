package signing

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt"
)

var strict = base64.RawURLEncoding.Strict()

var errToken = fault.New(fault.Invalid, "", "token is not ours")

// Verify gives the payload of a token that one of our published keys signed
// (an id_token_hint, for example) and whose `typ` header is among typs; without
// any, "JWT". Issuer, audience, expiry and the `typ` claim are the caller's to
// judge.
//
// The token chooses nothing: the key is found by kid among ours and knows its
// own algorithm, so that neither `none` nor our public key as an HMAC secret
// leads anywhere (RFC 8725 sections 2.1 and 3.1), and a header that brings a
// key or points to one (jwk, jku, x5u, x5c) or that asks for rules of its own
// (crit) is refused unread.
func (k *Keys) Verify(token string, typs ...string) ([]byte, error) {
	if len(typs) == 0 {
		typs = []string{"JWT"}
	}
	_, h, err := split(token)
	if err != nil || !slices.Contains(typs, h.Typ) {
		return nil, errToken
	}
	key, ok := k.known(func(s *set) bool { _, ok := s.public[h.Kid]; return ok }).public[h.Kid]
	if !ok || jose.SignatureAlgorithm(key.Algorithm) != h.Alg {
		return nil, errToken
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm)})
	if err != nil {
		return nil, errToken
	}
	payload, err := jws.Verify(key.Key)
	if err != nil {
		return nil, errToken
	}
	return payload, nil
}

// split takes a compact JWS apart and reads its header, strictly.
func split(token string) (parts [3]string, h header, err error) {
	parts, raw, err := jwt.Split(token)
	if err != nil {
		return parts, h, errToken
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil || d.More() {
		return parts, h, errToken
	}
	return parts, h, nil
}
