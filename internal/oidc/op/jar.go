package op

import (
	"context"
	"slices"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt"
)

// effective gives the request that counts: the query, or what the object in it
// says (RFC 9101). The error is for an object that nobody has proven: nothing it
// or the query beside it says decides where the browser goes (AZ3). What is wrong
// with a proven object is in the parameters, and goes back to the service.
//
// A client without keys has nothing to sign with: its query comes back as it is,
// and supported gives the named error (AZ16).
func (o *OP) effective(ctx context.Context, caller *client.Client, p parameters) (parameters, error) {
	object, uri := p.get("request"), p.get("request_uri")
	switch {
	case !caller.Keys.Registered():
		return p, nil
	case object == "" && uri == "":
		if caller.Requests.MustSign {
			p.wrong = oauth.New(oauth.InvalidRequest, "the requests of this client are signed")
		}
		return p, nil
	case object != "" && uri != "" || slices.Contains(p.repeated, "request") || slices.Contains(p.repeated, "request_uri"):
		return parameters{}, oauth.New(oauth.InvalidRequest, "one request object at a time")
	case uri != "":
		var err error
		if object, err = o.fetchObject(ctx, caller, uri); err != nil {
			return parameters{}, err
		}
	}
	return o.openObject(ctx, caller, object)
}

// openObject proves a request object and reads it. Only what stands in it
// counts (RFC 9101 6.3): parameters beside it could be anybody's. Errors: invalid_request_object
// when it is not proven, fault.Unavailable when it cannot be.
func (o *OP) openObject(ctx context.Context, caller *client.Client, compact string) (parameters, error) {
	token, err := jwt.Parse(compact)
	if err != nil {
		return parameters{}, badObject("the request object cannot be read, or is encrypted").Because(err)
	}
	// Another token of the client must not be taken for a request, nor a request for
	// it: so say the types, where they are said (RFC 9101 10.8, RFC 8725 3.11).
	if !token.Is("", "jwt", "oauth-authz-req+jwt") {
		return parameters{}, badObject("the token is no request object")
	}
	claims, err := o.keySets.Verify(ctx, caller, token, caller.ObjectAlgs())
	if fault.Is(err, fault.Unavailable) {
		return parameters{}, err
	}
	if err != nil {
		return parameters{}, badObject("the request object is not signed by the client").Because(err)
	}
	return o.readObject(caller, claims), nil
}

func badObject(description string) *oauth.Error {
	return oauth.New(oauth.InvalidRequestObject, description)
}
