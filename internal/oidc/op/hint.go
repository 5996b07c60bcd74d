package op

import (
	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
)

// hinted gives the stored sub of the person an id_token_hint names. The hint
// must be ours: a key of our set, the issuer, the kind of token. It may be
// expired (Core 3.1.2.1). A psc access token is signed by the same key and must
// not pass for an ID token (RFC 8725 3.12). Its sub is the name that the service
// it was made for knows, whoever shows it now.
func (o *OP) hinted(token string) (string, error) {
	payload, err := o.keys.Verify(token, "JWT")
	if err != nil {
		return "", err
	}
	hint, err := claims.ReadHint(payload, o.issuer)
	if err != nil {
		return "", err
	}
	addressee, err := o.clients.Lookup(hint.Audience)
	if err != nil {
		return "", err
	}
	return o.personOf(addressee, hint.Sub)
}

// nobody is the sub of no person: whoever logs in, it is another one.
const nobody = "-"

// personOf turns the name a service knows into the stored sub; a name that it
// was never given names nobody, which the login then tells (login_required).
func (o *OP) personOf(c *client.Client, sub string) (string, error) {
	person, err := o.names.Person(c, sub)
	if fault.Is(err, fault.NotFound) {
		return nobody, nil
	}
	return person, err
}
