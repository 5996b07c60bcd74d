// Package registration lets services register themselves (RFC 7591, OpenID
// Connect Dynamic Client Registration 1.0) and look after what they registered
// (RFC 7592). Off unless the configuration says so, and then only with an initial
// access token that an operator gave (RE1).
//
// It is an edge: names and answers of the standards over package desk. A service
// that registers itself lives under the strict profile, with the owner, purpose
// and scopes of its token.
package registration

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/strictjson"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Deps is what New needs; all are required.
type Deps struct {
	Desk     *desk.Desk
	Site     client.Site
	Failures func(ctx context.Context, f audit.Failure)
	Log      *slog.Logger
	URL      string // address of the endpoint; each client's own is below it
}

// Registration answers services.
type Registration struct{ Deps }

// New makes it.
func New(d Deps) *Registration { return &Registration{d} }

// Mount routes the endpoint at a path, and each client's own below it.
func (r *Registration) Mount(e *echo.Echo, path string) {
	e.Any(path, r.answering(map[string]handler{http.MethodPost: r.register}))
	e.Any(path+"/:id", r.answering(map[string]handler{
		http.MethodGet: r.read, http.MethodPut: r.update, http.MethodDelete: r.remove,
	}))
}

// handler gives the answer, or nil for 204.
type handler func(c echo.Context, token string) (status int, body map[string]any, err error)

func (r *Registration) answering(by map[string]handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		do, ok := by[c.Request().Method]
		if !ok {
			return r.fail(c, oauth.New(oauth.InvalidRequest, "this method is not answered here"), http.StatusMethodNotAllowed)
		}
		token, ok := bearer(c.Request())
		if !ok {
			r.Failures(c.Request().Context(), audit.Failure{Kind: audit.FailureRegistration, Code: string(oauth.InvalidToken)})
			return r.fail(c, oauth.New(oauth.InvalidToken, "a token is needed in the Authorization header").Bearer(false), 0)
		}
		status, body, err := do(c, token)
		switch {
		case err != nil:
			return r.fail(c, told(err), 0)
		case body == nil:
			return c.NoContent(status)
		}
		return c.JSON(status, body)
	}
}

// bearer takes the token from the header and from nowhere else.
func bearer(r *http.Request) (string, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != "" && len(token) <= 256
}

func (r *Registration) fail(c echo.Context, err error, status int) error {
	e := oauth.From(oauth.Management, err)
	if status != 0 {
		e.Status = status
	}
	if e.Code == oauth.InvalidToken && e.Unwrap() != nil {
		r.Failures(c.Request().Context(), audit.Failure{Kind: audit.FailureRegistration, Code: string(e.Code)})
	}
	e.Log(c.Request().Context(), r.Log)
	return e.Write(c.Response())
}

// register is RFC 7591 3.1. The token is looked at before the metadata: a
// stranger learns nothing and makes us fetch nothing.
func (r *Registration) register(c echo.Context, token string) (int, map[string]any, error) {
	ctx := c.Request().Context()
	if err := r.Desk.Allowed(ctx, token); err != nil {
		return 0, nil, err
	}
	asked, _, err := r.metadata(c)
	if err != nil {
		return 0, nil, err
	}
	own, err := r.Desk.Register(ctx, token, asked)
	if err != nil {
		return 0, nil, err
	}
	body, err := r.information(own)
	return http.StatusCreated, body, err
}

// read is RFC 7592 2.1. Nothing rotates by looking.
func (r *Registration) read(c echo.Context, token string) (int, map[string]any, error) {
	own, err := r.Desk.Self(c.Request().Context(), c.Param("id"), token)
	if err != nil {
		return 0, nil, err
	}
	own.Token = token
	body, err := r.information(own)
	return http.StatusOK, body, err
}

// update is RFC 7592 2.2: the whole metadata anew, and a new token.
func (r *Registration) update(c echo.Context, token string) (int, map[string]any, error) {
	ctx, id := c.Request().Context(), c.Param("id")
	if _, err := r.Desk.Self(ctx, id, token); err != nil {
		return 0, nil, err
	}
	asked, members, err := r.metadata(c)
	if err != nil {
		return 0, nil, err
	}
	for _, name := range []string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"} {
		if _, ok := members[name]; ok {
			return 0, nil, bad(name + " must not be in an update (RFC 7592 2.2)")
		}
	}
	var named, secret string
	if json.Unmarshal(members["client_id"], &named) != nil || named != id {
		return 0, nil, bad("client_id must be the one of this registration")
	}
	if raw, ok := members["client_secret"]; ok && (json.Unmarshal(raw, &secret) != nil || secret == "") {
		return 0, nil, bad("client_secret is not the one in use")
	}
	own, err := r.Desk.Rewrite(ctx, id, token, secret, asked)
	if err != nil {
		return 0, nil, err
	}
	body, err := r.information(own)
	return http.StatusOK, body, err
}

// remove is RFC 7592 2.3.
func (r *Registration) remove(c echo.Context, token string) (int, map[string]any, error) {
	return http.StatusNoContent, nil, r.Desk.Leave(c.Request().Context(), c.Param("id"), token)
}

// metadata reads the request into a draft.
func (r *Registration) metadata(c echo.Context) (client.Client, map[string]json.RawMessage, error) {
	req := c.Request()
	if media, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return client.Client{}, nil, bad("the metadata must be application/json")
	}
	data, err := io.ReadAll(req.Body)
	if err != nil {
		return client.Client{}, nil, oauth.New(oauth.InvalidClientMetadata, "the metadata cannot be read").Because(err)
	}
	members, err := strictjson.Object(data)
	if err != nil {
		return client.Client{}, nil, bad("the metadata " + err.Error())
	}
	asked, err := draft(members)
	if err == nil {
		// Without the list anybody could join a sector, and learn the names by which
		// its services know people (Core 8.1).
		faults := client.CheckSector(req.Context(), r.Site, &asked)
		switch {
		case len(faults) > 0 && faults[0].Path == "sector_identifier_uri":
			// Why it cannot be fetched would tell what our network reaches (D8).
			err = bad("sector_identifier_uri gives no list of redirect URIs")
		case len(faults) > 0:
			err = refuse(faults)
		}
	}
	return asked, members, err
}

// information is the client information response (RFC 7591 3.2.1, RFC 7592 3).
func (r *Registration) information(own desk.Own) (map[string]any, error) {
	out, err := answer(own.Client)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "a registration cannot be told", err)
	}
	out["client_id_issued_at"] = own.CreatedAt.Unix()
	out["registration_client_uri"] = r.URL + "/" + own.Client.ID
	out["registration_access_token"] = own.Token
	if own.Secret != "" {
		out["client_secret"] = own.Secret
	}
	if own.Client.HoldsSecret() {
		out["client_secret_expires_at"] = 0
	}
	return out, nil
}
