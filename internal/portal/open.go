package portal

import (
	"net/http"
)

// openPage is the content of portal-sessions.html.
type openPage struct {
	frame
	Open       []Open
	Here       string // the session of this very browser
	Agreements []Agreement
}

// open shows what is open in the holder's name, wherever it was opened (PG-69).
func (p *Portal) open(v *visit) error {
	list, err := p.Sessions.Open(v.c.Request().Context(), v.s.Holder)
	if err != nil {
		return err
	}
	agreements, err := p.Agreements.Agreements(v.c.Request().Context(), v.s.Holder)
	if err != nil {
		return err
	}
	return p.Pages.Render(v.c, http.StatusOK, "portal-sessions", v.lang, openPage{
		frame: p.frame(v), Open: list, Here: v.s.SID, Agreements: agreements,
	})
}

// withdraw takes back what a service may be told.
func (p *Portal) withdraw(v *visit) (string, error) {
	return Path + "/sessions", p.Agreements.Withdraw(v.c.Request().Context(), v.s.Holder, v.c.FormValue("client"))
}

// closeOne ends one session. His own is ended as a logout would.
func (p *Portal) closeOne(v *visit) (string, error) {
	sid := v.c.FormValue("session")
	if sid == v.s.SID {
		return p.logout(v)
	}
	return Path + "/sessions", p.Sessions.End(v.c.Request().Context(), v.s.Holder, sid)
}

// closeAll is « Tout fermer »: every session, this one included. The phones and
// the card go on working.
func (p *Portal) closeAll(v *visit) (string, error) {
	n, err := p.Sessions.EndAll(v.c.Request().Context(), v.s.Holder)
	if err != nil {
		return "", err
	}
	if err := p.tellStopped(v, stopped{At: p.Clock.Now(), Sessions: n, OnlySessions: true}); err != nil {
		return "", err
	}
	return Path, p.drop(v)
}
