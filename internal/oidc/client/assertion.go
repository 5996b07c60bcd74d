package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt"
)

// AssertionType is the one client_assertion_type (RFC 7523 2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Bounds of an assertion (CA3).
const (
	assertionLife = 10 * time.Minute // the expiry lies no further ahead
	clockLate     = 10 * time.Second // an expiry this long ago still counts: our clock may be ahead
	clockAhead    = 30 * time.Second // an issue this far ahead already counts: ours may be behind
	nodesApart    = time.Minute      // how far the clocks of two nodes may be apart (HA7)
	maxJTI        = 256
)

// checkAssertion is private_key_jwt (RFC 7523 3, Core 9). The single use is
// taken last: a forger who guesses an identifier must not use it up for the
// service it belongs to.
func (a *Authenticator) checkAssertion(ctx context.Context, c *Client, p *Presented) error {
	if p.AssertionType != AssertionType || p.token == nil {
		return fault.New(fault.Denied, "", "no assertion of the type known")
	}
	// Whoever has an ID token, a request object or a proof of the client must not be
	// able to use it as its assertion (CA4, RFC 8725 3.11).
	if !p.token.Is("", "jwt", "client-authentication+jwt") {
		return fault.New(fault.Denied, "", "the token is of another kind")
	}
	claims, err := a.keys.Verify(ctx, c, p.token, c.AssertionAlgs())
	if err != nil {
		return err
	}
	jti, until, err := assertion{claims, p.Audiences, a.clock.Now()}.check(c.ID)
	if err != nil {
		return err
	}
	return a.useOnce(ctx, c.ID, jti, until)
}

// assertion is one whose signature holds, and what it must be meant for.
type assertion struct {
	claims    jwt.Claims
	audiences []string
	now       time.Time
}

// check gives the identifier to use up and how long the assertion could be
// shown again.
func (a assertion) check(clientID string) (jti string, until time.Time, err error) {
	denied := func(why string) (string, time.Time, error) {
		return "", time.Time{}, fault.New(fault.Denied, "", "the assertion "+why)
	}
	for _, name := range []string{"iss", "sub"} {
		if who, err := a.claims.Text(name); err != nil || who != clientID {
			return denied("is not of and about the client: " + name)
		}
	}
	if !a.addressed() {
		return denied("is not for this endpoint alone")
	}
	exp, ok, err := a.claims.Time("exp")
	switch {
	case err != nil || !ok:
		return denied("does not say when it expires")
	case !a.now.Before(exp.Add(clockLate)):
		return denied("has expired")
	case exp.Sub(a.now) > assertionLife+clockLate:
		return denied("lives too long")
	}
	for _, name := range []string{"iat", "nbf"} {
		if at, _, err := a.claims.Time(name); err != nil || at.Sub(a.now) > clockAhead {
			return denied("is of the future: " + name)
		}
	}
	jti, err = a.claims.Text("jti")
	if err != nil || jti == "" || len(jti) > maxJTI {
		return denied("has no identifier of its own, or too long a one")
	}
	return jti, exp.Add(clockLate), nil
}

// addressed tells whether the assertion is meant for here: the issuer or the
// endpoint called, in a list with nothing that is another server's. Such a list
// is how a malicious server has a client's assertion made that it can itself show
// here (CA5, audience injection).
func (a assertion) addressed() bool {
	values, _, err := a.claims.Audience()
	if err != nil || len(a.audiences) == 0 {
		return false
	}
	meant := false
	for _, v := range values {
		here := slices.Contains(a.audiences, v)
		if !here && !strings.HasPrefix(v, a.audiences[0]+"/") {
			return false
		}
		meant = meant || here
	}
	return meant
}

// useOnce consumes the identifier for the client on all nodes: one create, of
// which one wins (D2). It stays until no node can take the assertion any more.
func (a *Authenticator) useOnce(ctx context.Context, clientID, jti string, until time.Time) error {
	sum := sha256.Sum256([]byte(clientID + "\x00" + jti))
	err := a.kv.Put(ctx, "client.jti:"+hex.EncodeToString(sum[:]), []byte{1}, until.Add(nodesApart).Sub(a.clock.Now()))
	if fault.Is(err, fault.Conflict) {
		return fault.Wrap(fault.Used, "", "the assertion was used before", err)
	}
	return err
}
