package login

import (
	"net/http"

	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/fault"
)

// accountPage is the content of account.html.
type accountPage struct {
	frame
	Owner      string
	Name       string
	Identifier string
}

// present is the session that answers once its holder says that it is he, if it
// still lives in this browser.
func (l *Login) present(v *visit) (session.Session, bool, error) {
	s, found, err := l.liveSession(v)
	return s, found && s.SID == v.login.Account, err
}

// account shows who is signed in here and lets the person choose: he, or somebody
// else (prompt=select_account, Core 3.1.2.1).
func (l *Login) account(v *visit) error {
	s, found, err := l.present(v)
	if err != nil {
		return err
	}
	if !found {
		return l.anotherAccount(v)
	}
	person, err := l.Directory.Lookup(v.ctx, s.Auth.Subject)
	if fault.Is(err, fault.NotFound) {
		return l.anotherAccount(v)
	}
	if err != nil {
		return err
	}
	return l.Pages.Render(v.c, http.StatusOK, "account", v.lang, accountPage{
		frame: l.frame(v), Owner: v.client.Owner, Name: fullName(person), Identifier: grouped(person.ID.String()),
	})
}

// sameAccount answers with the session that is here. Nobody proves anything anew:
// the OP has found the session good enough, and finds out again before it answers.
func (l *Login) sameAccount(v *visit) error {
	if v.login.Progress != grant.Pending || v.login.Account == "" {
		return l.back(v)
	}
	s, found, err := l.present(v)
	if err != nil {
		return err
	}
	if !found {
		return l.anotherAccount(v)
	}
	if v.login, err = l.Requests.Authenticate(v.ctx, v.login.Handle, s.Auth, s.SID); err != nil {
		return l.stale(v, err)
	}
	due, err := l.consentDue(v)
	if err != nil {
		return err
	}
	if due {
		return l.back(v)
	}
	return l.leave(v) // he has just seen his name: no page shows it again
}

// anotherAccount goes on to the means. The session that is here stays until
// somebody has really logged in (AZ10).
func (l *Login) anotherAccount(v *visit) error {
	if _, err := l.Requests.Change(v.ctx, v.login.Handle); err != nil {
		return l.stale(v, err)
	}
	return l.back(v)
}
