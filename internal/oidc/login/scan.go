package login

import (
	"html/template"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// scanPage is the content of scan.html.
type scanPage struct {
	frame
	QR   template.HTML
	Next int // seconds until the QR is another one
}

// scan shows a QR that the app reads: nobody types an identifier and no push
// goes out. The QR is another one every few seconds, so that a photograph of it
// is worth nothing; the number that follows stands against one that is relayed.
func (l *Login) scan(v *visit) error {
	if v.login.Progress != grant.Pending || !l.offersECPS(v) {
		return l.show(v)
	}
	shown, err := l.ensureStart(v)
	if err != nil {
		return err
	}
	if shown.Request != "" {
		return l.scanned(v, shown.Request)
	}
	qr, err := web.QR(shown.QR, v.say("Code à scanner avec l'application e-CPS", "Code to scan with the e-CPS app"))
	if err != nil {
		return err
	}
	return l.Pages.Render(v.c, http.StatusOK, "scan", v.lang, scanPage{frame: l.frame(v), QR: qr, Next: seconds(shown.Next)})
}

// ensureStart opens the login for phones, once; two tabs share it.
func (l *Login) ensureStart(v *visit) (wallet.Shown, error) {
	if v.login.Start != "" {
		shown, err := l.Wallet.Show(v.ctx, v.login.Start)
		if !fault.Is(err, fault.NotFound) && (err != nil || shown.Request == "" || v.login.Wallet == "") {
			return shown, err
		}
	}
	start, err := l.Wallet.Begin(v.ctx, wallet.StartAsk{
		ClientID: v.client.ID, Service: v.client.Name, AskerKind: askerKind(v.c.Request()), Login: v.login.Handle,
		Back: l.pageURL(v, "arrive"),
	})
	if err != nil {
		return wallet.Shown{}, err
	}
	if _, err := l.Requests.SetStart(v.ctx, v.login.Handle, start, v.login.Start); err != nil {
		return wallet.Shown{}, err
	}
	v.login.Start = start
	return l.Wallet.Show(v.ctx, start)
}

// pageURL is the absolute address of a page of this login: the app leads there.
func (l *Login) pageURL(v *visit, page string) string {
	return l.PageURL(v.login.Handle) + "/" + page
}

// scanned hangs the request that a phone has opened on the login.
func (l *Login) scanned(v *visit, request string) error {
	if v.login.Wallet == request {
		return l.back(v)
	}
	last, err := l.lookAgain(v)
	if err != nil {
		return l.stale(v, err)
	}
	return l.hang(v, last, grant.Asked{Wallet: request, Was: v.login.Wallet, Shared: v.login.Shared})
}

// scanState gives the page's script the next QR, or tells it that a phone came.
func (l *Login) scanState(c echo.Context) error {
	v, err := l.enter(c)
	if err != nil {
		return err
	}
	over := map[string]any{"moved": true}
	if v.login.Progress != grant.Pending || v.login.Start == "" {
		return c.JSON(http.StatusOK, over)
	}
	shown, err := l.Wallet.Show(v.ctx, v.login.Start)
	if err == nil && shown.Request == "" {
		ctx, cancel := l.within(v.ctx, shown.Next)
		defer cancel()
		shown, err = l.Wallet.WaitStart(ctx, v.login.Start)
	}
	if fault.Is(err, fault.NotFound) || err == nil && shown.Request != "" {
		return c.JSON(http.StatusOK, over)
	}
	if err != nil {
		return err
	}
	qr, err := web.QR(shown.QR, v.say("Code à scanner avec l'application e-CPS", "Code to scan with the e-CPS app"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"moved": false, "qr": qr})
}

// here sends the browser of a phone to the app on that phone. The login goes on
// only where the app sends it back: in the browser that began it, with a code
// that is good once.
func (l *Login) here(v *visit) error {
	if v.login.Progress != grant.Pending || !l.offersECPS(v) {
		return l.back(v)
	}
	shown, err := l.ensureStart(v)
	if err != nil {
		return l.stale(v, err)
	}
	return v.c.Redirect(http.StatusSeeOther, shown.Link)
}

// arrive is where the app sends the browser of its phone. A link that somebody
// sent to a victim ends here in the victim's browser, which did not begin this
// login: enter has refused it already.
func (l *Login) arrive(v *visit) error {
	if v.login.Progress != grant.Pending || v.login.Start == "" {
		return l.back(v)
	}
	shown, err := l.Wallet.Show(v.ctx, v.login.Start)
	if err != nil {
		return l.choose(v, choice{alert: ecps.CodeStart})
	}
	err = l.Wallet.Arrive(v.ctx, shown.Request, clip(v.c.QueryParam("code")))
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
		l.Failures(v.ctx, audit.Failure{Kind: audit.FailureBrowser, Code: ecps.CodeStart})
		return l.choose(v, choice{alert: ecps.CodeStart, status: http.StatusForbidden})
	}
	if err != nil {
		return err
	}
	return l.scanned(v, shown.Request)
}

// onPhone tells that the page is on a device which may carry the app.
func onPhone(r *http.Request) bool {
	kind := askerKind(r)
	return kind == ecps.AskerPhone || kind == ecps.AskerTablet
}

// offersOffline tells whether the service has opted in to the level below every
// eidas level, and asks for no other.
func (l *Login) offersOffline(v *visit) bool {
	return l.enough(v, authn.Authentication{Means: authn.ECPSOffline})
}
