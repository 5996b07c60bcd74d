package op

import "github.com/egide-id/egide/internal/oidc/claims"

// readHint verifies an id_token_hint as ours: a key of our set, the issuer, the
// kind of token. It may be expired (Core 3.1.2.1). A psc access token is signed
// by the same key and must not pass for an ID token (RFC 8725 3.12).
func (o *OP) readHint(token string) (claims.Hint, error) {
	payload, err := o.keys.Verify(token, "JWT")
	if err != nil {
		return claims.Hint{}, err
	}
	return claims.ReadHint(payload, o.issuer)
}
