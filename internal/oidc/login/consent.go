package login

import (
	"net/http"
	"strings"

	"github.com/egide-id/egide/internal/oidc/consent"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/trust/audit"
)

// codeNotAllowed: the person does not allow the service to be told.
const codeNotAllowed = "PF-ID-005"

// consentPage is the content of consent.html.
type consentPage struct {
	frame
	Owner      string
	Purpose    string
	Name       string
	Identifier string
	Told       []string
}

func (v *visit) question() consent.Question {
	return consent.Ask(v.client, v.login.Scope, v.login.Claims)
}

// consentDue tells whether the person who logged in must be asked first.
func (l *Login) consentDue(v *visit) (bool, error) {
	switch {
	case v.login.Consented:
		return false, nil
	case v.login.AskConsent:
		return true, nil
	case !v.client.Requests.Consent:
		return false, nil
	}
	given, err := l.Consents.Given(v.ctx, v.login.Auth.Sub, v.question())
	return !given, err
}

// lastWord shows the last page of a login: the question that is due, or who is
// now signed in.
func (l *Login) lastWord(v *visit) error {
	due, err := l.consentDue(v)
	if err != nil {
		return err
	}
	if due {
		return l.askConsent(v)
	}
	return l.confirm(v)
}

// askConsent says who asks, what for, and what would be told, all of it.
func (l *Login) askConsent(v *visit) error {
	person, err := l.Directory.Lookup(v.ctx, v.login.Auth.Subject)
	if err != nil {
		return err
	}
	return l.Pages.Render(v.c, http.StatusOK, "consent", v.lang, consentPage{
		frame: l.frame(v), Owner: v.client.Owner, Purpose: v.client.Purpose, Name: fullName(person),
		Identifier: grouped(person.ID.String()), Told: told(v.question().Claims, v.lang),
	})
}

// accept records the yes, then lets the service be told.
func (l *Login) accept(v *visit) error {
	if v.login.Progress != grant.Authenticated {
		return l.back(v)
	}
	auth, q := v.login.Auth, v.question()
	if err := l.Audit.Record(v.ctx, audit.ConsentGiven{
		Subject: auth.Subject.String(), Client: v.client.ID, SID: v.login.SID, Purpose: v.client.Purpose, Claims: strings.Join(q.Claims, " "),
	}); err != nil {
		return err
	}
	if err := l.Consents.Give(v.ctx, auth.Sub, q); err != nil {
		return err
	}
	if _, err := l.Requests.Consent(v.ctx, v.login.Handle); err != nil {
		return l.stale(v, err)
	}
	return l.leave(v)
}

// decline tells the service that it may not know (access_denied). The person's
// session goes on: he said no to this service, not to his login.
func (l *Login) decline(v *visit) error {
	if v.login.Progress != grant.Authenticated {
		return l.back(v)
	}
	if err := l.Audit.Record(v.ctx, audit.ConsentRefused{
		Subject: v.login.Auth.Subject.String(), Client: v.client.ID, SID: v.login.SID, Claims: strings.Join(v.question().Claims, " "),
	}); err != nil {
		return err
	}
	if _, err := l.Requests.Deny(v.ctx, v.login.Handle, codeNotAllowed); err != nil {
		return l.stale(v, err)
	}
	return l.leave(v)
}
