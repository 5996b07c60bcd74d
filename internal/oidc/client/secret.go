package client

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/url"

	"github.com/egide-id/egide/internal/platform/fault"
)

// checkSecrets checks the secret wherever it was sent (client_secret_basic,
// client_secret_post).
func checkSecrets(_ context.Context, c *Client, p *Presented) error {
	basic, post := c.basicHolds(p), c.holds(p.PostSecret)
	if p.HasBasic && !basic || p.HasPostSecret && !post {
		return fault.New(fault.Denied, "", "wrong secret")
	}
	return nil
}

// basicHolds checks the secret of the header. RFC 6749 2.3.1 form-urlencodes
// it; many psc clients send it as it is, so for them both readings count.
func (c *Client) basicHolds(p *Presented) bool {
	decoded, err := url.QueryUnescape(p.BasicSecret)
	holds := c.holds(decoded) && err == nil
	raw := c.holds(p.BasicSecret) && c.Profile == ProfilePSC
	return holds || raw
}

// holds compares a secret with every hash of the client, all of them always:
// neither the place of the right one nor how much of it fits shows in the time.
// A client without a hash costs one comparison and holds nothing.
func (c *Client) holds(secret string) bool {
	sum := sha256.Sum256([]byte(secret))
	got := []byte(hex.EncodeToString(sum[:]))
	hashes := c.SecretHashes
	if len(hashes) == 0 {
		hashes = noSecret
	}
	found := 0
	for _, hash := range hashes {
		found |= subtle.ConstantTimeCompare(got, []byte(hash))
	}
	return found == 1
}

// noSecret is as long as a hash and the hash of nothing known.
var noSecret = []string{"0000000000000000000000000000000000000000000000000000000000000000"}

// HashSecret gives a secret as SecretHashes keeps it. Secrets are made by
// NewSecret, 256 random bits, so a fast hash is enough: there is nothing to guess.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// NewSecret makes a client secret: 256 random bits in base64url, which no
// urlencoding changes, so that clients who forget it (RFC 6749 2.3.1) still work.
func NewSecret(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
