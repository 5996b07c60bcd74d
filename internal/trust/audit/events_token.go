package audit

import (
	"crypto/sha256"
	"encoding/hex"
)

// CodeIssued says that an authorization code left for a service.
type CodeIssued struct {
	Subject string `json:"subject"`
	Client  string `json:"client"`
	SID     string `json:"sid"`
	Family  string `json:"family"` // of the tokens it will open
}

// TokenIssued says that tokens left for a service. Without a person (client
// credentials) Subject and SID are empty.
type TokenIssued struct {
	Subject string `json:"subject,omitempty"`
	Client  string `json:"client"`
	SID     string `json:"sid,omitempty"`
	Family  string `json:"family,omitempty"`
	Grant   string `json:"grant"` // authorization_code | client_credentials
	Scope   string `json:"scope"`
	ACR     string `json:"acr,omitempty"`
	Token   string `json:"token"` // TokenRef of the access token

	Thumbprint string `json:"thumbprint,omitempty"` // of the certificate a token is bound to (RFC 8705 3.1)
}

// TokenRefreshed says that a family moved to its next generation.
type TokenRefreshed struct {
	Subject    string `json:"subject"`
	Client     string `json:"client"`
	SID        string `json:"sid,omitempty"`
	Family     string `json:"family"`
	Generation uint64 `json:"generation"`
	Scope      string `json:"scope"`
	ACR        string `json:"acr,omitempty"`
	Token      string `json:"token"` // TokenRef of the new access token

	Thumbprint string `json:"thumbprint,omitempty"` // as TokenIssued
}

// FamilyRevoked says that every token of a family died.
type FamilyRevoked struct {
	Subject string `json:"subject,omitempty"`
	Client  string `json:"client"`
	Family  string `json:"family"`
	Reason  string `json:"reason"` // grant.Reason...: code_replay | refresh_replay | revoked_by_client | too_many
}

// TokenRevoked says that a service gave back one access token; its family lives on.
type TokenRevoked struct {
	Subject string `json:"subject,omitempty"`
	Client  string `json:"client"`
	Family  string `json:"family,omitempty"`
	Token   string `json:"token"` // TokenRef of the access token
}

func (CodeIssued) event() string     { return "code.issued" }
func (TokenIssued) event() string    { return "token.issued" }
func (TokenRefreshed) event() string { return "token.refreshed" }
func (FamilyRevoked) event() string  { return "family.revoked" }
func (TokenRevoked) event() string   { return "token.revoked" }

// TokenRef names a token in a trace without giving it away: 64 bits of the
// hash of a value that has at least 128 random ones (PG-62).
func TokenRef(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}
