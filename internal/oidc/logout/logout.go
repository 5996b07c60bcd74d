// Package logout ends a login: the session, and with it every token family
// that grew out of it. UserInfo, introspection and refresh all ask whether the
// session lives, so ending the session record is the one write that kills them
// all, on every node at once.
package logout

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Reasons a session ends for, as traces spell them.
const (
	ReasonLogout   = "logout"
	ReasonReplaced = "replaced"
	ReasonClosed   = "closed_by_holder" // on his own page
	ReasonOrder    = "admin"            // an operator's order
	ReasonFrozen   = "frozen"           // he said "this was not me"
)

// Sessions finds and ends sessions (session.Sessions).
type Sessions interface {
	ByCookie(ctx context.Context, cookie string) (session.Session, error)
	End(ctx context.Context, sid string) (session.Session, error)
	Of(ctx context.Context, sub string) ([]session.Session, error)
}

// Clients knows the services (client.Registry).
type Clients interface {
	Lookup(id string) (*client.Client, error)
}

// Names knows the person behind the name a service has for him (pairwise.Names).
type Names interface {
	Person(c *client.Client, sub string) (string, error)
}

// Keys verifies what we once signed (signing.Keys).
type Keys interface {
	Verify(token string, typs ...string) ([]byte, error)
}

// Cookies is what logout asks of the browser (web.Cookies).
type Cookies interface {
	EnsureBrowser(c echo.Context, rand io.Reader) (secret string, err error)
	Browser(c echo.Context) string
	Session(c echo.Context) string
	ClearSession(c echo.Context)
}

// Pages shows our own pages (web.Pages).
type Pages interface {
	Render(c echo.Context, status int, name, lang string, content any) error
	Fail(c echo.Context, err error) error
}

// Deps are what New needs; all are required but Failures.
type Deps struct {
	Sessions Sessions
	Persons  Persons
	Clients  Clients
	Names    Names
	Keys     Keys
	Cookies  Cookies
	Pages    Pages
	Audit    audit.Recorder
	Failures func(context.Context, audit.Failure)
	Rand     io.Reader
	Log      *slog.Logger

	Issuer           string
	AuthorizationURL string // the host that holds the session cookie
}

// Logout ends logins.
type Logout struct {
	d     Deps
	front *url.URL // of the cookie's host, when it is not the issuer's
}

// New makes the logout; it reports every missing dependency at once.
func New(d Deps) (*Logout, error) {
	var missing []error
	need := func(absent bool, name string) {
		if absent {
			missing = append(missing, errors.New("logout: missing "+name))
		}
	}
	need(d.Sessions == nil, "Sessions")
	need(d.Persons == nil, "Persons")
	need(d.Clients == nil, "Clients")
	need(d.Names == nil, "Names")
	need(d.Keys == nil, "Keys")
	need(d.Cookies == nil, "Cookies")
	need(d.Pages == nil, "Pages")
	need(d.Audit == nil, "Audit")
	need(d.Rand == nil, "Rand")
	need(d.Log == nil, "Log")
	if d.Failures == nil {
		d.Failures = func(context.Context, audit.Failure) {}
	}
	issuer, err := url.Parse(d.Issuer)
	need(err != nil || d.Issuer == "", "Issuer")
	front, err := url.Parse(d.AuthorizationURL)
	need(err != nil || d.AuthorizationURL == "", "AuthorizationURL")
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	l := &Logout{d: d}
	if front.Host != issuer.Host || front.Scheme != issuer.Scheme {
		l.front = &url.URL{Scheme: front.Scheme, Host: front.Host}
	}
	return l, nil
}

// End ends a session by whatever hand and traces it. Ending what has ended is
// no error; one caller of many writes the trace. It fails when the store cannot
// confirm or the trace cannot be written: a logout is never reported that did
// not happen (D3).
func (l *Logout) End(ctx context.Context, sid, reason string) error {
	s, err := l.d.Sessions.End(ctx, sid)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	err = l.d.Audit.Record(ctx, audit.SessionEnded{Subject: s.Auth.Subject.String(), SID: sid, Reason: reason})
	if err != nil {
		return fault.Wrap(fault.Unavailable, "PF-SV-041", "the end of the session cannot be traced", err)
	}
	return nil
}
