package client

import (
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/jwt"
	"github.com/egide-id/egide/internal/platform/outbound"
)

const maxRequestURIs = 20

// signingAlgs are what a client may sign with. HMAC is not among them: secrets
// are kept hashed. RS256 is for the baseline and psc (CA2).
func (c *Client) signingAlgs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.PS256, jose.ES256, jose.EdDSA, jose.RS256}
}

// SigningAlgs are the algorithms that some client may sign with, as metadata
// names them.
func SigningAlgs() []string {
	algs := (&Client{Profile: ProfileOIDC}).signingAlgs()
	names := make([]string, len(algs))
	for i, a := range algs {
		names[i] = string(a)
	}
	return names
}

// AssertionAlgs are the algorithms of this client's assertions: the one it
// registered, or all that its profile allows.
func (c *Client) AssertionAlgs() []jose.SignatureAlgorithm {
	return orAll(c.Keys.AssertionAlg, c.signingAlgs())
}

// ObjectAlgs are the algorithms of this client's request objects.
func (c *Client) ObjectAlgs() []jose.SignatureAlgorithm {
	return orAll(c.Requests.ObjectAlg, c.signingAlgs())
}

func orAll(one jose.SignatureAlgorithm, all []jose.SignatureAlgorithm) []jose.SignatureAlgorithm {
	if one != "" {
		return []jose.SignatureAlgorithm{one}
	}
	return all
}

// keys checks what the client signs with (RFC 7591 2, CA2, CA7).
func (k *checker) keys() {
	c := k.c
	none := !c.Keys.Registered()
	k.refuse(c.Keys.Set != nil && c.Keys.URI != "", "jwks_uri", "must be absent when jwks is there: keys by value or by address, never both")
	k.refuse(c.AuthMethod == AuthPrivateKeyJWT && none, "jwks", "is needed for private_key_jwt, or jwks_uri: the public keys of the service")
	if c.Keys.URI != "" {
		k.fetched("jwks_uri", c.Keys.URI)
	}
	if c.Keys.Set != nil {
		k.keySet(c.Keys.Set.Keys)
	}
	k.alg("token_endpoint_auth_signing_alg", c.Keys.AssertionAlg)
	k.refuse(c.Keys.AssertionAlg != "" && c.AuthMethod != AuthPrivateKeyJWT, "token_endpoint_auth_signing_alg", "is for auth_method private_key_jwt")

	k.alg("request_object_signing_alg", c.Requests.ObjectAlg)
	k.refuse(c.Requests.ObjectAlg != "" && none, "request_object_signing_alg", "needs jwks or jwks_uri: request objects are signed")
	k.refuse(c.Requests.MustSign && none, "require_signed_request_object", "needs jwks or jwks_uri: nothing could be verified")
	k.refuse(len(c.Requests.URIs) > 0 && none, "request_uris", "needs jwks or jwks_uri: request objects are signed")
	k.refuse(len(c.Requests.URIs) > maxRequestURIs, "request_uris", "holds more than 20 addresses")
	for i, u := range c.Requests.URIs {
		at := fmt.Sprintf("request_uris[%d]", i)
		k.fetched(at, u)
		k.refuse(slices.Contains(c.Requests.URIs[:i], u), at, "stands twice in the list")
	}
}

// fetched checks an address this server will go to. Where it leads is judged
// again at each fetch; loopback and private networks are left to the environment.
func (k *checker) fetched(path, address string) {
	if _, err := (outbound.Allow{Loopback: true, Private: true}).URL(address); err != nil {
		k.bad(path, "must be an https address without user or fragment, at most 2048 bytes")
	}
}

func (k *checker) alg(path string, alg jose.SignatureAlgorithm) {
	k.refuse(alg != "" && !slices.Contains(k.c.signingAlgs(), alg), path, "must be PS256, ES256, EdDSA or RS256")
}

// keySet checks the keys registered by value: public, strong, and each to be
// found by its name.
func (k *checker) keySet(keys []jose.JSONWebKey) {
	k.refuse(len(keys) == 0, "jwks", "holds no key")
	k.refuse(len(keys) > maxKeys, "jwks", "holds more than 20 keys")
	seen := map[string]bool{}
	for i, key := range keys {
		at := fmt.Sprintf("jwks.keys[%d]", i)
		if err := jwt.CheckKey(key); err != nil {
			k.bad(at, "%s", err)
		}
		k.refuse(key.KeyID == "" && len(keys) > 1, at, "needs a kid: with several keys each is found by its name")
		k.refuse(len(key.KeyID) > maxKeyID, at, "has a kid of more than 200 bytes")
		k.refuse(key.KeyID != "" && seen[key.KeyID], at, "has the kid of another key of the set")
		seen[key.KeyID] = true
	}
}
