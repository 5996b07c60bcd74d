// Package dmp is a relying service, written as a stranger would write it: it
// shows a fictitious shared medical record (DMP) to those whom the matrix of
// package policy lets in, and decides from what comes over the wire alone.
//
// It knows nothing of the provider's domain. What it does know is OpenID
// Connect, through zitadel/oidc's client: code flow with PKCE, state and nonce,
// UserInfo, refresh, logout (Core 1.0, RP-Initiated Logout 1.0) for people, and
// introspection (RFC 7662) for programs that call its interface.
//
// All records and persons are invented.
package dmp
