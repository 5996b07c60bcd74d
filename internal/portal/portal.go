// Package portal is « Mon e-CPS », where a holder sees and rules his e-CPS: an
// ordinary relying service of the provider. It knows who is there from the wire,
// by the code flow and UserInfo, and asks again before every page and act, so
// that a freeze or a logout elsewhere ends it too. What it does, it does through
// the wallet.
package portal

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/zitadel/oidc/v3/pkg/client/rp"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/web"
)

// Path is where the portal lives on the authorization host; ClientID is its
// registration.
const (
	Path     = "/mon-e-cps"
	ClientID = "mon-e-cps"
)

// Wallet is what the portal needs of the e-CPS.
type Wallet interface {
	Holding(ctx context.Context, holder rpps.NationalID) (wallet.Holding, error)
	SignIns(ctx context.Context, holder rpps.NationalID) ([]wallet.SignIn, error)
	RefOf(ctx context.Context, holder rpps.NationalID, sid string) (string, error)
	OfferTicket(ctx context.Context, holder rpps.NationalID, way wallet.Way) (wallet.Ticket, error)
	Ticket(ctx context.Context, holder rpps.NationalID, id string) (wallet.TicketState, error)
	WaitTicket(ctx context.Context, holder rpps.NationalID, id, seen string) (wallet.TicketState, error)
	ConfirmTicket(ctx context.Context, holder rpps.NationalID, id string) error
	RefuseTicket(ctx context.Context, holder rpps.NationalID, id string) error
	SuspendPhone(ctx context.Context, holder rpps.NationalID, device, by string) error
	ResumePhone(ctx context.Context, holder rpps.NationalID, device string, by authn.Means, ref string) error
	RemovePhone(ctx context.Context, holder rpps.NationalID, device, by string) error
	RenamePhone(ctx context.Context, holder rpps.NationalID, device, label string) error
	LabelBrowser(ctx context.Context, browser string, holder rpps.NationalID, label string) error
	Freeze(ctx context.Context, holder rpps.NationalID, signIn string, by authn.Means, ref string) (wallet.Frozen, error)
	Unfreeze(ctx context.Context, holder rpps.NationalID, by authn.Means, ref string) error
	Diagnose(ctx context.Context, holder rpps.NationalID, t wallet.Told) (wallet.Diagnosis, error)
}

// Sessions is what is open in a holder's name at the provider.
type Sessions interface {
	Open(ctx context.Context, holder rpps.NationalID) ([]Open, error)
	End(ctx context.Context, holder rpps.NationalID, sid string) error
	EndAll(ctx context.Context, holder rpps.NationalID) (sessions int, err error)
}

// Agreements is what a holder allows services outside the sector to be told.
type Agreements interface {
	Agreements(ctx context.Context, holder rpps.NationalID) ([]Agreement, error)
	Withdraw(ctx context.Context, holder rpps.NationalID, client string) error
}

// Agreement is one of them.
type Agreement struct {
	Client  string
	Service string
	Since   time.Time
}

// Open is one open session: a browser, and the services it is signed in to.
type Open struct {
	SID      string      `json:"sid"`
	Began    time.Time   `json:"began"`
	Seen     time.Time   `json:"seen"`
	Ends     time.Time   `json:"ends"`
	Means    authn.Means `json:"means"`
	Asker    string      `json:"asker"`  // kind of device: computer, phone, tablet, unknown
	Shared   bool        `json:"shared"` // shared post: it serves one service only
	Services []string    `json:"services"`
}

// Deps is what New needs; all are required but AppURL.
type Deps struct {
	Issuer       string
	ClientSecret string
	PublicURL    string // scheme and host of the authorization endpoint
	AppURL       string // where phones are made; empty: no app here
	HTTP         *http.Client
	Wallet       Wallet
	Sessions     Sessions
	Agreements   Agreements
	KV           store.KV
	Pages        *web.Pages
	Cookies      web.Cookies
	Clock        clock.Clock
	Rand         io.Reader
	Log          *slog.Logger
}

// Portal serves « Mon e-CPS ».
type Portal struct {
	Deps
	pending  store.Records[pending]
	sessions store.Records[session]
	turns    store.Records[struct{}] // who renews which session now
	stopped  store.Records[stopped]

	mu    sync.Mutex
	party rp.RelyingParty // discovered when it is first needed
}

// New checks its dependencies. Errors: fault.Internal.
func New(d Deps) (*Portal, error) {
	if d.Issuer == "" || d.ClientSecret == "" || d.PublicURL == "" || d.HTTP == nil || d.Wallet == nil || d.Sessions == nil || d.Agreements == nil || d.KV == nil || d.Pages == nil ||
		d.Clock == nil || d.Rand == nil || d.Log == nil {
		return nil, fault.New(fault.Internal, "", "portal: a dependency is missing")
	}
	return &Portal{
		Deps: d, pending: store.NewRecords[pending](d.KV, "portal.login"), sessions: store.NewRecords[session](d.KV, "portal.session"),
		turns: store.NewRecords[struct{}](d.KV, "portal.turn"), stopped: store.NewRecords[stopped](d.KV, "portal.stopped"),
	}, nil
}

// RedirectURI and HomeURL are what the portal is registered with.
func RedirectURI(publicURL string) string { return publicURL + Path + "/callback" }

// HomeURL is where a logout leads back to.
func HomeURL(publicURL string) string { return publicURL + Path }

// Mount routes the pages.
func (p *Portal) Mount(e *echo.Echo) {
	e.GET(Path, p.home)
	e.GET(Path+"/login", p.login)
	e.GET(Path+"/callback", p.callback)
	e.GET(Path+"/historique", p.signedIn(p.history))
	e.GET(Path+"/sessions", p.signedIn(p.open))
	e.GET(Path+"/contester", p.signedIn(p.contest))
	e.GET(Path+"/perdu", p.signedIn(p.lost))
	e.GET(Path+"/telephone", p.signedIn(p.phone))
	e.GET(Path+"/telephone/state", p.phoneState)
	e.GET(Path+"/ou-ca-coince", p.signedIn(p.why))
	for action, do := range map[string]act{
		"suspend": p.suspend, "resume": p.resume, "remove": p.remove, "rename": p.rename, "workstation": p.workstation,
		"freeze": p.freeze, "unfreeze": p.unfreeze, "ticket": p.offer, "confirm": p.confirm, "refuse": p.refuse, "logout": p.logout,
		"close": p.closeOne, "close-all": p.closeAll, "withdraw": p.withdraw,
	} {
		e.POST(Path+"/"+action, p.acting(do))
	}
}

const providerPatience = 10 * time.Second

// provider finds the provider when it is first needed: both begin in one process.
func (p *Portal) provider(ctx context.Context) (rp.RelyingParty, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.party != nil {
		return p.party, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerPatience)
	defer cancel()
	found, err := rp.NewRelyingPartyOIDC(ctx, p.Issuer, ClientID, p.ClientSecret, RedirectURI(p.PublicURL), []string{"openid", "scope_all"},
		rp.WithHTTPClient(p.HTTP), rp.WithAuthStyle(authStyle),
		rp.WithVerifierOpts(rp.WithNonce(nonceOf), rp.WithIssuedAtOffset(10*time.Second), rp.WithSupportedSigningAlgorithms("RS256", "PS256", "ES256", "EdDSA")))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, web.CodeSlow, "the provider does not answer its own portal", err)
	}
	p.party = found
	return found, nil
}

// appHost is the app's address as a page shows it.
func (p *Portal) appHost() string {
	u, err := url.Parse(p.AppURL)
	if err != nil {
		return ""
	}
	return u.Host
}
