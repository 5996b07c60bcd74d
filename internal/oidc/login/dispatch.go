package login

import (
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// show is the dispatcher: it reads where the login stands and shows the step
// that is due.
func (l *Login) show(v *visit) error {
	switch v.login.Progress {
	case grant.Pending:
		if v.login.Account != "" {
			return l.account(v)
		}
		if v.login.Wallet == "" {
			return l.begins(v)
		}
		return l.follow(v)
	case grant.Authenticated:
		return l.lastWord(v)
	case grant.Denied:
		return l.leave(v)
	case grant.Completed:
		return fault.New(fault.Used, web.CodeLoginOver, "this login is finished")
	case grant.Expired:
	}
	return fault.New(fault.Expired, ecps.CodeExpired, "this login has expired")
}

// begins shows the means, or at once the only one that can answer (step-up: a
// level that the card alone reaches).
func (l *Login) begins(v *visit) error {
	if l.offersCard(v) && !l.offersECPS(v) {
		return l.showCard(v)
	}
	return l.choose(v, choice{})
}

// follow shows a login that waits for a phone.
func (l *Login) follow(v *visit) error {
	p, err := l.Wallet.Status(v.ctx, v.login.Wallet)
	if fault.Is(err, fault.NotFound) {
		return l.choose(v, choice{alert: ecps.CodeExpired})
	}
	if err != nil {
		return err
	}
	switch p.State {
	case wallet.Open:
		return l.wait(v, p)
	case wallet.Approved:
		if p.Arriving {
			return l.wait(v, p)
		}
		return l.finish(v)
	case wallet.Consumed:
		// Another tab is finishing this very login, or a crash stopped it there.
		if l.Clock.Now().Before(p.ExpiresAt) {
			return l.wait(v, p)
		}
		return l.choose(v, choice{alert: ecps.CodeExpired})
	case wallet.Refused:
		return l.refuse(v, p.Reason)
	case wallet.Superseded:
		return l.choose(v, choice{alert: ecps.CodeSuperseded})
	case wallet.Expired:
		return l.choose(v, choice{alert: ecps.CodeExpired})
	case wallet.Cancelled:
	}
	return l.choose(v, choice{})
}

// refuse ends a login to which the holder said no, or which he gave a wrong
// number: the service gets access_denied, and nobody gets a second try.
func (l *Login) refuse(v *visit, reason string) error {
	if reason == "" {
		reason = ecps.CodeRefused
	}
	if err := l.Audit.Record(v.ctx, audit.LoginRefused{
		Subject: v.login.Holder.String(), Client: v.login.ClientID, Means: string(authn.ECPS), Reason: reason,
	}); err != nil {
		return err
	}
	if _, err := l.Requests.Deny(v.ctx, v.login.Handle, reason); err != nil && !fault.Is(err, fault.Used) {
		return err
	}
	return l.leave(v)
}
