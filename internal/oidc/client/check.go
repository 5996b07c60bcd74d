package client

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
)

// fillDefaults completes what the file left out with the usual choice of the profile.
func (c *Client) fillDefaults() {
	orDefault(&c.AuthMethod, AuthBasic)
	orDefault(&c.IDTokenAlg, jose.RS256)
	orDefault(&c.AccessTokenAlg, c.IDTokenAlg)
	orDefault(&c.Answers.SubjectType, SubjectPublic)
	if c.Answers.UserInfoKeyAlg != "" {
		orDefault(&c.Answers.UserInfoEnc, jose.A128CBC_HS256) // Registration 2
	}
	if c.Profile == ProfilePSC {
		orDefault(&c.AccessTokenFormat, FormatPSC)
	}
	orDefault(&c.AccessTokenFormat, FormatOpaque)
	if c.GrantTypes == nil {
		c.GrantTypes = []string{GrantCode, GrantRefresh}
	}
	if c.Scopes == nil && c.AllowsGrant(GrantCode) {
		c.Scopes = []string{ScopeOpenID}
		if c.Profile == ProfilePSC {
			c.Scopes = []string{ScopeOpenID, ScopeProfile, ScopeIdentity, ScopeAll}
		}
	}
	if c.Means == nil {
		c.Means = []authn.Means{authn.Card, authn.ECPS}
	}
}

func orDefault[T ~string](dst *T, value T) {
	if *dst == "" {
		*dst = value
	}
}

// Check tells everything wrong with a registration, whatever it came from.
func (c *Client) Check() []Fault {
	k := &checker{c: c}
	k.who()
	k.profile()
	k.secrets()
	k.keys()
	k.certificate()
	k.uris()
	k.grants()
	k.tokens()
	k.lifetimes()
	k.logout()
	k.requests()
	k.answers()
	return k.faults
}

type checker struct {
	c      *Client
	faults []Fault
}

func (k *checker) bad(path, format string, args ...any) {
	k.faults = append(k.faults, Fault{File: k.c.ID, Path: path, Message: fmt.Sprintf(format, args...)})
}

// refuse records the fault when the condition holds.
func (k *checker) refuse(when bool, path, message string) {
	if when {
		k.bad(path, "%s", message)
	}
}

func (k *checker) who() {
	c := k.c
	k.refuse(!validID(c.ID), "id", "must be 1 to 100 letters, digits, '-', '_' or '.'")
	k.refuse(strings.TrimSpace(c.Name) == "" || len(c.Name) > 120, "name", "is needed, at most 120 bytes: the login page names the service by it")
	k.refuse(strings.ContainsFunc(c.Name, isControl), "name", "must not hold control characters")
	k.refuse(c.Profile != ProfilePSC && c.Profile != ProfileOIDC, "profile", `must be "oidc", or "psc" for a real Pro Santé Connect client`)
	k.refuse(c.Structure != "" && !validStructure(c.Structure), "structure",
		"must be a struct_IdNat: a type digit 0 to 4 and the number, such as 1750990012 for a FINESS")
	for i, m := range c.Means {
		k.refuse(m != authn.Card && m != authn.ECPS, fmt.Sprintf("means[%d]", i), `must be "card" or "ecps"; the offline code is allowed by allow_offline_otp`)
	}
	k.refuse(len(c.Means) == 0 && c.AllowsGrant(GrantCode), "means", "is empty: nobody could log in")
}

// profile checks what only psc may do (section 13), so that nothing lax leaks (D1).
func (k *checker) profile() {
	c := k.c
	psc := c.Profile == ProfilePSC
	if c.PKCEException != "" {
		_, err := time.Parse(time.DateOnly, c.PKCEException)
		k.refuse(err != nil, "pkce_exception", "must be the day the exception was granted, as 2026-11-22")
		k.refuse(c.Public(), "pkce_exception", "is for clients with a secret: PKCE is all that a public client has (CA9)")
	}
	k.refuse(psc && c.Public(), "auth_method", "psc clients hold a secret; a public client needs profile oidc")
	k.refuse(psc && c.AccessTokenFormat != FormatPSC, "access_token_format", "must be psc in profile psc: its clients decode the token")
	k.refuse(psc && c.AllowOfflineOTP, "allow_offline_otp", "is for profile oidc only: the levels of profile psc are eidas1 to eidas3")
	k.refuse(psc && c.IDTokenAlg != jose.RS256, "id_token_alg", "must be RS256 in profile psc")
}

func (k *checker) secrets() {
	c := k.c
	switch c.AuthMethod {
	case AuthBasic, AuthPost:
		k.refuse(len(c.SecretHashes) == 0, "secret_sha256", "is needed: the SHA-256 of the secret in lower-case hexadecimal")
	case AuthNone, AuthPrivateKeyJWT, AuthTLS, AuthSelfSignedTLS:
		k.refuse(len(c.SecretHashes) > 0, "secret_sha256", "must be absent: a client with this auth_method has no secret")
	default:
		k.bad("auth_method", "must be %s, %s, %s, %s, %s or %s", AuthBasic, AuthPost, AuthPrivateKeyJWT, AuthTLS, AuthSelfSignedTLS, AuthNone)
	}
	for i, h := range c.SecretHashes {
		path := fmt.Sprintf("secret_sha256[%d]", i)
		raw, err := hex.DecodeString(h)
		k.refuse(err != nil || len(raw) != 32 || h != strings.ToLower(h), path,
			"must be 64 lower-case hexadecimal digits, the SHA-256 of the secret and never the secret itself")
		k.refuse(h == HashSecret(""), path, "is the hash of an empty secret")
	}
}

func (k *checker) uris() {
	c := k.c
	k.refuse(c.AllowsGrant(GrantCode) && len(c.RedirectURIs) == 0, "redirect_uris", "needs at least one URI for the authorization code grant")
	k.each("redirect_uris", c.RedirectURIs)
	k.each("post_logout_redirect_uris", c.PostLogoutRedirectURIs)
}

func (k *checker) each(path string, uris []string) {
	for i, u := range uris {
		at := fmt.Sprintf("%s[%d]", path, i)
		if err := CheckRedirect(u, k.c.Public()); err != nil {
			k.bad(at, "%q %s", u, err)
		}
		k.refuse(slices.Contains(uris[:i], u), at, "stands twice in the list")
	}
}

func (k *checker) grants() {
	c := k.c
	for i, g := range c.GrantTypes {
		k.refuse(g != GrantCode && g != GrantRefresh && g != GrantClientCredentials, fmt.Sprintf("grant_types[%d]", i),
			"must be authorization_code, refresh_token or client_credentials; implicit and password do not exist here (TK12)")
	}
	k.refuse(len(c.GrantTypes) == 0, "grant_types", "is empty: the client could do nothing")
	k.refuse(c.AllowsGrant(GrantRefresh) && !c.AllowsGrant(GrantCode), "grant_types", "refresh_token needs authorization_code")
	k.refuse(c.AllowsGrant(GrantClientCredentials) && c.Public(), "grant_types", "client_credentials needs a secret")
	k.refuse(c.AllowsGrant(GrantClientCredentials) && c.Structure == "", "structure", "is needed for client_credentials: the token names the organisation")
	for i, s := range c.Scopes {
		k.refuse(!KnownScope(s), fmt.Sprintf("scopes[%d]", i),
			"must be openid, profile, identity or scope_all; there is no e-mail (PG-93) and no offline access")
	}
}

func (k *checker) tokens() {
	c := k.c
	for i, a := range c.Audiences {
		k.refuse(!validID(a) || a == c.ID, fmt.Sprintf("audiences[%d]", i), "must be the id of another client, whose service reads the tokens")
	}
	k.refuse(!knownAlg(c.IDTokenAlg), "id_token_alg", mustBeAlg)
	k.refuse(!knownAlg(c.AccessTokenAlg), "access_token_alg", mustBeAlg)
	k.refuse(c.AccessTokenFormat == FormatPSC && c.AccessTokenAlg != jose.RS256, "access_token_alg", "must be RS256 for the psc format")
	k.refuse(c.AccessTokenFormat != FormatPSC && c.AccessTokenFormat != FormatJWT && c.AccessTokenFormat != FormatOpaque,
		"access_token_format", "must be psc, jwt or opaque")
}

// lifetimes keeps the overrides within what the rules allow everybody: code
// 60 s (TK1), access token 5 min (PG-35), refresh within the 30 minutes of idle
// session (EXI RIE-PS 13).
func (k *checker) lifetimes() {
	l := k.c.Lifetimes
	within := func(path string, d, most time.Duration) {
		k.refuse(d < 0 || d > most || d > 0 && d < time.Second, "lifetimes."+path, "must be between 1s and "+most.String())
	}
	within("code", l.Code, time.Minute)
	within("access_token", l.AccessToken, 5*time.Minute)
	within("refresh_token", l.RefreshToken, 30*time.Minute)
}

func validID(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.'
	})
}

// validStructure reads a struct_IdNat (pro-sante-connect.md 3.3). FINESS of
// test hold letters, so the number is not required to be one.
func validStructure(s string) bool {
	if len(s) < 10 || len(s) > 20 || s[0] < '0' || s[0] > '4' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') })
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
