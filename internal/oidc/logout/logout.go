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
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/notice"
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
	BySID(ctx context.Context, sid string) (session.Session, error)
	End(ctx context.Context, sid string) (session.Session, error)
	Of(ctx context.Context, sub string) ([]session.Session, error)
}

// Notices tells services (notice.Notices).
type Notices interface {
	Enter(ctx context.Context, list []notice.Notice) (notice.Entered, error)
	Send(ctx context.Context, entered notice.Entered, bound time.Duration)
}

// Clients knows the services (client.Registry).
type Clients interface {
	Lookup(id string) (*client.Client, error)
}

// Names knows the person behind the name a service has for him (pairwise.Names).
type Names interface {
	Person(c *client.Client, sub string) (string, error)
	Sub(c *client.Client, person string) (string, error)
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
	Notices  Notices
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
	need(d.Notices == nil, "Notices")
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

// patience is how long a browser waits for the services to be told (LO4).
const patience = 2 * time.Second

// End ends a session by whatever hand, traces it and tells its services. Ending
// what has ended is no error; one caller of many writes the trace. It fails when
// the store cannot confirm or the trace cannot be written: a logout is never
// reported that did not happen (D3).
func (l *Logout) End(ctx context.Context, sid, reason string) error {
	_, told, err := l.end(ctx, sid, reason)
	if err != nil {
		return err
	}
	l.d.Notices.Send(ctx, told, patience)
	return nil
}

// end ends a session and gives it as it was, with what its services are to be
// told: written down before the session ends, or a crash would leave them in the
// belief that it lives. What cannot be written ends nothing: the person can try
// again, a service that was forgotten cannot.
func (l *Logout) end(ctx context.Context, sid, reason string) (session.Session, notice.Entered, error) {
	before, err := l.d.Sessions.BySID(ctx, sid)
	if fault.Is(err, fault.NotFound) {
		return session.Session{}, nil, nil
	}
	if err != nil {
		return session.Session{}, nil, err
	}
	told, err := l.enter(ctx, before, nil)
	if err != nil {
		return session.Session{}, nil, err
	}
	s, err := l.d.Sessions.End(ctx, sid)
	if fault.Is(err, fault.NotFound) {
		return session.Session{}, told, nil // another hand was faster; what we wrote is ours to send
	}
	if err != nil {
		return session.Session{}, nil, err
	}
	late, err := l.enter(ctx, s, before.Clients) // services that joined meanwhile
	if err != nil {
		return s, nil, err
	}
	err = l.d.Audit.Record(ctx, audit.SessionEnded{Subject: s.Auth.Subject.String(), SID: sid, Reason: reason})
	if err != nil {
		return s, nil, fault.Wrap(fault.Unavailable, "PF-SV-041", "the end of the session cannot be traced", err)
	}
	return s, append(told, late...), nil
}

// enter writes down what the services of a session are to be told, but for
// those that were written already.
func (l *Logout) enter(ctx context.Context, s session.Session, but []string) (notice.Entered, error) {
	var list []notice.Notice
	for _, id := range s.Clients {
		c, err := l.d.Clients.Lookup(id)
		if slices.Contains(but, id) || err != nil || c.Logout.BackchannelURI == "" {
			continue // what is no longer registered has nowhere to be told
		}
		sub, err := l.d.Names.Sub(c, s.Auth.Sub)
		if err != nil {
			return nil, err
		}
		list = append(list, notice.Notice{Client: id, Sub: sub, SID: s.SID})
	}
	return l.d.Notices.Enter(ctx, list)
}
