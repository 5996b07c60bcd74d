package op

import (
	"context"
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/oidc/peer"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// exchange is one call of a client to an endpoint of the token family, after
// the rules all of them share: POST form, nothing repeated, no secret in the
// URL, client authenticated.
type exchange struct {
	client *client.Client
	form   url.Values
	header http.Header   // of the answer
	bound  grant.Binding // what the tokens asked for are bound to
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// open applies the shared rules (TK3, CA1, RFC 6749 3.2). On failure the answer
// is ready to be written.
//
// path is that of the endpoint: what a client signs may be addressed to it.
func (o *OP) open(c echo.Context, path string) (*exchange, error) {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	r := c.Request()
	if r.Method != http.MethodPost {
		h.Set("Allow", http.MethodPost)
		e := oauth.New(oauth.InvalidRequest, "this endpoint is called by POST only")
		e.Status = http.StatusMethodNotAllowed
		return nil, e
	}
	form, err := postForm(c)
	if err != nil {
		return nil, err
	}
	caller, err := o.authenticate(c, form, path)
	if err != nil {
		return nil, err
	}
	return &exchange{client: caller, form: form, header: h}, nil
}

// postForm reads the body alone: parameters in the URL end in access logs and
// Referer headers, so a secret or a code is never accepted there.
func postForm(c echo.Context) (url.Values, error) {
	r := c.Request()
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != echo.MIMEApplicationForm {
		return nil, oauth.New(oauth.InvalidRequest, "the body must be application/x-www-form-urlencoded")
	}
	r.URL.RawQuery = ""
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, oauth.New(oauth.InvalidRequest, "the form cannot be read").Because(err)
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, oauth.New(oauth.InvalidRequest, "a parameter is sent more than once: "+name)
		}
	}
	return r.PostForm, nil
}

// authenticate says who is calling, or gives the one answer of CA8. What was
// shown is always checked; only a failure is counted.
func (o *OP) authenticate(c echo.Context, form url.Values, path string) (*client.Client, error) {
	r := c.Request()
	p := client.Presented{
		PostID: form.Get("client_id"), PostSecret: form.Get("client_secret"),
		Assertion: form.Get("client_assertion"), AssertionType: form.Get("client_assertion_type"),
		Audiences:   o.addresses(path),
		Certificate: peer.From(r.Context()),
	}
	p.HasPostSecret = p.PostSecret != ""
	p.BasicID, p.BasicSecret, p.HasBasic = r.BasicAuth()
	if !p.HasBasic && r.Header.Get("Authorization") != "" {
		return nil, oauth.New(oauth.InvalidClient, "client authentication failed").Basic()
	}
	if !p.HasBasic && p.PostID == "" && p.Assertion == "" {
		return nil, oauth.New(oauth.InvalidClient, "client authentication is missing").Basic()
	}
	caller, err := o.callers.Authenticate(r.Context(), p)
	if err == nil {
		return caller, nil
	}
	return nil, o.notAuthenticated(c, p, err)
}

// addresses are what an assertion for an endpoint may be addressed to (CA5).
func (o *OP) addresses(path string) []string {
	list := []string{o.issuer, o.issuer + path}
	if o.certificateURL != "" {
		list = append(list, o.certificateURL+path) // the same endpoint where certificates are asked for
	}
	return list
}

// notAuthenticated counts, reports and words a failure.
func (o *OP) notAuthenticated(c echo.Context, p client.Presented, err error) error {
	ctx := c.Request().Context()
	switch {
	case fault.Is(err, fault.Invalid):
		return oauth.New(oauth.InvalidRequest, "one client authentication method at a time, and one client").Because(err)
	case fault.Is(err, fault.Unavailable):
		return oauth.From(oauth.Client, err)
	}
	o.failures(ctx, audit.Failure{Kind: audit.FailureClientAuth, Code: string(oauth.InvalidClient)})
	e := o.throttle.failed(ctx, o.clock.Now(), o.knownID(p), c.RealIP()).Because(err)
	if p.HasBasic && e.Status == http.StatusUnauthorized {
		return e.Basic()
	}
	return e
}

// knownID names the client for the counter, empty for one that does not exist.
func (o *OP) knownID(p client.Presented) string {
	id, _ := p.ClientID()
	if _, err := o.clients.Lookup(id); err != nil {
		return ""
	}
	return id
}

// fail writes an error of a JSON endpoint.
func (o *OP) fail(c echo.Context, edge oauth.Edge, err error) error {
	e := oauth.From(edge, err)
	e.Log(c.Request().Context(), o.log)
	return e.Write(c.Response())
}
