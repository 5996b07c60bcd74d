package op

import (
	"slices"
	"time"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/jwt"
)

// objectLeeway is how far the clocks of a service and ours may be apart.
const objectLeeway = 30 * time.Second

// envelope are the claims about the object itself; all others are parameters.
var envelope = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

// readObject takes the parameters out of a proven object. What is wrong with it
// stays in them: the service is told, at its own address.
func (o *OP) readObject(caller *client.Client, claims jwt.Claims) parameters {
	p := parameters{values: make(map[string]string, len(claims))}
	for name := range claims {
		if slices.Contains(envelope, name) {
			continue
		}
		value, err := parameter(claims, name)
		if err != nil {
			p.wrong = badObject("a parameter in the request object is of a wrong type").Because(err)
			continue
		}
		p.values[name] = value
	}
	if p.wrong == nil {
		p.wrong = o.checkObject(caller, claims)
	}
	if p.get("client_id") == "" {
		p.values["client_id"] = caller.ID
	}
	return p
}

// parameter words a claim as it would stand in a query: a text as it is, a
// number or a JSON value (max_age, claims) as its JSON (RFC 9101 4).
func parameter(claims jwt.Claims, name string) (string, error) {
	switch raw := string(claims[name]); raw[0] {
	case '"':
		return claims.Text(name)
	case 'n': // null: not there
		return "", nil
	default:
		return raw, nil
	}
}

// checkObject tells what the object is not: of this client, for this server, of
// this time, or a request at all.
func (o *OP) checkObject(caller *client.Client, claims jwt.Claims) error {
	for _, name := range []string{"request", "request_uri"} {
		if claims.Has(name) {
			return badObject("a request object holds no other one: " + name)
		}
	}
	// With a sub it could be shown as the client's own assertion (RFC 9101 10.8).
	if claims.Has("sub") {
		return badObject("a request object has no sub")
	}
	named := false
	for _, name := range []string{"client_id", "iss"} {
		who, err := claims.Text(name)
		if err != nil || claims.Has(name) && who != caller.ID {
			return badObject("the request object is not of this client: " + name)
		}
		named = named || who != ""
	}
	if !named {
		return badObject("the request object does not say whose it is")
	}
	if audience, _, err := claims.Audience(); err != nil || !slices.Contains(audience, o.issuer) {
		return badObject("the request object is not for this provider: aud")
	}
	return o.checkObjectTime(claims)
}

func (o *OP) checkObjectTime(claims jwt.Claims) error {
	now := o.clock.Now()
	exp, expires, err := claims.Time("exp")
	if err != nil || expires && !now.Before(exp.Add(objectLeeway)) {
		return badObject("the request object has expired")
	}
	for _, name := range []string{"nbf", "iat"} {
		if at, _, err := claims.Time(name); err != nil || at.Sub(now) > objectLeeway {
			return badObject("the request object is of the future: " + name)
		}
	}
	return nil
}
