package login

import (
	"context"
	"log/slog"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// finish turns an approval into a login: proof, person, session, trace, answer.
//
// The approval is consumed first and by one winner; from there on the work is
// done to its end even if the browser goes away, because nobody could repeat it.
func (l *Login) finish(v *visit) error {
	v.ctx = context.WithoutCancel(v.ctx)
	proof, err := l.Wallet.Consume(v.ctx, v.login.Wallet)
	if fault.Is(err, fault.Denied) {
		return l.refuse(v, fault.CodeOf(err))
	}
	if err != nil {
		return l.consumedElsewhere(v, err)
	}
	auth, err := l.authentication(v, proof)
	if fault.Is(err, fault.Denied) {
		return l.refuse(v, fault.CodeOf(err))
	}
	if err != nil {
		return err
	}
	acr, enough := claims.ACR(v.client, v.login.ACRValues, auth)
	if !enough {
		return l.refuse(v, codeCardNeeded)
	}
	if err := l.begin(v, auth, acr); err != nil {
		return l.stale(v, err)
	}
	l.remember(v, proof.Holder)
	return l.back(v)
}

// consumedElsewhere: another tab or a double click was faster, or the time ran
// out in between. The wallet's state has changed, so another look shows it.
func (l *Login) consumedElsewhere(v *visit, err error) error {
	if over(err) {
		return l.back(v)
	}
	return err
}

// authentication looks the person up again: what the register says now decides,
// not what it said when the phone was asked (D6, S-94).
func (l *Login) authentication(v *visit, proof wallet.Proof) (authn.Authentication, error) {
	person, err := l.Directory.Lookup(v.ctx, proof.Holder)
	if fault.Is(err, fault.NotFound) || err == nil && person.Closed {
		return authn.Authentication{}, fault.New(fault.Denied, ecps.CodeClosed, "the record of this person is closed")
	}
	if err != nil {
		return authn.Authentication{}, err
	}
	sub, err := l.Subjects.Of(v.ctx, person)
	if err != nil {
		return authn.Authentication{}, err
	}
	return authn.Authentication{
		Subject: person.ID, Sub: sub.Sub, Means: authn.ECPS, At: proof.At, Ref: proof.Device, Epoch: sub.Epoch,
	}, nil
}

// begin opens or renews the session and answers the request. It ends the
// session that was here before if it is another one: a browser has one.
func (l *Login) begin(v *visit, auth authn.Authentication, acr string) error {
	before, had, err := l.liveSession(v)
	if err != nil {
		return err
	}
	event := audit.LoginSucceeded{
		Subject: auth.Subject.String(), Sub: auth.Sub, Client: v.client.ID,
		Means: string(auth.Means), Device: auth.Ref, ACR: acr,
	}
	if had && l.continues(v, before, auth) {
		event.SID = before.SID
		renewed, err := l.renew(v, auth, event)
		if err != nil || renewed {
			return err
		}
	}
	if err := l.open(v, auth, event); err != nil {
		return err
	}
	if had {
		return l.end(v, before.SID, "replaced")
	}
	return nil
}

// continues tells that the new login goes on with the session that is here: the
// same person, not ended by his epoch, and not on a shared post.
func (l *Login) continues(v *visit, before session.Session, auth authn.Authentication) bool {
	return !v.login.Shared && before.Auth.Sub == auth.Sub && before.Auth.Epoch == auth.Epoch
}

// renew keeps the session of the same person, so that his other services stay
// connected, under a new cookie value (SE1). It tells false when the session
// has just ended.
func (l *Login) renew(v *visit, auth authn.Authentication, event audit.LoginSucceeded) (bool, error) {
	if err := l.Audit.Record(v.ctx, event); err != nil {
		return false, err
	}
	s, cookie, err := l.Sessions.Renew(v.ctx, event.SID, auth)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	l.Cookies.SetSession(v.c, cookie)
	_, err = l.Requests.Authenticate(v.ctx, v.login.Handle, auth, s.SID)
	return true, err
}

// open begins a session with a cookie value nobody knew before the login: what
// was planted in the browser opens nothing afterwards (fixation, SE1). A session
// whose trace cannot be written ends before anybody holds its cookie.
func (l *Login) open(v *visit, auth authn.Authentication, event audit.LoginSucceeded) error {
	s, cookie, err := l.Sessions.Begin(v.ctx, auth, v.login.Shared)
	if err != nil {
		return err
	}
	event.SID = s.SID
	err = l.Audit.Record(v.ctx, event)
	if err == nil {
		_, err = l.Requests.Authenticate(v.ctx, v.login.Handle, auth, s.SID)
	}
	if err != nil {
		if _, e := l.Sessions.End(v.ctx, s.SID); e != nil && !fault.Is(e, fault.NotFound) {
			l.Log.ErrorContext(v.ctx, "session of a failed login was not ended", slog.Any("error", e))
		}
		return err
	}
	if v.login.Shared {
		l.Cookies.ClearSession(v.c)
		return nil
	}
	l.Cookies.SetSession(v.c, cookie)
	return nil
}

func (l *Login) end(v *visit, sid, reason string) error {
	if err := l.EndSession(v.ctx, sid, reason); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// remember marks this browser as one the holder has used. A shared post is
// nobody's browser: the next person there must not read the holder's state.
// The login stands without it.
func (l *Login) remember(v *visit, holder rpps.NationalID) {
	if v.login.Shared {
		return
	}
	id := l.Cookies.Known(v.c)
	if id == "" {
		var err error
		if id, err = web.Secret(l.Rand); err != nil {
			l.Log.WarnContext(v.ctx, "browser was not remembered", slog.Any("error", err))
			return
		}
	}
	if err := l.Wallet.RememberBrowser(v.ctx, id, holder); err != nil {
		l.Log.WarnContext(v.ctx, "browser was not remembered", slog.Any("error", err))
		return
	}
	l.Cookies.SetKnown(v.c, id)
}
