// Package admin is the operators' API over registrations: JSON over HTTP, on a
// listener of its own where every caller shows a certificate that an operator
// has. The description of all of it is openapi.yaml, which is served too and
// held to this code by test.
//
// Everything is done by the desk; here are the words of HTTP: who may, which
// version was seen (ETag, If-Match), what went wrong (RFC 9457).
package admin

import (
	"context"
	_ "embed" // openapi.yaml
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Base is where the API begins.
const Base = "/admin/v1"

// MaxBody bounds a request: a registration with its keys fits many times.
const MaxBody = 128 << 10

//go:embed openapi.yaml
var description []byte

// Deps is what New needs; all are required.
type Deps struct {
	Desk      *desk.Desk
	Operators Operators
	Failures  func(ctx context.Context, f audit.Failure)
	Healthy   func() error
	Log       func(ctx context.Context, err error) // what a caller is not told
}

// API answers operators.
type API struct{ Deps }

// New makes it.
func New(d Deps) *API { return &API{d} }

// operation is one line of the API.
type operation struct {
	id      string // operationId of the description
	method  string
	path    string // below Base, parameters as {id}
	role    Role   // the least that may
	handler func(c call) error
}

// operations is the whole API.
func (a *API) operations() []operation {
	return []operation{
		{"health", http.MethodGet, "/health", Reader, a.health},
		{"description", http.MethodGet, "/openapi.yaml", Reader, a.description},
		{"listClients", http.MethodGet, "/clients", Reader, a.listClients},
		{"getClient", http.MethodGet, "/clients/{id}", Reader, a.getClient},
		{"putClient", http.MethodPut, "/clients/{id}", Registrar, a.putClient},
		{"disableClient", http.MethodPost, "/clients/{id}/disable", Registrar, a.disableClient},
		{"enableClient", http.MethodPost, "/clients/{id}/enable", Registrar, a.enableClient},
		{"rotateSecret", http.MethodPost, "/clients/{id}/rotate-secret", Registrar, a.rotateSecret},
		{"matrix", http.MethodGet, "/matrix", Reader, a.matrix},
		{"createInitialToken", http.MethodPost, "/initial-tokens", Registrar, a.createInitialToken},
		{"listInitialTokens", http.MethodGet, "/initial-tokens", Reader, a.listInitialTokens},
		{"revokeInitialToken", http.MethodPost, "/initial-tokens/{id}/revoke", Registrar, a.revokeInitialToken},
	}
}

// call is one request of a known operator.
type call struct {
	echo.Context
	operator string
	query    url.Values
}

func (c call) ctx() context.Context { return c.Request().Context() }

// id is the resource that the path names.
func (c call) id() string { return c.Param("id") }

// Mount routes the API. The echo must be this API's alone: its errors become
// problem documents.
func (a *API) Mount(e *echo.Echo) {
	e.HTTPErrorHandler = a.fail
	for _, o := range a.operations() {
		e.Add(o.method, Base+colon(o.path), a.guarded(o))
	}
}

// colon writes a path as echo does.
func colon(path string) string { return strings.NewReplacer("{", ":", "}", "").Replace(path) }

// guarded lets only operators through who may, with a query that means what it says.
func (a *API) guarded(o operation) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		operator, err := a.who(c.Request(), o.role)
		if err != nil {
			return err
		}
		query, err := query(c.Request(), o.id)
		if err != nil {
			return err
		}
		return o.handler(call{Context: c, operator: operator, query: query})
	}
}

// parameters are those of each operation; others would be ignored where the
// caller meant something.
var parameters = map[string][]string{"listClients": {"after", "limit"}, "matrix": {"client"}}

func query(r *http.Request, id string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, codeForm, "the query cannot be read", err)
	}
	for name, values := range q {
		if !slices.Contains(parameters[id], name) {
			return nil, fault.New(fault.Invalid, codeForm, "the query has a parameter that is unknown here")
		}
		if len(values) > 1 {
			return nil, fault.New(fault.Invalid, codeForm, "the query repeats a parameter")
		}
	}
	return q, nil
}

func (a *API) health(c call) error {
	if err := a.Healthy(); err != nil {
		return fault.Wrap(fault.Unavailable, codeHealth, "this node cannot trace what it does, and does nothing", err)
	}
	return c.JSON(http.StatusOK, struct {
		Status string `json:"status"`
	}{"ok"})
}

func (a *API) description(c call) error {
	return c.Blob(http.StatusOK, "application/yaml", description) // RFC 9512
}
