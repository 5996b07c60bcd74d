package login

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// mountCard routes the card step.
func (l *Login) mountCard(e *echo.Echo) {
	e.GET("/login/:handle/card", l.looking(l.lookCard))
	e.POST("/login/:handle/card", l.acting(l.submitCard))
	e.POST("/login/:handle/card-challenge", l.cardChallenge)
	e.POST(cps.RemovalPath, l.cardPulled)
}

// cardPage is the content of card.html.
type cardPage struct {
	frame
	Owner    string
	Identity string // who has a live session in this browser
	Alert    *web.Failure
	ECPS     bool // the other means can answer too
	Shared   bool
	Ports    []int
	Protocol string
	Failures []cardFailure
}

// cardFailure is what the page says about one failure: the script finds it by
// the bridge's word and invents no text of its own.
type cardFailure struct {
	Code  string
	Words []string // of the bridge (cps.BridgeError)
	Text  web.Text
}

// offersCard tells whether a card login could answer what was asked.
func (l *Login) offersCard(v *visit) bool {
	return l.Cards != nil && l.enough(v, authn.Authentication{Means: authn.Card})
}

// lookCard is the card step by its own address; when it is not due, the
// dispatcher shows what is.
func (l *Login) lookCard(v *visit) error {
	if v.login.Progress != grant.Pending || !l.offersCard(v) {
		return l.show(v)
	}
	return l.showCard(v)
}

func (l *Login) showCard(v *visit) error { return l.cardStep(v, "", http.StatusOK) }

// cardStep shows the page that reaches the bridge, with what went wrong before.
func (l *Login) cardStep(v *visit, alert string, status int) error {
	identity, err := l.identity(v)
	if err != nil {
		return err
	}
	p := cardPage{
		frame: l.frame(v), Owner: v.client.Owner, Identity: identity, ECPS: l.offersECPS(v), Shared: v.login.Shared,
		Ports: l.Bridge, Protocol: cps.Protocol, Failures: cardFailures(v.lang),
	}
	if alert != "" {
		p.Alert = failure(alert, v.lang)
	}
	web.AllowConnectTo(v.c, l.bridgeOrigins()...)
	return l.Pages.Render(v.c, status, "card", v.lang, p)
}

// bridgeOrigins names the bridge for the content security policy of this page alone.
func (l *Login) bridgeOrigins() []string {
	list := make([]string, 0, len(l.Bridge))
	for _, port := range l.Bridge {
		list = append(list, "http://127.0.0.1:"+strconv.Itoa(port))
	}
	return list
}

// cardFailures gives the words for all that the page may hear from a bridge, or
// find by itself.
func cardFailures(lang string) []cardFailure {
	words := map[string][]string{cps.CodePermission: nil, cps.CodeNoBridge: nil, web.CodeSlow: nil}
	for _, e := range cps.BridgeErrors() {
		words[e.Code()] = append(words[e.Code()], string(e))
	}
	var list []cardFailure
	for _, code := range slices.Sorted(maps.Keys(words)) {
		list = append(list, cardFailure{Code: code, Words: slices.Sorted(slices.Values(words[code])), Text: web.TextOf(code, lang)})
	}
	return list
}

// submitCard takes what the bridge answered, as a plain form.
func (l *Login) submitCard(v *visit) error {
	if v.login.Progress != grant.Pending || !l.offersCard(v) {
		return l.back(v)
	}
	if err := l.leavePhone(v); err != nil {
		return l.stale(v, err)
	}
	v.ctx = context.WithoutCancel(v.ctx) // the challenge is consumed: nobody could repeat it
	id := v.c.FormValue("jti")
	verdict, err := l.Cards.Prove(v.ctx, cards.Answer{
		ID: id, Login: v.login.Handle, Browser: v.login.BrowserHash, Body: []byte(v.c.FormValue("answer")),
	})
	if err != nil {
		return l.refuseCard(v, id, verdict, err)
	}
	auth, err := l.authentication(v, verdict.Card.Holder)
	if err != nil {
		if code := notStanding(err, cps.CodeUnknownHolder, cps.CodeClosedHolder); code != "" {
			err = fault.Wrap(fault.Denied, code, "the holder does not stand in the register", err)
		}
		return l.refuseCard(v, id, verdict, err)
	}
	if err := l.Wallet.Stopped(v.ctx, auth.Subject, authn.Card); err != nil {
		return l.stopped(v, err)
	}
	auth.Means, auth.At, auth.Ref = authn.Card, l.Clock.Now(), verdict.Card.Number
	err = l.succeed(v, proven{
		auth:  auth,
		event: audit.LoginSucceeded{Serial: verdict.Card.Serial, Issuer: verdict.Card.Issuer, Txn: id},
		bind:  func(sid string) error { return l.Cards.Open(v.ctx, id, sid, verdict.Card.Number) },
	})
	if err != nil {
		return l.refuseCard(v, id, verdict, err)
	}
	return nil
}

// stopped ends a login by a card whose holder has said that a login by card was
// not his: the card opens nothing until he undoes that with both secrets.
func (l *Login) stopped(v *visit, err error) error {
	if fault.Is(err, fault.Denied) {
		return l.refuse(v, fault.CodeOf(err))
	}
	return err
}

// leavePhone gives up an e-CPS request that waits, and notes the shared post.
func (l *Login) leavePhone(v *visit) error {
	pending, shared := v.login.Wallet, v.c.FormValue("shared") == "1"
	if pending == "" && shared == v.login.Shared {
		return nil
	}
	moved, err := l.Requests.SetWallet(v.ctx, v.login.Handle, grant.Asked{Was: pending, Holder: v.login.Holder, Shared: shared})
	if err != nil {
		return err
	}
	v.login = moved
	return l.drop(v, pending)
}

// refuseCard shows why a card does not open this login; another card, or the
// other means, still may. A refusal is a record of its own once the card's key
// has signed this login; before that anybody could have sent it, and it is
// counted (PG-60).
func (l *Login) refuseCard(v *visit, id string, verdict cps.Verdict, refusal error) error {
	code := fault.CodeOf(refusal)
	if !strings.HasPrefix(code, "PF-CA-") {
		return refusal
	}
	if !verdict.Proven {
		l.Failures(v.ctx, audit.Failure{Kind: audit.FailureCard, Code: code})
		return l.cardStep(v, code, web.StatusOf(refusal))
	}
	if err := l.Audit.Record(v.ctx, audit.LoginRefused{
		Subject: verdict.Card.Holder.String(), Client: v.client.ID, Means: string(authn.Card), Reason: code,
		Device: verdict.Card.Number, Serial: verdict.Card.Serial, Issuer: verdict.Card.Issuer, Txn: id,
	}); err != nil {
		return err
	}
	return l.cardStep(v, code, web.StatusOf(refusal))
}
