package claims

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
)

// Input is what every token of one login is made from.
type Input struct {
	Issuer   string
	ClientID string
	JTI      string
	Issued   time.Time
	Expires  time.Time
	Auth     authn.Authentication
	Person   rpps.Professional
	SID      string
	Nonce    string // as sent; empty when none was
	ACR      string // granted, see ACR
	Scope    []string
	Audience []string      // services the access token is meant for; the issuer if empty
	Bound    *Confirmation // of the access token; nil for a bearer token
}

// Confirmation is the cnf claim of an access token: what its bearer must prove
// (RFC 7800 3.1).
type Confirmation struct {
	Certificate string `json:"x5t#S256,omitempty"` // RFC 8705 3.1
}

// Values of the typ claim. Every reader checks it, so that no token is taken
// for another (architecture, point 11).
const (
	TypID      = "ID"
	TypBearer  = "Bearer"
	TypRefresh = "Refresh"
)

// PSCAccessToken is the access token of a psc client: what 2026 carries, plus
// nonce and session_state that clients of 2021 to 2023 require
// (pro-sante-connect.md 2.3, 2.7 and section 0 point 6). nonce is "" when none
// was sent, as recorded.
type PSCAccessToken struct {
	Expires           int64        `json:"exp"`
	Issued            int64        `json:"iat"`
	AuthTime          int64        `json:"auth_time"`
	JTI               string       `json:"jti"`
	Issuer            string       `json:"iss"`
	Sub               string       `json:"sub"`
	Typ               string       `json:"typ"`
	AuthorizedParty   string       `json:"azp"`
	Nonce             string       `json:"nonce"`
	SessionState      string       `json:"session_state"`
	SID               string       `json:"sid"`
	ACR               string       `json:"acr"`
	AuthLevel         string       `json:"auth_level"`
	AuthMode          string       `json:"authMode"`
	Scope             string       `json:"scope"`
	NameID            string       `json:"SubjectNameID"`
	PSINameID         string       `json:"PSISubjectNameID"`
	PreferredUsername string       `json:"preferred_username"`
	OtherIDs          []Identifier `json:"otherIds"`

	Confirmation *Confirmation `json:"cnf,omitempty"` // no recorded token has one
}

// NewPSCAccessToken fills in a psc access token.
func NewPSCAccessToken(in Input) *PSCAccessToken {
	return &PSCAccessToken{
		Expires: in.Expires.Unix(), Issued: in.Issued.Unix(), AuthTime: in.Auth.At.Unix(),
		JTI: in.JTI, Issuer: in.Issuer, Sub: in.Auth.Sub, Typ: TypBearer, AuthorizedParty: in.ClientID,
		Nonce: in.Nonce, SessionState: in.SID, SID: in.SID, ACR: in.ACR,
		AuthLevel: authLevel(in.Auth.Means), AuthMode: authMode(in.Auth.Means), Scope: strings.Join(in.Scope, " "),
		NameID: in.Person.ID.String(), PSINameID: in.Person.PSI, PreferredUsername: in.Person.ID.String(),
		OtherIDs: otherIDs(in.Person), Confirmation: in.Bound,
	}
}

// JWTAccessToken is the access token of an oidc client that asked for a JWT
// (RFC 9068). It names nobody but by sub: the rest is at UserInfo.
type JWTAccessToken struct {
	Issuer   string   `json:"iss"`
	Sub      string   `json:"sub"`
	Audience Audience `json:"aud"`
	ClientID string   `json:"client_id"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
	JTI      string   `json:"jti"`
	AuthTime int64    `json:"auth_time"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	SID      string   `json:"sid"`
	Scope    string   `json:"scope"`

	Confirmation *Confirmation `json:"cnf,omitempty"`
}

// NewJWTAccessToken fills in an at+jwt.
func NewJWTAccessToken(in Input) *JWTAccessToken {
	return &JWTAccessToken{
		Issuer: in.Issuer, Sub: in.Auth.Sub, Audience: in.audience(), ClientID: in.ClientID,
		Expires: in.Expires.Unix(), Issued: in.Issued.Unix(), JTI: in.JTI,
		AuthTime: in.Auth.At.Unix(), ACR: in.ACR, AMR: in.Auth.Means.AMR(), SID: in.SID, Scope: strings.Join(in.Scope, " "),
		Confirmation: in.Bound,
	}
}

// Audience is an aud claim: one name as a string, several as an array (RFC
// 7519 4.1.3), so that readers that know only the string form are served.
type Audience []string

// MarshalJSON implements json.Marshaler.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

func (in Input) audience() Audience {
	if len(in.Audience) == 0 {
		return Audience{in.Issuer}
	}
	return in.Audience
}

// RefreshToken is the payload of a refresh token, signed by a key outside the
// key set. psc clients decode it (pro-sante-connect.md 2.5). Its jti is
// grant.Family.RefreshID; made from the family alone, it is the same bytes each
// time it is made for one generation.
type RefreshToken struct {
	Expires         int64  `json:"exp"`
	Issued          int64  `json:"iat"`
	JTI             string `json:"jti"`
	Issuer          string `json:"iss"`
	Audience        string `json:"aud"`
	Sub             string `json:"sub"`
	Typ             string `json:"typ"`
	AuthorizedParty string `json:"azp"`
	Nonce           string `json:"nonce"`
	SessionState    string `json:"session_state"`
	Scope           string `json:"scope"`
	SID             string `json:"sid"`
}

// NewRefreshToken fills in a refresh token. Issued, Expires and JTI must come
// from the family.
func NewRefreshToken(in Input) *RefreshToken {
	return &RefreshToken{
		Expires: in.Expires.Unix(), Issued: in.Issued.Unix(), JTI: in.JTI, Issuer: in.Issuer, Audience: in.Issuer,
		Sub: in.Auth.Sub, Typ: TypRefresh, AuthorizedParty: in.ClientID, Nonce: in.Nonce,
		SessionState: in.SID, Scope: strings.Join(in.Scope, " "), SID: in.SID,
	}
}

// ServiceToken is the access token of a service for itself (client
// credentials): it names an organisation and no person. sub has a prefix that
// no person's has, so that it never looks like one (TK11).
type ServiceToken struct {
	Issuer          string   `json:"iss"`
	Sub             string   `json:"sub"`
	Audience        Audience `json:"aud"`
	ClientID        string   `json:"client_id"`
	AuthorizedParty string   `json:"azp"`
	Expires         int64    `json:"exp"`
	Issued          int64    `json:"iat"`
	JTI             string   `json:"jti"`
	Typ             string   `json:"typ"`
	Scope           string   `json:"scope"`
	Structure       string   `json:"struct_IdNat"`

	Confirmation *Confirmation `json:"cnf,omitempty"`
}

// NewServiceToken fills in a service's own token; the person of in is ignored.
func NewServiceToken(in Input, structure string) *ServiceToken {
	return &ServiceToken{
		Issuer: in.Issuer, Sub: ServiceSub(in.ClientID), Audience: in.audience(), ClientID: in.ClientID, AuthorizedParty: in.ClientID,
		Expires: in.Expires.Unix(), Issued: in.Issued.Unix(), JTI: in.JTI, Typ: TypBearer,
		Scope: strings.Join(in.Scope, " "), Structure: structure, Confirmation: in.Bound,
	}
}

// ServiceSub is the subject of a service's own token.
func ServiceSub(clientID string) string { return "client:" + clientID }
