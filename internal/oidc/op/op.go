// Package op is the OpenID Provider: the endpoints that services and browsers
// call to get, use, inspect and end what a login gave them.
//
// It decides nothing about who a person is (login does) and keeps nothing of
// its own (session, grant do); it holds the protocol. zitadel/oidc routes,
// decodes and dispatches the token family through the seam of seam.go; what
// that interface cannot express are echo handlers here (go-stack.md 1 to 5).
// Every consequential answer is traced before it leaves (architecture, point 5).
package op

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/consent"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/pairwise"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
)

// Cookies is what op asks of the browser (web.Cookies).
type Cookies interface {
	EnsureBrowser(c echo.Context, rand io.Reader) (secret string, err error)
	Browser(c echo.Context) string
	Session(c echo.Context) string
	SessionState(c echo.Context) string
}

// Epochs tells the present epoch of a holder (subject.Subjects).
type Epochs interface {
	Epoch(ctx context.Context, sub string) (uint64, error)
}

// Directory tells who a professional is now (directory.Directory).
type Directory interface {
	Lookup(ctx context.Context, id rpps.NationalID) (rpps.Professional, error)
}

// Consents tells what persons have allowed services to be told (consent.Consents).
type Consents interface {
	Given(ctx context.Context, sub string, q consent.Question) (bool, error)
}

// Deps are what New needs; all are required but Lifetimes, Failures, Paths
// and the session's frame.
type Deps struct {
	Clients   *client.Registry
	Requests  *grant.Requests
	Codes     *grant.Codes
	Tokens    *grant.Tokens
	Sessions  *session.Sessions
	Subjects  Epochs
	Directory Directory
	Consents  Consents
	Keys      *signing.Keys
	Names     *pairwise.Names // by what each service knows a person
	KeySets   *client.KeySets // what clients sign with and are encrypted to
	Sites     client.Site     // where services keep their request objects
	KV        store.KV        // counters of failed client authentications, assertions used up
	Audit     audit.Recorder
	Failures  func(context.Context, audit.Failure)
	Cookies   Cookies
	Clock     clock.Clock
	Rand      io.Reader
	Log       *slog.Logger

	Vouching         client.Vouching // authorities of services; nil: none is known
	Issuer           string
	AuthorizationURL string
	CertificateURL   string // in place of the issuer on the listener for certificates; empty: there is none
	Paths            Paths
	SessionFrameURL  string // of the frame that services ask; empty: there is none
	SessionScript    string // address of its script, on the same host
	LoginURL         func(handle string) string
	ErrorPage        func(c echo.Context, err error) error
	Lifetimes        grant.Lifetimes
}

// OP is the provider. Its methods are the endpoints.
type OP struct {
	clients   *client.Registry
	callers   *client.Authenticator
	sites     client.Site
	sectors   *client.Sectors
	fetches   fetches
	requests  *grant.Requests
	codes     *grant.Codes
	tokens    *grant.Tokens
	sessions  *session.Sessions
	subjects  Epochs
	directory Directory
	consents  Consents
	keys      *signing.Keys
	names     *pairwise.Names
	keySets   *client.KeySets
	audit     audit.Recorder
	failures  func(context.Context, audit.Failure)
	throttle  *throttle
	cookies   Cookies
	clock     clock.Clock
	rand      io.Reader
	log       *slog.Logger

	issuer           string
	authorizationURL string
	certificateURL   string
	paths            Paths
	loginURL         func(string) string
	errorPage        func(echo.Context, error) error
	life             grant.Lifetimes
	frame            string // the page that services put into theirs
	discovery        document
	library          http.Handler // routes the token family
}

// New makes the provider; it reports every missing dependency at once.
func New(d Deps) (*OP, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if d.Failures == nil {
		d.Failures = func(context.Context, audit.Failure) {}
	}
	o := &OP{
		clients: d.Clients, callers: client.NewAuthenticator(client.AuthenticatorDeps{
			Clients: d.Clients, Keys: d.KeySets, Vouching: d.Vouching, KV: d.KV, Clock: d.Clock,
		}),
		keySets: d.KeySets, sites: d.Sites, sectors: client.NewSectors(d.Sites, d.KV, d.Clock, d.Log),
		requests: d.Requests, codes: d.Codes, tokens: d.Tokens, sessions: d.Sessions,
		subjects: d.Subjects, directory: d.Directory, consents: d.Consents, keys: d.Keys, audit: d.Audit, failures: d.Failures,
		names:    d.Names,
		throttle: newThrottle(d.KV), cookies: d.Cookies, clock: d.Clock, rand: d.Rand, log: d.Log,
		issuer: d.Issuer, authorizationURL: d.AuthorizationURL, certificateURL: d.CertificateURL, paths: d.Paths.orDefaults(), loginURL: d.LoginURL, errorPage: d.ErrorPage,
		life: d.Lifetimes.OrDefaults(), frame: sessionFrame(d.SessionScript),
	}
	var err error
	o.discovery, err = newDocument(describe(d.Issuer, d.AuthorizationURL, o.paths, d.Keys.Algorithms()).withCertificates(d).withSessionFrame(d.SessionFrameURL))
	if err != nil {
		return nil, err
	}
	o.library = newLibrary(o)
	return o, nil
}

func (d Deps) check() error {
	var missing []error
	need := func(absent bool, name string) {
		if absent {
			missing = append(missing, errors.New("op: missing "+name))
		}
	}
	need(d.Clients == nil, "Clients")
	need(d.Requests == nil, "Requests")
	need(d.Codes == nil, "Codes")
	need(d.Tokens == nil, "Tokens")
	need(d.Sessions == nil, "Sessions")
	need(d.Subjects == nil, "Subjects")
	need(d.Directory == nil, "Directory")
	need(d.Consents == nil, "Consents")
	need(d.Keys == nil, "Keys")
	need(d.Names == nil, "Names")
	need(d.KeySets == nil, "KeySets")
	need(d.Sites == nil, "Sites")
	need(d.KV == nil, "KV")
	need(d.Audit == nil, "Audit")
	need(d.Cookies == nil, "Cookies")
	need(d.Clock == nil, "Clock")
	need(d.Rand == nil, "Rand")
	need(d.Log == nil, "Log")
	need(d.Issuer == "", "Issuer")
	need(d.AuthorizationURL == "", "AuthorizationURL")
	need(d.LoginURL == nil, "LoginURL")
	need(d.ErrorPage == nil, "ErrorPage")
	return errors.Join(missing...)
}

// accessLife is the client's own lifetime of an access token, or the provider's.
func (o *OP) accessLife(c *client.Client) time.Duration {
	if c.Lifetimes.AccessToken > 0 {
		return c.Lifetimes.AccessToken
	}
	return o.life.Access
}
