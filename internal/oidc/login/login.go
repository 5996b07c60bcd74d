// Package login is the interactive login: the pages between a service's request
// and its answer.
//
// A pending login is one record (grant.Request), named by a handle in the URL
// and bound to a secret in a cookie of the browser that started it (D5, AZ22).
// Every address leads to one dispatcher, which reads that record and shows the
// step that is due; a step changes the record and sends the browser back to the
// dispatcher with 303. Steps never call one another, so that reload, back, a
// second tab and a double click are all the same thing: another look (AZ23).
//
//	account --another--> choice;  account --this one--> service
//	choice  --identifier-->  waiting  --approved-->  confirmation  -->  service
//	   \___QR or link_________/                        /  not me        /
//	   \____________card, offline code___answered_____/                /
//	    \_______cancel__________/  \__refused____________________________/
//
// Before the service, a person whose word is asked (prompt=consent, or a service
// outside the sector) sees the consent in place of the confirmation.
//
// All pages are plain forms that work without script (D10).
package login

import (
	"context"
	"io"
	"log/slog"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/identity/subject"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/consent"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Wallet is what the pages need of the e-CPS.
type Wallet interface {
	Open(ctx context.Context, a wallet.Ask) (wallet.Pending, error)
	Status(ctx context.Context, id string) (wallet.Pending, error)
	Wait(ctx context.Context, id string, seen wallet.Pending) (wallet.Pending, error)
	Cancel(ctx context.Context, id string) error
	Resend(ctx context.Context, id string) error
	Consume(ctx context.Context, id string) (wallet.Proof, error)
	Begin(ctx context.Context, a wallet.StartAsk) (start string, err error)
	Show(ctx context.Context, start string) (wallet.Shown, error)
	WaitStart(ctx context.Context, start string) (wallet.Shown, error)
	Arrive(ctx context.Context, id, code string) error
	ProveOffline(ctx context.Context, a wallet.Ask, code string) (wallet.Proof, error)
	SignedIn(ctx context.Context, holder rpps.NationalID, browser string, s wallet.SignIn) error
	Stopped(ctx context.Context, holder rpps.NationalID, means authn.Means) error
}

// Cards is what the pages and the bridges need of the card.
type Cards interface {
	Challenge(ctx context.Context, a cards.Ask) (token, id string, err error)
	Prove(ctx context.Context, a cards.Answer) (cps.Verdict, error)
	Open(ctx context.Context, id, sid, number string) error
	Pull(ctx context.Context, r cps.Removal) (sid string, err error)
}

// Consents keeps what persons allow services to be told (consent.Consents).
type Consents interface {
	Given(ctx context.Context, sub string, q consent.Question) (bool, error)
	Give(ctx context.Context, sub string, q consent.Question) error
}

// Deps is what New needs; all are required but Cards.
type Deps struct {
	Requests  *grant.Requests
	Sessions  *session.Sessions
	Subjects  *subject.Subjects
	Clients   *client.Registry
	Directory directory.Directory
	Wallet    Wallet
	Consents  Consents
	Cards     Cards // nil: this provider takes no card
	Bridge    []int // ports where pages look for a bridge on the person's computer
	KV        store.KV
	Pages     *web.Pages
	Cookies   web.Cookies
	Audit     audit.Recorder
	Failures  func(ctx context.Context, f audit.Failure)
	Clock     clock.Clock
	Rand      io.Reader
	Log       *slog.Logger
	// EndSession ends a session with all that hangs on it; it records the event.
	EndSession func(ctx context.Context, sid, reason string) error
	// ReturnURL is where a finished login goes on: the OP's resume endpoint.
	ReturnURL func(handle string) string
	// PageURL is the absolute address of a login's own page.
	PageURL func(handle string) string
}

// Login serves the pages.
type Login struct {
	Deps
	attempts attempts
}

// New checks its dependencies.
func New(d Deps) (*Login, error) {
	missing := d.Requests == nil || d.Sessions == nil || d.Subjects == nil || d.Clients == nil || d.Directory == nil ||
		d.Wallet == nil || d.Consents == nil || d.KV == nil || d.Pages == nil || d.Audit == nil || d.Failures == nil || d.Clock == nil ||
		d.Rand == nil || d.Log == nil || d.EndSession == nil || d.ReturnURL == nil || d.PageURL == nil
	if missing {
		return nil, fault.New(fault.Internal, "", "login: a dependency is missing")
	}
	return &Login{Deps: d, attempts: newAttempts(d.KV)}, nil
}

// Mount routes the pages. The way back (/login/:handle/return) is the OP's.
func (l *Login) Mount(e *echo.Echo) {
	e.GET("/login/:handle", l.opening(l.show))
	e.GET("/login/:handle/state", l.state)
	e.GET("/login/:handle/scan", l.looking(l.scan))
	e.GET("/login/:handle/scan-state", l.scanState)
	e.GET("/login/:handle/arrive", l.looking(l.arrive))
	for action, step := range map[string]step{
		"ecps":     l.submitECPS,
		"here":     l.here,
		"offline":  l.submitOffline,
		"resend":   l.resend,
		"other":    l.other,
		"continue": l.goOn,
		"cancel":   l.cancel,
		"not-me":   l.notMe,
		"change":   l.change,
		"same":     l.sameAccount,
		"another":  l.anotherAccount,
		"accept":   l.accept,
		"decline":  l.decline,
	} {
		e.POST("/login/:handle/"+action, l.acting(step))
		// Whoever reloads or bookmarks the address of a form lands on the step that is due.
		e.GET("/login/:handle/"+action, l.looking(l.back))
	}
	if l.Cards != nil {
		l.mountCard(e)
	}
	l.mountTexts(e)
}
