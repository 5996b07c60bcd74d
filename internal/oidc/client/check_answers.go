package client

import (
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// answers checks how UserInfo and introspection are to be answered (Core 5.3.2,
// RFC 9701 6), and who the person is to this client.
func (k *checker) answers() {
	a := k.c.Answers
	k.refuse(a.UserInfoAlg != "" && !knownAlg(a.UserInfoAlg), "userinfo_signed_response_alg", mustBeAlg)
	k.refuse(a.IntrospectionAlg != "" && !knownAlg(a.IntrospectionAlg), "introspection_signed_response_alg", mustBeAlg)
	k.refuse(a.UserInfoAlg != "" && k.c.Profile == ProfilePSC, "userinfo_signed_response_alg", "is not for profile psc: its services read JSON")
	k.encryption()
	k.subjects()
}

func (k *checker) encryption() {
	a := k.c.Answers
	if a.UserInfoKeyAlg == "" {
		k.refuse(a.UserInfoEnc != "", "userinfo_encrypted_response_enc", "goes with userinfo_encrypted_response_alg")
		return
	}
	const path = "userinfo_encrypted_response_alg"
	k.refuse(!slices.Contains(EncryptionAlgs(), a.UserInfoKeyAlg), path, "must be RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW or ECDH-ES+A256KW")
	k.refuse(!slices.Contains(EncryptionEncs(), a.UserInfoEnc), "userinfo_encrypted_response_enc", "must be A128GCM, A256GCM, A128CBC-HS256 or A256CBC-HS512")
	k.refuse(a.UserInfoAlg == "", path, "goes with userinfo_signed_response_alg: anybody can encrypt to a public key, so that alone proves nothing")
	k.refuse(!k.c.Keys.Registered(), path, "needs jwks or jwks_uri: the key to encrypt to")
	k.refuse(k.c.Keys.Set != nil && !slices.ContainsFunc(k.c.Keys.Set.Keys, func(key jose.JSONWebKey) bool { return encrypts(key, a.UserInfoKeyAlg) }),
		path, "needs a key of use enc for this algorithm in jwks")
}

// subjects holds who may be known by what (Core 8, RE2). Services of the sector
// share one name. Outside it a name that differs is worth nothing beside a
// national identifier, or a scope or claim that gives one.
func (k *checker) subjects() {
	c := k.c
	k.refuse(c.Answers.SubjectType != SubjectPublic && c.Answers.SubjectType != SubjectPairwise, "subject_type", "must be public or pairwise")
	if !c.Pairwise() {
		k.refuse(c.Answers.SectorURI != "", "sector_identifier_uri", "goes with subject_type pairwise")
		return
	}
	k.refuse(c.Profile == ProfilePSC, "subject_type", "must be public in profile psc: its services know people by their national identifier")
	for _, s := range []string{ScopeIdentity, ScopeAll} {
		k.refuse(slices.Contains(c.Scopes, s), "scopes", s+" gives the national identifier, which a pairwise client must not have")
	}
	for i, name := range c.Answers.Claims {
		k.refuse(slices.Contains(Correlating(), name), fmt.Sprintf("claims[%d]", i), "tells a person apart everywhere, which a pairwise client must not")
	}
	k.refuse(c.Answers.SectorURI != "" && host(c.Answers.SectorURI) == "", "sector_identifier_uri", "must be an https address")
	k.refuse(c.Answers.SectorURI == "" && c.Sector() == "", "sector_identifier_uri",
		"is needed: the redirect URIs do not share one https host, so that nothing else names the sector")
}

const mustBeAlg = "must be RS256, PS256, ES256 or EdDSA"

func knownAlg(a jose.SignatureAlgorithm) bool {
	return a == jose.RS256 || a == jose.PS256 || a == jose.ES256 || a == jose.EdDSA
}
