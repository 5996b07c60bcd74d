package login

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/web"
)

// waitingPage is the content of waiting.html.
type waitingPage struct {
	frame
	Number        string
	Spelled       string // "4 7", read as two digits
	Typed         bool
	Settling      bool // approved, being finished elsewhere
	State         wallet.State
	Delivery      wallet.Delivery
	DeliveryText  string
	DeliveryTexts []deliveryText
	Remaining     int // seconds
	RemainingText string
	CanResend     bool
	Started       bool // a phone came to the page: nothing was sent
	Arriving      bool // approved on this very phone, whose browser has not come back
	Login         string
}

type deliveryText struct {
	Delivery, Text string
}

// late names the text for a phone that has not fetched the request after a while.
const (
	late      = "late"
	lateAfter = 100 * time.Second // of life left, out of 120
)

// wait shows the number to compare, the time left and what can be done.
func (l *Login) wait(v *visit, p wallet.Pending) error {
	left := max(0, p.ExpiresAt.Sub(l.Clock.Now()))
	page := waitingPage{
		frame: l.frame(v), Number: p.Number, Spelled: strings.Join(strings.Split(p.Number, ""), " "), Typed: p.Typed,
		Settling: p.State != wallet.Open, State: p.State, Delivery: p.Delivery,
		Remaining: int(left / time.Second), RemainingText: inWords(left), CanResend: p.State == wallet.Open && !p.Started,
		Started: p.Started, Arriving: p.Arriving, DeliveryText: deliverySays("", v.lang),
	}
	if !v.login.Holder.IsZero() { // who scanned is nobody's business before he approves
		page.Login = grouped(v.login.Holder.String())
	}
	page.Self += v.query
	if p.Known {
		shown := string(p.Delivery)
		if p.Delivery == wallet.Sent && left < lateAfter {
			shown = late
		}
		page.DeliveryText = deliverySays(shown, v.lang)
		for _, d := range []string{string(wallet.Sent), string(wallet.Received), string(wallet.Opened), late} {
			page.DeliveryTexts = append(page.DeliveryTexts, deliveryText{d, deliverySays(d, v.lang)})
		}
	}
	return l.Pages.Render(v.c, http.StatusOK, "waiting", v.lang, page)
}

// deliverySays puts the way of the request into words. The empty state is what
// a browser reads that the holder has never used.
func deliverySays(state, lang string) string {
	fr, en := "Nous attendons votre réponse sur le téléphone.", "We are waiting for your answer on the phone."
	switch state {
	case string(wallet.Sent):
		fr, en = "Demande envoyée à votre téléphone.", "Request sent to your phone."
	case string(wallet.Received):
		fr, en = "Votre téléphone a reçu la demande.", "Your phone has received the request."
	case string(wallet.Opened):
		fr, en = "La demande est ouverte sur votre téléphone.", "The request is open on your phone."
	case late:
		t := web.TextOf(ecps.CodeNotReceived, lang)
		return t.Cause + " " + t.Action + " (" + ecps.CodeNotReceived + ")"
	}
	if lang == web.English {
		return en
	}
	return fr
}

// inWords writes the time left as the script will go on writing it.
func inWords(left time.Duration) string {
	s := int(left / time.Second)
	if s < 60 {
		return fmt.Sprintf("%d\u00a0s", s)
	}
	return fmt.Sprintf("%d\u00a0min %d\u00a0s", s/60, s%60)
}

// pollFor bounds one long poll.
const pollFor = 20 * time.Second

// moved tells the page's script to look again.
const moved = "moved"

// state answers the page's script as soon as something has changed, or after
// pollFor. It tells the owner of the login only what its page shows anyway.
func (l *Login) state(c echo.Context) error {
	v, err := l.enter(c)
	if err != nil {
		return err
	}
	if v.login.Progress != grant.Pending || v.login.Wallet == "" {
		return c.JSON(http.StatusOK, map[string]string{"state": moved, "delivery": ""})
	}
	if err := web.KeepOpen(c.Response()); err != nil {
		l.Log.DebugContext(v.ctx, "long poll keeps the server's deadlines")
	}
	ctx, cancel := l.within(v.ctx, pollFor)
	defer cancel()
	seen := wallet.Pending{State: wallet.State(c.QueryParam("state")), Delivery: wallet.Delivery(c.QueryParam("delivery"))}
	p, err := l.Wallet.Wait(ctx, v.login.Wallet, seen)
	if err != nil && !over(err) {
		return err
	}
	if err != nil {
		return c.JSON(http.StatusOK, map[string]string{"state": moved, "delivery": ""})
	}
	return c.JSON(http.StatusOK, map[string]string{"state": string(p.State), "delivery": string(p.Delivery)})
}

// within is context.WithTimeout on the house's clock.
func (l *Login) within(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	fired, stop := l.Clock.After(d)
	go func() {
		defer stop()
		select {
		case <-fired:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
