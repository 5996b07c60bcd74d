package webpushtest

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Claims are what a server says of itself (RFC 8292 section 2).
type Claims struct {
	Aud string `json:"aud"`
	Exp int64  `json:"exp"`
	Sub string `json:"sub"`
}

// VerifyVAPID checks an Authorization header as a push service does: scheme,
// signature by "k" with ES256 and nothing else, audience, an end that lies ahead
// by a day at most, and a contact. It gives the claims and the key.
func VerifyVAPID(header, audience string, now time.Time) (Claims, string, error) {
	var c Claims
	t, k, err := parameters(header)
	if err != nil {
		return c, "", err
	}
	key, err := publicKey(k)
	if err != nil {
		return c, "", err
	}
	jws, err := jose.ParseSignedCompact(t, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return c, "", err
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return c, "", err
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, "", err
	}
	left := time.Unix(c.Exp, 0).Sub(now)
	switch {
	case c.Aud != audience:
		return c, "", fmt.Errorf("aud is %q, this is %q", c.Aud, audience)
	case left <= 0 || left > 24*time.Hour:
		return c, "", fmt.Errorf("exp lies %v ahead", left)
	case strings.HasPrefix(c.Sub, "mailto:mailto:"), !strings.HasPrefix(c.Sub, "mailto:") && !strings.HasPrefix(c.Sub, "https://"):
		return c, "", fmt.Errorf("sub %q is no contact", c.Sub)
	}
	return c, k, nil
}

// parameters reads "vapid t=..., k=..." (RFC 8292 section 3).
func parameters(header string) (t, k string, err error) {
	rest, ok := strings.CutPrefix(header, "vapid ")
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			t = value
		case "k":
			k = value
		}
	}
	if !ok || t == "" || k == "" {
		return "", "", errors.New("not a vapid authorization")
	}
	return t, k, nil
}

func publicKey(k string) (*ecdsa.PublicKey, error) {
	raw, err := base64.RawURLEncoding.DecodeString(k)
	if err != nil {
		return nil, err
	}
	if _, err := ecdh.P256().NewPublicKey(raw); err != nil {
		return nil, err
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
}
