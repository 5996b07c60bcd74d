package op

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/signing"
)

// tokenAnswer is the token response (RFC 6749 5.1). The pointers are the
// fields Keycloak adds: psc clients crash without a numeric refresh_expires_in
// and a textual session_state (pro-sante-connect.md 0.7); others never see them.
type tokenAnswer struct {
	AccessToken      string `json:"access_token"`
	ExpiresIn        int64  `json:"expires_in"`
	RefreshExpiresIn *int64 `json:"refresh_expires_in,omitempty"`
	RefreshToken     string `json:"refresh_token,omitempty"`
	TokenType        string `json:"token_type"`
	IDToken          string `json:"id_token,omitempty"`
	NotBeforePolicy  *int64 `json:"not-before-policy,omitempty"`
	SessionState     string `json:"session_state,omitempty"`
	Scope            string `json:"scope"`
}

// minting is one set of tokens about to be made.
type minting struct {
	client *client.Client
	family grant.Family
	person rpps.Professional
	scope  []string
	bound  grant.Binding // of the access token
	via    string        // name of the key of the refresh token that asks
	now    time.Time
}

// mint makes and stores the tokens of a family's present generation.
func (o *OP) mint(ctx context.Context, m minting) (*tokenAnswer, error) {
	m.now = o.clock.Now()
	expires := m.now.Add(o.accessLife(m.client))
	if m.family.Ends.Before(expires) {
		expires = m.family.Ends // no token outlives the session (EXI RIE-PS 13)
	}
	in, err := o.input(m)
	if err != nil {
		return nil, err
	}
	in.Issued, in.Expires = m.now, expires
	jti, err := o.jti(m.client)
	if err != nil {
		return nil, err
	}
	in.JTI = jti
	access, err := o.accessToken(m.client, in)
	if err != nil {
		return nil, err
	}
	err = o.tokens.PutAccess(ctx, access, grant.Token{
		Kind: grant.KindPerson, Family: m.family.ID, ClientID: m.client.ID, ID: jti, Scope: m.scope,
		Kid: signing.Kid(access), Via: m.via, Generation: m.family.Generation, Issued: m.now, Expires: expires, Binding: m.bound,
	})
	if err != nil {
		return nil, err
	}
	a := &tokenAnswer{AccessToken: access, ExpiresIn: seconds(expires.Sub(m.now)), TokenType: "Bearer", Scope: strings.Join(m.scope, " ")}
	if slices.Contains(m.scope, client.ScopeOpenID) {
		if a.IDToken, err = o.idToken(m, in, access); err != nil {
			return nil, err
		}
	}
	return a, o.complete(a, m)
}

// complete adds the refresh token and what only psc clients read.
func (o *OP) complete(a *tokenAnswer, m minting) (err error) {
	refreshes := m.client.AllowsGrant(client.GrantRefresh)
	if refreshes {
		if a.RefreshToken, err = o.refreshToken(m); err != nil {
			return err
		}
	}
	if m.client.Profile == client.ProfilePSC {
		var lives, never int64
		if refreshes {
			lives = m.family.Expires.Unix() - m.now.Unix()
		}
		a.RefreshExpiresIn, a.NotBeforePolicy, a.SessionState = &lives, &never, m.family.SID
	}
	return nil
}

// input is what all documents of one login share: the person under the name
// that the service knows (Core 8).
func (o *OP) input(m minting) (claims.Input, error) {
	auth, err := o.named(m.client, m.family.Auth)
	return claims.Input{
		Issuer: o.issuer, ClientID: m.client.ID, Auth: auth, Person: m.person, SID: m.family.SID,
		Nonce: m.family.Nonce, ACR: m.family.ACR, Scope: m.scope, Audience: m.client.Audiences,
		Bound: confirmation(m.bound),
	}, err
}

// named gives the authentication as the service is told of it. A service's own
// token has no person.
func (o *OP) named(c *client.Client, auth authn.Authentication) (authn.Authentication, error) {
	if auth.Sub == "" {
		return auth, nil
	}
	sub, err := o.names.Sub(c, auth.Sub)
	auth.Sub = sub
	return auth, err
}

// accessToken writes the access token in the form the client registered.
func (o *OP) accessToken(c *client.Client, in claims.Input) (string, error) {
	switch c.AccessTokenFormat {
	case client.FormatPSC:
		return o.sign(c, "JWT", claims.NewPSCAccessToken(in))
	case client.FormatJWT:
		return o.sign(c, "at+jwt", claims.NewJWTAccessToken(in))
	case client.FormatOpaque:
		return grant.Random(o.rand)
	}
	return "", fault.New(fault.Internal, "", "client has no access token format")
}

func (o *OP) sign(c *client.Client, typ string, document any) (string, error) {
	payload, err := claims.Encode(document)
	if err != nil {
		return "", err
	}
	return o.keys.Sign(c.AccessTokenAlg, typ, payload)
}

// idToken writes the ID token, bound to the access token it goes with (TK6), with
// the claims that were asked for in it by name (TK7).
func (o *OP) idToken(m minting, in claims.Input, access string) (string, error) {
	c := m.client
	atHash := claims.AtHash(c.IDTokenAlg, access)
	id, err := uuid.NewRandomFromReader(o.rand)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	in.JTI = id.String()
	var document any
	if c.Profile == client.ProfilePSC {
		document = claims.NewPSCIDToken(in, atHash)
	} else {
		document = claims.NewIDToken(in, atHash)
	}
	if document, err = claims.With(document, m.family.Claims.IDToken, c, m.person, m.family.Auth); err != nil {
		return "", err
	}
	payload, err := claims.Encode(document)
	if err != nil {
		return "", err
	}
	return o.keys.Sign(c.IDTokenAlg, "JWT", payload)
}

// refreshToken writes the refresh token of the family's present generation: the
// same bytes each time, so that a repeated answer repeats it.
func (o *OP) refreshToken(m minting) (string, error) {
	in, err := o.input(m)
	if err != nil {
		return "", err
	}
	in.Scope = m.family.Scope // a narrowed access token does not narrow the family (RFC 6749 6)
	in.JTI, in.Issued, in.Expires = m.family.RefreshID(), m.family.Issued, m.family.Expires
	payload, err := claims.Encode(claims.NewRefreshToken(in))
	if err != nil {
		return "", err
	}
	return o.keys.SignRefresh(payload)
}

// jti names an access token. psc clients see the style of the recorded service.
func (o *OP) jti(c *client.Client) (string, error) {
	id, err := uuid.NewRandomFromReader(o.rand)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	if c.Profile == client.ProfilePSC {
		return "onrtac:" + id.String(), nil
	}
	return id.String(), nil
}

// seconds rounds down: a client must not believe a token lives longer than it does.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }
