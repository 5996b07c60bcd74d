package login

import (
	"context"
	"net/http"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// submitOffline takes the code that a phone without a network shows. It reaches
// its own level only, and its failures close this path alone.
func (l *Login) submitOffline(v *visit) error {
	if v.login.Progress != grant.Pending || !l.offersOffline(v) {
		return l.back(v)
	}
	typed, shared := clip(v.c.FormValue("login")), v.c.FormValue("shared") == "1"
	holder, wrong := readIdentifier(typed)
	if wrong != nil {
		return l.choose(v, choice{typed: typed, problem: wrong, shared: shared, status: http.StatusBadRequest})
	}
	last, err := l.attempts.last(v.ctx, v.login.BrowserHash)
	if err != nil {
		return err
	}
	v.ctx = context.WithoutCancel(v.ctx) // the step is consumed: nobody could repeat it
	proof, err := l.Wallet.ProveOffline(v.ctx, l.ask(v, holder, last), clip(v.c.FormValue("code")))
	if fault.Is(err, fault.Denied) {
		l.Failures(v.ctx, audit.Failure{Kind: audit.FailureIdentifier, Code: ecps.CodeOfflineCode})
		return l.choose(v, choice{alert: ecps.CodeOfflineCode, typed: typed, shared: shared, status: http.StatusForbidden})
	}
	if err != nil {
		return err
	}
	if err := l.leavePhone(v); err != nil {
		return l.stale(v, err)
	}
	auth, err := l.authentication(v, proof.Holder)
	if err != nil {
		if code := notStanding(err, ecps.CodeOfflineCode, ecps.CodeOfflineCode); code != "" {
			return l.refuse(v, code)
		}
		return err
	}
	auth.Means, auth.At, auth.Ref = authn.ECPSOffline, proof.At, proof.Device
	return l.succeed(v, proven{auth: auth})
}
