package notice

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	tokenType = "logout+jwt"    //nolint:gosec // a media type, no secret
	tokenLife = 2 * time.Minute // BCL 2.4 asks for at most that
	event     = "http://schemas.openid.net/event/backchannel-logout"
)

// token is the logout token (BCL 2.4): sub and sid both, so that a service that
// keeps either finds its session; no nonce, which would make it an ID token.
type token struct {
	Issuer   string              `json:"iss"`
	Subject  string              `json:"sub"`
	Audience string              `json:"aud"`
	Issued   int64               `json:"iat"`
	Expires  int64               `json:"exp"`
	ID       string              `json:"jti"`
	SID      string              `json:"sid"`
	Events   map[string]struct{} `json:"events"`
}

// sign makes the token of one try, by the algorithm of the service's ID tokens.
func (n *Notices) sign(c *client.Client, h held) (string, error) {
	id, err := uuid.NewRandomFromReader(n.d.Rand)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	now := n.d.Clock.Now()
	payload, err := json.Marshal(token{
		Issuer: n.d.Issuer, Subject: h.sub, Audience: c.ID, Issued: now.Unix(), Expires: now.Add(tokenLife).Unix(),
		ID: id.String(), SID: h.sid, Events: map[string]struct{}{event: {}},
	})
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "a logout token cannot be written", err)
	}
	return n.d.Keys.Sign(c.IDTokenAlg, tokenType, payload)
}
