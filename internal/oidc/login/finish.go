package login

import (
	"context"
	"errors"
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

// proven is a login that somebody has proven, by whichever means, ready to be
// opened: who, and what the trace says of the means.
type proven struct {
	auth  authn.Authentication
	event audit.LoginSucceeded
	// bind ties the session to what keeps it open, before anybody can use it;
	// nil if nothing does.
	bind func(sid string) error
}

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
	auth, err := l.authentication(v, proof.Holder)
	if err != nil {
		if code := notStanding(err, ecps.CodeClosed, ecps.CodeClosed); code != "" {
			return l.refuse(v, code)
		}
		return err
	}
	auth.Means, auth.At, auth.Ref = authn.ECPS, proof.At, proof.Device
	if !l.enough(v, auth) {
		return l.refuse(v, codeCardNeeded)
	}
	return l.succeed(v, proven{auth: auth})
}

// enough tells whether the means reaches what the service asked.
func (l *Login) enough(v *visit, auth authn.Authentication) bool {
	_, enough := claims.ACR(v.client, v.levels(), auth)
	return enough
}

// levels is what the service asked of the acr.
func (v *visit) levels() claims.Levels {
	return claims.Levels{Wanted: v.login.ACRValues, Must: v.login.MustACRs}
}

// succeed opens the session and goes back to the dispatcher.
func (l *Login) succeed(v *visit, p proven) error {
	acr, _ := claims.ACR(v.client, v.levels(), p.auth)
	p.event.Subject, p.event.Sub, p.event.Client = p.auth.Subject.String(), p.auth.Sub, v.client.ID
	p.event.Means, p.event.Device, p.event.ACR = string(p.auth.Means), p.auth.Ref, acr
	sid, err := l.begin(v, p)
	if err != nil {
		return l.stale(v, err)
	}
	l.remember(v, p.auth, sid)
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
// not what it said when the phone or the card was asked (D6, S-94).
// Errors: fault.NotFound for a stranger, fault.Denied for a closed record.
func (l *Login) authentication(v *visit, holder rpps.NationalID) (authn.Authentication, error) {
	person, err := l.Directory.Lookup(v.ctx, holder)
	if err != nil {
		return authn.Authentication{}, err
	}
	if person.Closed {
		return authn.Authentication{}, fault.New(fault.Denied, "", "the record of this person is closed")
	}
	sub, err := l.Subjects.Of(v.ctx, person)
	if err != nil {
		return authn.Authentication{}, err
	}
	return authn.Authentication{Subject: person.ID, Sub: sub.Sub, Epoch: sub.Epoch}, nil
}

// notStanding gives the code for a person who is not, or no longer, in the
// register; empty when the failure is another.
func notStanding(err error, unknown, closed string) string {
	switch fault.KindOf(err) {
	case fault.NotFound:
		return unknown
	case fault.Denied:
		return closed
	case fault.Internal, fault.Expired, fault.Used, fault.Invalid, fault.Conflict, fault.Unavailable:
	}
	return ""
}

// begin opens or renews the session and answers the request. It ends the
// session that was here before if it is another one: a browser has one.
func (l *Login) begin(v *visit, p proven) (sid string, err error) {
	before, had, err := l.liveSession(v)
	if err != nil {
		return "", err
	}
	if had && l.continues(v, before, p.auth) {
		p.event.SID = before.SID
		renewed, err := l.renew(v, p)
		if err != nil || renewed {
			return before.SID, err
		}
	}
	if sid, err = l.open(v, p); err != nil {
		return "", err
	}
	if had {
		return sid, l.end(v, before.SID, "replaced")
	}
	return sid, nil
}

// continues tells that the new login goes on with the session that is here: the
// same person, not ended by his epoch, and not on a shared post.
func (l *Login) continues(v *visit, before session.Session, auth authn.Authentication) bool {
	return !v.login.Shared && before.Auth.Sub == auth.Sub && before.Auth.Epoch == auth.Epoch
}

// renew keeps the session of the same person, so that his other services stay
// connected, under a new cookie value (SE1). It tells false when the session
// has just ended.
func (l *Login) renew(v *visit, p proven) (bool, error) {
	if err := l.Audit.Record(v.ctx, p.event); err != nil {
		return false, err
	}
	s, cookie, err := l.Sessions.Renew(v.ctx, p.event.SID, p.auth)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := p.bound(s.SID); err != nil {
		// The card left while it was proven: who pulled it wants nothing to stay open.
		return true, errors.Join(err, l.end(v, s.SID, reasonRemoved))
	}
	l.Cookies.SetSession(v.c, cookie)
	_, err = l.Requests.Authenticate(v.ctx, v.login.Handle, p.auth, s.SID)
	return true, err
}

// bound ties the session to what keeps it open.
func (p proven) bound(sid string) error {
	if p.bind == nil {
		return nil
	}
	return p.bind(sid)
}

// open begins a session with a cookie value nobody knew before the login: what
// was planted in the browser opens nothing afterwards (fixation, SE1). A session
// whose trace cannot be written ends before anybody holds its cookie.
func (l *Login) open(v *visit, p proven) (sid string, err error) {
	s, cookie, err := l.Sessions.Begin(v.ctx, p.auth, v.login.Shared)
	if err != nil {
		return "", err
	}
	p.event.SID = s.SID
	err = p.bound(s.SID)
	if err == nil {
		err = l.Audit.Record(v.ctx, p.event)
	}
	if err == nil {
		_, err = l.Requests.Authenticate(v.ctx, v.login.Handle, p.auth, s.SID)
	}
	if err != nil {
		if _, e := l.Sessions.End(v.ctx, s.SID); e != nil && !fault.Is(e, fault.NotFound) {
			l.Log.ErrorContext(v.ctx, "session of a failed login was not ended", slog.Any("error", e))
		}
		return "", err
	}
	if v.login.Shared {
		l.Cookies.ClearSession(v.c)
		return s.SID, nil
	}
	l.Cookies.SetSession(v.c, cookie)
	return s.SID, nil
}

func (l *Login) end(v *visit, sid, reason string) error {
	if err := l.EndSession(v.ctx, sid, reason); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// remember enters the login into the holder's history, and marks this browser as
// one he has used. A shared post is nobody's browser: the next person there must
// not read the holder's state; nor is one where only an offline code was typed,
// which anybody may have seen. The login stands without it.
func (l *Login) remember(v *visit, auth authn.Authentication, sid string) {
	id, fresh := "", false
	if !v.login.Shared && auth.Means != authn.ECPSOffline {
		if id = l.Cookies.Known(v.c); id == "" {
			var err error
			if id, err = web.Secret(l.Rand); err != nil {
				l.Log.WarnContext(v.ctx, "browser was not remembered", slog.Any("error", err))
			}
		}
		fresh = id != ""
	}
	err := l.Wallet.SignedIn(v.ctx, auth.Subject, id, wallet.SignIn{
		At: auth.At, Client: v.client.ID, Service: v.client.Name, Means: auth.Means, Asker: askerKind(v.c.Request()), Ref: auth.Ref, SID: sid,
	})
	if err != nil {
		l.Log.WarnContext(v.ctx, "login was not entered in the history", slog.Any("error", err))
		return
	}
	if fresh {
		l.Cookies.SetKnown(v.c, id)
	}
}
