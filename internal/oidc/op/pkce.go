package op

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/oauth"
)

// challengeLength is that of base64url(SHA-256), without padding.
const challengeLength = 43

// checkChallenge holds AZ17: S256 only, required of everybody but the psc
// clients listed as exceptions. An absent method would mean plain (RFC 7636
// 4.3), so it is refused like plain.
func checkChallenge(c *client.Client, challenge, method string) error {
	if challenge == "" {
		if method != "" {
			return oauth.New(oauth.InvalidRequest, "code_challenge_method is sent without code_challenge")
		}
		if c.RequiresPKCE() {
			return oauth.New(oauth.InvalidRequest, "code_challenge is required of this client (PKCE, S256)")
		}
		return nil
	}
	if method != "S256" {
		return oauth.New(oauth.InvalidRequest, "code_challenge_method must be S256")
	}
	if len(challenge) != challengeLength || !unreserved(challenge, false) {
		return oauth.New(oauth.InvalidRequest, "code_challenge is not the base64url of a SHA-256 digest")
	}
	return nil
}

// checkVerifier compares at redemption. A stored challenge is always checked,
// whoever redeems: leaving the verifier out must not downgrade the flow; and a
// verifier without a challenge shows that the request was tampered with on its
// way (RFC 9700 2.1.1, 4.8.2).
func checkVerifier(challenge, verifier string) error {
	switch {
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		return oauth.New(oauth.InvalidGrant, "code_verifier is sent for a code that was asked without code_challenge")
	case verifier == "":
		return oauth.New(oauth.InvalidGrant, "code_verifier is missing")
	case len(verifier) < 43 || len(verifier) > 128 || !unreserved(verifier, true):
		return oauth.New(oauth.InvalidGrant, "code_verifier is malformed")
	}
	sum := sha256.Sum256([]byte(verifier))
	var want [challengeLength]byte
	base64.RawURLEncoding.Encode(want[:], sum[:])
	if subtle.ConstantTimeCompare(want[:], []byte(challenge)) != 1 {
		return oauth.New(oauth.InvalidGrant, "code_verifier does not match")
	}
	return nil
}

// unreserved tells that every character is of RFC 3986 2.3; dots and tildes are
// for verifiers, base64url has none.
func unreserved(s string, wide bool) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		case wide && (c == '.' || c == '~'):
		default:
			return false
		}
	}
	return true
}
