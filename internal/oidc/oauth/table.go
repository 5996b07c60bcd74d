package oauth

import (
	"errors"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Edge is where the answer goes: the same fault reads differently at each.
type Edge uint8

// The edges.
const (
	Authorization Edge = iota // a redirect back to the service
	Token                     // the token endpoint, about the grant
	Client                    // client authentication, at any endpoint
	Resource                  // UserInfo, about the token
	Management                // introspection and revocation, about anything but the client

	edges
)

// retryAfter is what a client is told to wait when a part of ours cannot confirm (D3).
const retryAfter = 2 * time.Second

// row is one line of the table.
type row struct {
	code        Code
	description string
}

// table is the whole translation. Kinds absent from a line are server_error:
// a fault nobody foresaw there must not be told as the caller's mistake.
var table = [edges]map[fault.Kind]row{
	Authorization: {
		fault.NotFound:    {AccessDenied, "the login was not completed"},
		fault.Expired:     {AccessDenied, "the login took too long"},
		fault.Used:        {AccessDenied, "this login was already answered"},
		fault.Denied:      {AccessDenied, "the login was refused or cancelled"},
		fault.Invalid:     {InvalidRequest, "the request is malformed"},
		fault.Conflict:    {AccessDenied, "the login was not completed"},
		fault.Unavailable: {TemporarilyUnavailable, "the provider cannot confirm the request now"},
	},
	Token: {
		fault.NotFound:    {InvalidGrant, "the grant is unknown, expired or not for this client"},
		fault.Expired:     {InvalidGrant, "the grant is unknown, expired or not for this client"},
		fault.Used:        {InvalidGrant, "the grant was already used; what it gave is revoked"},
		fault.Denied:      {InvalidGrant, "the grant is no longer allowed"},
		fault.Invalid:     {InvalidGrant, "the grant is malformed"},
		fault.Conflict:    {TemporarilyUnavailable, "the grant is being used at this moment"},
		fault.Unavailable: {TemporarilyUnavailable, "the provider cannot confirm the grant now"},
	},
	Client: {
		fault.NotFound:    {InvalidClient, "client authentication failed"},
		fault.Expired:     {InvalidClient, "client authentication failed"},
		fault.Used:        {InvalidClient, "client authentication failed"},
		fault.Denied:      {InvalidClient, "client authentication failed"},
		fault.Invalid:     {InvalidClient, "client authentication failed"},
		fault.Unavailable: {TemporarilyUnavailable, "the provider cannot authenticate the client now"},
	},
	Resource: {
		fault.NotFound:    {InvalidToken, "the access token is unknown, expired or revoked"},
		fault.Expired:     {InvalidToken, "the access token is unknown, expired or revoked"},
		fault.Used:        {InvalidToken, "the access token is unknown, expired or revoked"},
		fault.Denied:      {InvalidToken, "the access token is unknown, expired or revoked"},
		fault.Invalid:     {InvalidToken, "the access token is unknown, expired or revoked"},
		fault.Unavailable: {TemporarilyUnavailable, "the provider cannot confirm the token now"},
	},
	Management: {
		fault.Invalid:     {InvalidRequest, "the request is malformed"},
		fault.Denied:      {UnauthorizedClient, "the client may not do this"},
		fault.Unavailable: {TemporarilyUnavailable, "the provider cannot confirm the token now"},
	},
}

// From translates a failure for one edge. An *Error passes unchanged: the
// endpoint that made it knew better. The cause stays attached for the log.
func From(edge Edge, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	line, ok := row{ServerError, "the provider failed to answer"}, false
	if int(edge) < len(table) {
		var found row
		if found, ok = table[edge][fault.KindOf(err)]; ok {
			line = found
		}
	}
	out := New(line.code, line.description).Because(err)
	if code := fault.CodeOf(err); code != "" && ok {
		// The public code lets a service and its help desk find the cause (ux.md 3.5).
		out.Description += " (" + Printable(code) + ")"
	}
	if out.Code == TemporarilyUnavailable {
		out.RetryAfter = retryAfter
	}
	if edge == Resource && out.Code == InvalidToken {
		return out.Bearer(true)
	}
	return out
}
