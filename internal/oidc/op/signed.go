package op

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
)

// Media types of signed answers.
const (
	mediaJWT           = "application/jwt"
	mediaIntrospection = "application/token-introspection+jwt"
)

// typIntrospection sets a signed introspection apart from every other token of
// ours: nobody may take the description of an access token for one (RFC 9701 5,
// RFC 8725 3.11).
const typIntrospection = "token-introspection+jwt"

// userInfoAnswer gives UserInfo in the form the client registered: JSON, a JWT
// signed for it, or that closed to its key (Core 5.3.2).
func (o *OP) userInfoAnswer(ctx context.Context, c *client.Client, document any) (body []byte, media string, err error) {
	if c.Answers.UserInfoAlg == "" {
		body, err = claims.Encode(document)
		return body, echo.MIMEApplicationJSON, err
	}
	payload, err := claims.Encode(claims.Addressed(document, o.issuer, c.ID))
	if err != nil {
		return nil, "", err
	}
	token, err := o.keys.Sign(c.Answers.UserInfoAlg, "JWT", payload)
	if err == nil && c.Answers.UserInfoKeyAlg != "" {
		token, err = o.keySets.Encrypt(ctx, c, c.Answers.UserInfoKeyAlg, c.Answers.UserInfoEnc, token)
	}
	return []byte(token), mediaJWT, err
}

// introspected writes an introspection answer: signed for the caller when it
// asked so or registered it, also when all there is to say is that the token is
// not good (RFC 9701 4, 5).
func (o *OP) introspected(c echo.Context, caller *client.Client, answer any) error {
	c.Response().Header().Add("Vary", "Accept")
	if !wantsSigned(c.Request(), caller) {
		body, err := claims.Encode(answer)
		if err != nil {
			return err
		}
		return c.JSONBlob(http.StatusOK, body)
	}
	body, err := claims.Encode(claims.SignedIntrospection{
		Issuer: o.issuer, Audience: caller.ID, Issued: o.clock.Now().Unix(), Introspection: answer,
	})
	if err != nil {
		return err
	}
	token, err := o.keys.Sign(caller.SignsIntrospection(), typIntrospection, body)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, mediaIntrospection, []byte(token))
}

// wantsSigned reads the Accept header. A service that registered signed answers
// gets them unless it asks for JSON by name.
func wantsSigned(r *http.Request, caller *client.Client) bool {
	json := false
	for _, field := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(field, ",") {
			media, _, _ := strings.Cut(part, ";")
			switch strings.ToLower(strings.TrimSpace(media)) {
			case mediaIntrospection:
				return true
			case echo.MIMEApplicationJSON:
				json = true
			}
		}
	}
	return caller.Answers.IntrospectionAlg != "" && !json
}
