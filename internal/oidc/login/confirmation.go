package login

import (
	"net/http"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/trust/audit"
)

// codeNotMe: the person on the page is not the one who approved.
const codeNotMe = "PF-ID-004"

// confirmationPage is the content of confirmation.html.
type confirmationPage struct {
	frame
	Return         string
	Name           string
	Profession     string
	Situation      string
	MoreSituations int
	Identifier     string
	Shared         bool
}

// confirm shows who is now signed in, before the service learns it.
func (l *Login) confirm(v *visit) error {
	person, err := l.Directory.Lookup(v.ctx, v.login.Auth.Subject)
	if err != nil {
		return err
	}
	first, total := situation(person)
	page := confirmationPage{
		frame: l.frame(v), Return: l.ReturnURL(v.login.Handle), Name: fullName(person),
		Situation: first, MoreSituations: max(0, total-1), Identifier: grouped(person.ID.String()), Shared: v.login.Shared,
	}
	if len(person.Practices) > 0 {
		page.Profession = person.Practices[0].ProfessionLabel()
	}
	return l.Pages.Render(v.c, http.StatusOK, "confirmation", v.lang, page)
}

// goOn is the button every page has: to the service when the login is done,
// otherwise another look.
func (l *Login) goOn(v *visit) error {
	if v.login.Progress == grant.Authenticated || v.login.Progress == grant.Denied {
		return l.leave(v)
	}
	return l.back(v)
}

// cancel leaves without a login: the service gets access_denied (AZ21). A
// session that was there before stays untouched (AZ10).
func (l *Login) cancel(v *visit) error {
	if v.login.Progress == grant.Authenticated {
		return l.notMe(v)
	}
	pending := v.login.Wallet
	if _, err := l.Requests.Deny(v.ctx, v.login.Handle, ecps.CodeCancelled); err != nil {
		return l.stale(v, err)
	}
	if err := l.drop(v, pending); err != nil {
		return err
	}
	return l.leave(v)
}

// notMe takes a login back before the service has heard of it: somebody else's
// phone approved, or somebody else sits here.
func (l *Login) notMe(v *visit) error {
	if v.login.Progress != grant.Authenticated {
		return l.back(v)
	}
	sid, auth := v.login.SID, v.login.Auth
	if err := l.Audit.Record(v.ctx, audit.LoginRefused{
		Subject: auth.Subject.String(), Client: v.client.ID, Means: string(auth.Means), Reason: codeNotMe,
	}); err != nil {
		return err
	}
	if _, err := l.Requests.Deny(v.ctx, v.login.Handle, codeNotMe); err != nil {
		return l.stale(v, err)
	}
	if err := l.end(v, sid, "logout"); err != nil {
		return err
	}
	l.Cookies.ClearSession(v.c)
	return l.leave(v)
}

// change ends the session of whoever was signed in here before, and stays.
func (l *Login) change(v *visit) error {
	if v.login.Progress != grant.Pending {
		return l.back(v)
	}
	s, found, err := l.liveSession(v)
	if err != nil {
		return err
	}
	if found {
		if err := l.end(v, s.SID, "logout"); err != nil {
			return err
		}
	}
	l.Cookies.ClearSession(v.c)
	return l.back(v)
}
