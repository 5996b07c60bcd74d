package portal

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

// frame is what all pages share.
type frame struct {
	CSRF       string
	Name       string // empty: nobody is signed in
	Identifier string
	ByCard     bool
	App        string // host of the app, empty if there is none
	AppURL     string
	Lang       string
}

func (p *Portal) frame(v *visit) frame {
	return frame{
		CSRF: web.CSRF(v.secret, ClientID), Name: v.s.Name, Identifier: v.s.Holder.String(), ByCard: v.byCard(), App: p.appHost(), AppURL: p.AppURL, Lang: v.lang,
	}
}

// homePage is the content of portal.html.
type homePage struct {
	frame
	Holding wallet.Holding
	AppQR   template.HTML
	Stopped stopped // what this browser has just stopped
	Known   bool    // this browser is remembered: it may be named
	Working int     // phones that could be stopped
}

// home is the first page, for who is signed in and for who is not.
func (p *Portal) home(c echo.Context) error {
	v, err := p.enter(c)
	page := homePage{frame: frame{App: p.appHost(), AppURL: p.AppURL, Lang: v.lang}}
	if err == nil {
		page.frame = p.frame(v)
		page.Holding, err = p.Wallet.Holding(c.Request().Context(), v.s.Holder)
		for _, d := range page.Holding.Phones {
			if d.State == "active" || d.State == "pending" {
				page.Working++
			}
		}
		page.Known = p.Cookies.Known(c) != ""
	} else if fault.Is(err, fault.Denied) {
		if page.Stopped, err = p.justStopped(c); err != nil {
			return p.Pages.FailIn(c, err, v.lang)
		}
		if p.AppURL != "" {
			page.AppQR, err = web.QR(p.AppURL, v.T("Adresse de l'application e-CPS", "Address of the e-CPS app"))
		}
	}
	if err == nil {
		err = p.Pages.Render(c, http.StatusOK, "portal", v.lang, page)
	}
	if err != nil {
		return p.Pages.FailIn(c, err, v.lang)
	}
	return nil
}

// historyPage is the content of portal-history.html.
type historyPage struct {
	frame
	SignIns []wallet.SignIn
}

func (p *Portal) history(v *visit) error {
	all, err := p.Wallet.SignIns(v.c.Request().Context(), v.s.Holder)
	if err != nil {
		return err
	}
	return p.Pages.Render(v.c, http.StatusOK, "portal-history", v.lang, historyPage{frame: p.frame(v), SignIns: all})
}

// contestPage is the content of portal-contest.html: what exactly will be stopped.
type contestPage struct {
	frame
	SignIn wallet.SignIn // zero: in general
	Lost   bool          // a phone is lost: phones only
}

func (p *Portal) contest(v *visit) error {
	all, err := p.Wallet.SignIns(v.c.Request().Context(), v.s.Holder)
	if err != nil {
		return err
	}
	page := contestPage{frame: p.frame(v)}
	if id := v.c.QueryParam("id"); id != "" {
		i := slices.IndexFunc(all, func(s wallet.SignIn) bool { return s.ID == id })
		if i < 0 {
			return fault.New(fault.NotFound, web.CodeNoPage, "no such sign-in")
		}
		page.SignIn = all[i]
	}
	return p.Pages.Render(v.c, http.StatusOK, "portal-contest", v.lang, page)
}

func (p *Portal) lost(v *visit) error {
	return p.Pages.Render(v.c, http.StatusOK, "portal-contest", v.lang, contestPage{frame: p.frame(v), Lost: true})
}

// phonePage is the content of portal-phone.html: way A.
type phonePage struct {
	frame
	Ticket string
	State  wallet.TicketState
	QR     template.HTML
	URL    string
	Left   int // seconds
	// Spelled is the number to compare, read as two digits.
	Spelled string
}

// phone shows way A: a login by card first, then a ticket, then its QR, then the
// two digits to compare.
func (p *Portal) phone(v *visit) error {
	page := phonePage{frame: p.frame(v), Ticket: v.c.QueryParam("ticket")}
	if page.Ticket != "" && v.byCard() {
		if err := p.fill(v, &page); err != nil {
			return err
		}
	}
	return p.Pages.Render(v.c, http.StatusOK, "portal-phone", v.lang, page)
}

func (p *Portal) fill(v *visit, page *phonePage) error {
	ctx := v.c.Request().Context()
	var err error
	page.State, err = p.Wallet.Ticket(ctx, v.s.Holder, page.Ticket)
	if fault.Is(err, fault.NotFound) {
		page.Ticket = ""
		return nil
	}
	if err != nil {
		return err
	}
	page.Spelled = strings.Join(strings.Split(page.State.Check, ""), " ")
	page.Left = max(0, int(page.State.ExpiresAt.Sub(p.Clock.Now())/time.Second))
	if page.State.State != "shown" {
		return nil
	}
	if page.URL, err = p.urlOf(ctx, v, page.Ticket); err != nil {
		return err
	}
	page.QR, err = web.QR(page.URL, v.T("Code d'activation à scanner avec l'application e-CPS", "Activation code to scan with the e-CPS app"))
	return err
}

// phoneState answers the page's script once the ticket has moved, or after a
// while; 401 tells it that nobody is signed in any more.
func (p *Portal) phoneState(c echo.Context) error {
	v, err := p.enter(c)
	if fault.Is(err, fault.Denied) {
		return c.NoContent(http.StatusUnauthorized)
	}
	if err != nil {
		return c.NoContent(http.StatusServiceUnavailable)
	}
	if err := web.KeepOpen(v.c.Response()); err != nil {
		p.Log.DebugContext(v.c.Request().Context(), "long poll keeps the server's deadlines")
	}
	ctx, cancel := context.WithCancel(v.c.Request().Context())
	defer cancel()
	fired, stop := p.Clock.After(20 * time.Second)
	defer stop()
	go func() {
		select {
		case <-fired:
			cancel()
		case <-ctx.Done():
		}
	}()
	s, err := p.Wallet.WaitTicket(ctx, v.s.Holder, v.c.QueryParam("ticket"), v.c.QueryParam("seen"))
	if err != nil {
		return v.c.JSON(http.StatusOK, map[string]string{"state": "gone"})
	}
	return v.c.JSON(http.StatusOK, map[string]string{"state": s.State})
}

// whyPage is the content of portal-why.html.
type whyPage struct {
	frame
	Diagnosis wallet.Diagnosis
	Links     []whyLink
}

// whyLink is one link in words.
type whyLink struct {
	Name string
	OK   bool
	Text web.Text
	Code string
}

// why is « Où ça coince ? »: the chain, the broken link, a code for support.
func (p *Portal) why(v *visit) error {
	d, err := p.Wallet.Diagnose(v.c.Request().Context(), v.s.Holder, wallet.Told{})
	if err != nil {
		return err
	}
	page := whyPage{frame: p.frame(v), Diagnosis: d}
	names := map[string]string{
		wallet.LinkRegister: v.T("Registre", "Register"), wallet.LinkRight: v.T("Droit à l'e-CPS", "Right to an e-CPS"), wallet.LinkDevice: v.T("Téléphone", "Phone"),
		wallet.LinkPush: v.T("Notifications", "Notifications"), wallet.LinkClock: v.T("Heure", "Clock"),
	}
	for _, l := range d.Links {
		w := whyLink{Name: names[l.Name], OK: l.OK, Code: l.Code}
		if !l.OK {
			w.Text = web.TextOf(l.Code, v.lang)
		}
		page.Links = append(page.Links, w)
	}
	return p.Pages.Render(v.c, http.StatusOK, "portal-why", v.lang, page)
}
