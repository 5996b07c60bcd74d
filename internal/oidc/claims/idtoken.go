package claims

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// PSCIDToken is the ID token of a psc client (pro-sante-connect.md 2.4, 2.7).
// nonce is absent when none was sent: OpenID clients refuse a nonce that they
// did not send (AZ8).
type PSCIDToken struct {
	Expires           int64        `json:"exp"`
	Issued            int64        `json:"iat"`
	AuthTime          int64        `json:"auth_time"`
	JTI               string       `json:"jti"`
	Issuer            string       `json:"iss"`
	Audience          string       `json:"aud"`
	Sub               string       `json:"sub"`
	Typ               string       `json:"typ"`
	AuthorizedParty   string       `json:"azp"`
	Nonce             string       `json:"nonce,omitempty"`
	SessionState      string       `json:"session_state"`
	AtHash            string       `json:"at_hash,omitempty"`
	SID               string       `json:"sid"`
	ACR               string       `json:"acr"`
	AuthLevel         string       `json:"auth_level"`
	AuthMode          string       `json:"authMode"`
	Scope             string       `json:"scope"`
	NameID            string       `json:"SubjectNameID"`
	PSINameID         string       `json:"PSISubjectNameID"`
	PreferredUsername string       `json:"preferred_username"`
	GivenName         string       `json:"given_name"`
	FamilyName        string       `json:"family_name"`
	OtherIDs          []Identifier `json:"otherIds"`
}

// NewPSCIDToken fills in the ID token of a psc client.
func NewPSCIDToken(in Input, atHash string) *PSCIDToken {
	return &PSCIDToken{
		Expires: in.Expires.Unix(), Issued: in.Issued.Unix(), AuthTime: in.Auth.At.Unix(), JTI: in.JTI,
		Issuer: in.Issuer, Audience: in.ClientID, Sub: in.Auth.Sub, Typ: TypID, AuthorizedParty: in.ClientID,
		Nonce: in.Nonce, SessionState: in.SID, AtHash: atHash, SID: in.SID, ACR: in.ACR,
		AuthLevel: authLevel(in.Auth.Means), AuthMode: authMode(in.Auth.Means), Scope: strings.Join(in.Scope, " "),
		NameID: in.Person.ID.String(), PSINameID: in.Person.PSI, PreferredUsername: in.Person.ID.String(),
		GivenName: givenName(in.Person), FamilyName: familyName(in.Person), OtherIDs: otherIDs(in.Person),
	}
}

// IDToken is the ID token of an oidc client (Core 2, TK6): who logged in, how
// and when. What he is stands at UserInfo (TK7).
type IDToken struct {
	Issuer   string   `json:"iss"`
	Sub      string   `json:"sub"`
	Audience string   `json:"aud"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
	AuthTime int64    `json:"auth_time"`
	Nonce    string   `json:"nonce,omitempty"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	SID      string   `json:"sid"`
	AtHash   string   `json:"at_hash,omitempty"`
	Typ      string   `json:"typ"`
}

// NewIDToken fills in the ID token of an oidc client.
func NewIDToken(in Input, atHash string) *IDToken {
	return &IDToken{
		Issuer: in.Issuer, Sub: in.Auth.Sub, Audience: in.ClientID, Expires: in.Expires.Unix(), Issued: in.Issued.Unix(),
		AuthTime: in.Auth.At.Unix(), Nonce: in.Nonce, ACR: in.ACR, AMR: in.Auth.Means.AMR(), SID: in.SID, AtHash: atHash, Typ: TypID,
	}
}

// AtHash is the left half of the hash of the access token, by the hash of the
// ID token's algorithm (Core 3.1.3.6; SHA-512 for Ed25519).
func AtHash(alg jose.SignatureAlgorithm, accessToken string) string {
	if alg == jose.EdDSA {
		sum := sha512.Sum512([]byte(accessToken))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
