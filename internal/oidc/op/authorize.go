package op

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Public codes of the pages shown when the service itself is wrong (ux.md 3.5).
const (
	codeBadService  = "PF-SV-040"
	codeUnavailable = "PF-SV-041"
)

// Authorize is the authorization endpoint (Core 3.1.2), GET and POST.
//
// A request that an existing session satisfies is answered at once: one
// session read, one code written, one trace. All others become a pending login.
func (o *OP) Authorize(c echo.Context) error {
	switch c.Request().Method {
	case http.MethodGet:
	case http.MethodPost:
		return o.again(c)
	default:
		c.Response().Header().Set("Allow", "GET, POST")
		return c.NoContent(http.StatusMethodNotAllowed)
	}
	p, err := parseParameters(c.Request().URL.RawQuery)
	if err != nil {
		return o.page(c, err)
	}
	caller, err := o.asker(p)
	if err != nil {
		return o.page(c, err)
	}
	if p, err = o.effective(c.Request().Context(), caller, p); err != nil {
		return o.page(c, err)
	}
	to, err := addressee(caller, p)
	if err != nil {
		return o.page(c, err)
	}
	if err := o.sectors.Confirm(c.Request().Context(), caller); err != nil {
		return o.page(c, err)
	}
	a, err := o.read(caller, p, &to)
	if err != nil {
		return o.refuse(c, to, err)
	}
	return o.dispatch(c, a)
}

// again turns a POST into a GET of our own. A form posted from the service's
// site brings no cookie of ours (SameSite=Lax), so the person would look like a
// stranger and a running session would be hidden; the browser's own GET brings
// them (architecture, point 12; AZ19).
func (o *OP) again(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return o.page(c, oauth.New(oauth.InvalidRequest, "the form cannot be read").Because(err))
	}
	query := r.Form.Encode() // the endpoint's own query, then the form; repeats survive to be refused
	if len(query) > maxQuery {
		return o.page(c, oauth.New(oauth.InvalidRequest, "the request is too long"))
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	target := o.authorizationURL
	if query != "" {
		target += "?" + query
	}
	return c.Redirect(http.StatusSeeOther, target)
}

// asker decides who asks, before anything else (AZ2, AZ3).
func (o *OP) asker(p parameters) (*client.Client, error) {
	id, err := p.once("client_id")
	if err != nil {
		return nil, err
	}
	return o.clients.Lookup(id)
}

// addressee decides where the answer may go (AZ2, AZ3, AZ5): as long as client
// and address are not known to be good nothing is redirected, or the endpoint
// would send people wherever an attacker wants.
func addressee(caller *client.Client, p parameters) (destination, error) {
	uri, err := p.once("redirect_uri")
	if err != nil {
		return destination{}, err
	}
	if !caller.MatchRedirect(uri) {
		return destination{}, oauth.New(oauth.InvalidRequest, "the redirect_uri is not one the service registered")
	}
	return destination{redirectURI: uri, mode: modeQuery}, nil
}

// page shows our own error page: 4xx, no Location (AZ3).
func (o *OP) page(c echo.Context, err error) error {
	ctx := c.Request().Context()
	c.Response().Header().Set("Cache-Control", "no-store")
	o.failures(ctx, audit.Failure{Kind: audit.FailureAuthorization, Code: codeBadService})
	if fault.Is(err, fault.Unavailable) {
		return o.errorPage(c, fault.Wrap(fault.Unavailable, codeUnavailable, "the provider cannot confirm the request now", err))
	}
	return o.errorPage(c, fault.Wrap(fault.Invalid, codeBadService, "the service that sent you here is not configured properly", err))
}

// startLogin keeps the request and sends the browser to the login page. Only a
// random handle travels through the browser, bound to it by a cookie (D5, AZ22).
// present is a session that answers as soon as the person has said his word; nil
// when somebody must log in.
func (o *OP) startLogin(c echo.Context, a *asking, present *outcome) error {
	ctx := c.Request().Context()
	browser, err := o.cookies.EnsureBrowser(c, o.rand)
	if err != nil {
		return o.refuse(c, a.to, err)
	}
	r := a.request(browser)
	if present != nil && a.prompt.account {
		r.Account = present.sid
	}
	pending, err := o.requests.Start(ctx, r)
	if err == nil && present != nil && !a.prompt.account {
		_, err = o.requests.Authenticate(ctx, pending.Handle, present.auth, present.sid)
	}
	if err != nil {
		return o.refuse(c, a.to, err)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, o.loginURL(url.PathEscape(pending.Handle)))
}
