// Package oauth holds the one table from what went wrong in the house to what
// an OAuth client reads: error code, status and headers (RFC 6749 4.1.2.1 and
// 5.2, RFC 6750 3.1, RFC 7009 2.2.1, OpenID Connect Core 3.1.2.6).
//
// Endpoints that know what is wrong say it with a constructor of this package;
// whatever comes up from below as a fault goes through From. Nothing else
// chooses a code or a status.
package oauth

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Code is a registered error code.
type Code string

// The codes the provider answers, and no others (AZ7).
const (
	InvalidRequest           Code = "invalid_request"
	InvalidClient            Code = "invalid_client"
	InvalidGrant             Code = "invalid_grant"
	InvalidScope             Code = "invalid_scope"
	UnauthorizedClient       Code = "unauthorized_client"
	UnsupportedGrantType     Code = "unsupported_grant_type"
	UnsupportedResponseType  Code = "unsupported_response_type"
	AccessDenied             Code = "access_denied"
	ServerError              Code = "server_error"
	TemporarilyUnavailable   Code = "temporarily_unavailable"
	LoginRequired            Code = "login_required"
	InteractionRequired      Code = "interaction_required"
	ConsentRequired          Code = "consent_required"
	RequestNotSupported      Code = "request_not_supported"
	RequestURINotSupported   Code = "request_uri_not_supported"
	RegistrationNotSupported Code = "registration_not_supported"
	InvalidRequestObject     Code = "invalid_request_object" // RFC 9101 7
	InvalidRequestURI        Code = "invalid_request_uri"
	UnmetAuthentication      Code = "unmet_authentication_requirements" // OpenID Connect Core error code registry 1.0
	InvalidToken             Code = "invalid_token"
	InsufficientScope        Code = "insufficient_scope"
	InvalidRedirectURI       Code = "invalid_redirect_uri" // RFC 7591 3.2.2, and the two below
	InvalidClientMetadata    Code = "invalid_client_metadata"
	InvalidSoftwareStatement Code = "invalid_software_statement"
	InsufficientAuth         Code = "insufficient_user_authentication" // RFC 9470 3
)

// Error is a failure as the wire shows it. The cause never leaves the house.
type Error struct {
	Code        Code
	Description string // printable ASCII without quote and backslash; see Printable
	Status      int
	RetryAfter  time.Duration // 0: no header
	Challenge   string        // WWW-Authenticate, or empty
	cause       error
}

// New makes a failure with the status its code has at JSON endpoints.
func New(code Code, description string) *Error {
	return &Error{Code: code, Description: Printable(description), Status: statusOf(code)}
}

// Because keeps the cause for the log.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// Error prints the whole chain, for logs.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Description
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Basic adds the challenge RFC 6749 5.2 wants after a failed attempt by the
// Authorization header.
func (e *Error) Basic() *Error {
	e.Challenge = `Basic realm="egide", charset="UTF-8"`
	return e
}

// Bearer adds the challenge of RFC 6750 3. A request without any token gets the
// bare scheme (3.1: it should not include an error code).
func (e *Error) Bearer(withCode bool) *Error {
	e.Challenge = `Bearer realm="egide"`
	if withCode {
		e.Challenge += `, error="` + string(e.Code) + `", error_description="` + e.Description + `"`
	}
	if e.Code == InsufficientScope {
		e.Challenge += `, scope="openid"`
	}
	return e
}

// StepUp refuses a token whose login is too weak, and says what would do (RFC
// 9470 3): the client takes acr_values to the authorization endpoint and comes
// back with a new token.
func StepUp(description string, acrValues []string) *Error {
	e := New(InsufficientAuth, description).Bearer(true)
	e.Challenge += `, acr_values="` + strings.Join(acrValues, " ") + `"`
	return e
}

// statusOf gives the status of each code at the endpoints that answer JSON.
func statusOf(code Code) int {
	switch code {
	case InvalidClient, InvalidToken, InsufficientAuth:
		return http.StatusUnauthorized
	case InsufficientScope:
		return http.StatusForbidden
	case ServerError:
		return http.StatusInternalServerError
	case TemporarilyUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}

// headers writes what goes with the error.
func (e *Error) headers(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	if e.Challenge != "" {
		h.Set("WWW-Authenticate", e.Challenge)
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
}

// Headers puts the headers of the error on an answer somebody else writes.
func (e *Error) Headers(h http.Header) { e.headers(h) }

// maxDescription keeps a description from carrying anything large back.
const maxDescription = 200

// Printable keeps what RFC 6749 5.2 allows in error_description: %x20-21,
// %x23-5B, %x5D-7E. A reflected quote would end the value inside a
// WWW-Authenticate header; a line feed would start a header of its own.
func Printable(s string) string {
	if len(s) > maxDescription {
		s = s[:maxDescription]
	}
	clean := true
	for i := range len(s) {
		if !allowed(s[i]) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	out := []byte(s)
	for i := range out {
		if !allowed(out[i]) {
			out[i] = '?'
		}
	}
	return string(out)
}

func allowed(c byte) bool { return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\' }
