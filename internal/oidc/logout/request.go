package logout

import (
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Limits on what a stranger may send.
const (
	maxQuery = 32 << 10 // an ID token of ours has 2 to 4 KiB
	maxState = 2000
)

// asked is a logout request, checked (RP-Initiated Logout 2).
type asked struct {
	params  url.Values
	client  *client.Client // nil when nobody is named
	hint    *claims.Hint   // a valid ID token of ours, perhaps expired
	target  string         // registered post_logout_redirect_uri, or empty
	differs bool           // client_id names another service than the hint
}

// parameters reads GET and POST alike; a parameter sent twice is refused.
func parameters(c echo.Context) (url.Values, error) {
	r := c.Request()
	if len(r.URL.RawQuery) > maxQuery {
		return nil, badRequest("the request is too long", nil)
	}
	if err := r.ParseForm(); err != nil {
		return nil, badRequest("the request cannot be read", err)
	}
	for name, values := range r.Form {
		if len(values) > 1 {
			return nil, badRequest("a parameter is sent more than once: "+name, nil)
		}
	}
	return r.Form, nil
}

// read checks a request. A hint that is not ours, or a URI the service did not
// register, ends here with an error page and never with a redirect (LO2): or
// anybody could send people from our address to his.
func (l *Logout) read(c echo.Context, params url.Values) (*asked, error) {
	a := &asked{params: params}
	name := params.Get("client_id")
	if token := params.Get("id_token_hint"); token != "" {
		hint, err := l.verify(token)
		if err != nil {
			l.d.Failures(c.Request().Context(), audit.Failure{Kind: audit.FailureLogout, Code: "PF-SV-040"})
			return nil, badRequest("the id_token_hint is not an ID token of this provider", err)
		}
		a.hint = &hint
		a.differs = name != "" && name != hint.Audience
		name = hint.Audience
	}
	if name != "" {
		found, err := l.d.Clients.Lookup(name)
		if err != nil && a.hint == nil {
			return nil, badRequest("no such service", err)
		}
		if err == nil {
			a.client = found
		}
	}
	if err := l.unname(a); err != nil {
		return nil, err
	}
	if state := params.Get("state"); len(state) > maxState || !utf8.ValidString(state) {
		return nil, badRequest("state cannot be carried back unchanged", nil)
	}
	uri := params.Get("post_logout_redirect_uri")
	if uri == "" {
		return a, nil
	}
	if a.client == nil || !a.client.MatchPostLogout(uri) {
		return nil, badRequest("the post_logout_redirect_uri is not one the service registered", nil)
	}
	a.target = uri
	return a, nil
}

// unname puts the stored sub in place of the name that the hint's service knows
// (Core 8). A name that this service was never given is nobody's: whoever is
// there is asked.
func (l *Logout) unname(a *asked) error {
	if a.hint == nil || a.client == nil {
		return nil
	}
	person, err := l.d.Names.Person(a.client, a.hint.Sub)
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	a.hint.Sub = person
	return err
}

func (l *Logout) verify(token string) (claims.Hint, error) {
	payload, err := l.d.Keys.Verify(token, "JWT")
	if err != nil {
		return claims.Hint{}, err
	}
	return claims.ReadHint(payload, l.d.Issuer)
}

// back is where the browser goes afterwards, with state only if it was sent
// (LO1); empty when it stays here.
func (a *asked) back() string {
	if a.target == "" || a.params.Get("state") == "" {
		return a.target
	}
	u, err := url.Parse(a.target)
	if err != nil {
		return ""
	}
	state := "state=" + url.QueryEscape(a.params.Get("state"))
	if u.RawQuery != "" {
		state = u.RawQuery + "&" + state
	}
	u.RawQuery = state
	return u.String()
}

func badRequest(detail string, cause error) error {
	return fault.Wrap(fault.Invalid, "PF-SV-040", detail, cause)
}

// isPost tells a form from a link.
func isPost(c echo.Context) bool { return c.Request().Method == http.MethodPost }
