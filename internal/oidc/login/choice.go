package login

import (
	"net/http"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

// codeCardNeeded: the level asked is one that only a card reaches.
const codeCardNeeded = "PF-CA-023"

// choice is what the choice of means has to say beside itself.
type choice struct {
	alert   string   // code of what went wrong before
	typed   string   // what was typed, shown again
	problem *problem // what is wrong with it
	shared  bool
	status  int
}

// choicePage is the content of choice.html.
type choicePage struct {
	frame
	Owner      string
	Identity   string // who has a live session in this browser
	Alert      *web.Failure
	ECPS       bool // the e-CPS can answer this request
	Card       bool // the card can, and this provider takes cards
	Offline    bool // the service accepts the code of a phone without a network
	OnPhone    bool // the page is on a phone: its own app can answer
	CardOnly   web.Failure
	Login      string
	LoginError *web.FieldError
	Shared     bool
	Sent       []string
}

// choose shows the two means side by side, the asking service and what it will get.
func (l *Login) choose(v *visit, o choice) error {
	identity, err := l.identity(v)
	if err != nil {
		return err
	}
	if o.problem == nil && o.typed == "" {
		o.typed = remembered(v)
	}
	p := choicePage{
		frame: l.frame(v), Owner: v.client.Owner, Identity: identity, ECPS: l.offersECPS(v), Card: l.offersCard(v),
		Offline: l.offersOffline(v), OnPhone: onPhone(v.c.Request()), Login: o.typed, Shared: o.shared || v.login.Shared, Sent: told(v.question().Claims, v.lang),
	}
	if o.alert != "" {
		p.Alert = failure(o.alert, v.lang)
	}
	if !p.ECPS {
		p.CardOnly = *failure(codeCardNeeded, v.lang)
	}
	if o.problem != nil {
		p.LoginError = &web.FieldError{Code: codeIdentifier, Text: o.problem.text(v.lang)}
	}
	if o.status == 0 {
		o.status = http.StatusOK
	}
	return l.Pages.Render(v.c, o.status, "choice", v.lang, p)
}

// offersECPS tells whether an e-CPS login could answer what was asked. If not
// (eidas3, or a service that takes cards only) the page says so instead of
// letting somebody try in vain.
func (l *Login) offersECPS(v *visit) bool {
	return l.enough(v, authn.Authentication{Means: authn.ECPS})
}

// remembered is the identifier typed before in this login (nobody types it
// twice, WCAG 3.3.7), or else the service's hint.
func remembered(v *visit) string {
	if !v.login.Holder.IsZero() {
		return v.login.Holder.String()
	}
	id, wrong := readIdentifier(clip(v.login.LoginHint))
	if wrong != nil {
		return "" // a hint is never an error (AZ13)
	}
	return id.String()
}

// identity names the person whose session lives in this browser, so that
// nobody confirms in somebody else's name (ux.md 2.1).
func (l *Login) identity(v *visit) (string, error) {
	s, found, err := l.liveSession(v)
	if err != nil || !found {
		return "", err
	}
	person, err := l.Directory.Lookup(v.ctx, s.Auth.Subject)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return fullName(person), err
}
