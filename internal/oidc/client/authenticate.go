package client

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/url"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Presented is what a caller sent to authenticate as a client. The Basic parts
// are those of the header as decoded from base64, still form-urlencoded.
type Presented struct {
	BasicID, BasicSecret string
	HasBasic             bool
	PostID, PostSecret   string
	HasPostSecret        bool
}

// Authenticate says which client is calling. A wrong secret, an unknown client
// and a method that is not the registered one are the same fault.Denied, in
// the same time, and nothing tells which (CA8). Two methods at once are
// fault.Invalid for an oidc client (CA1, RFC 6749 2.3); a psc client may use
// either or both, and then both must hold and name the same client.
func (r *Registry) Authenticate(p Presented) (*Client, error) {
	id, ok := p.client()
	if !ok {
		return nil, fault.New(fault.Invalid, "", "the client is missing or named in two different ways")
	}
	c, err := r.Lookup(id)
	if err != nil {
		c = &Client{} // goes the same way as a known one, and fails
	}
	basic := c.basicHolds(p)
	post := c.holds(p.PostSecret)
	switch {
	case err != nil:
		return nil, refused()
	case c.Profile == ProfilePSC:
		if !p.HasBasic && !p.HasPostSecret || p.HasBasic && !basic || p.HasPostSecret && !post {
			return nil, refused()
		}
		return c, nil
	case p.HasBasic && p.HasPostSecret:
		return nil, fault.New(fault.Invalid, "", "the client used two authentication methods at once")
	}
	if !c.strict(p, basic, post) {
		return nil, refused()
	}
	return c, nil
}

// strict holds an oidc client to the one method it registered.
func (c *Client) strict(p Presented, basic, post bool) bool {
	switch c.AuthMethod {
	case AuthBasic:
		return p.HasBasic && basic
	case AuthPost:
		return p.HasPostSecret && post
	case AuthNone:
		return !p.HasBasic && !p.HasPostSecret
	}
	return false
}

// client gives the identifier presented. Named in the header and in the body,
// it must be the same (TK4).
func (p Presented) client() (string, bool) {
	if !p.HasBasic {
		return p.PostID, p.PostID != ""
	}
	id, err := url.QueryUnescape(p.BasicID)
	if err != nil || id == "" || p.PostID != "" && p.PostID != id {
		return "", false
	}
	return id, true
}

// basicHolds checks the secret of the header. RFC 6749 2.3.1 form-urlencodes
// it; many psc clients send it as it is, so for them both readings count.
func (c *Client) basicHolds(p Presented) bool {
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

func refused() error {
	return fault.New(fault.Denied, "", "client authentication failed")
}

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
