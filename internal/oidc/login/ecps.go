package login

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// submitECPS takes the identifier and asks the holder's phone.
//
// Nothing here depends on who exists: the register is not read, the same calls
// are made for every well-formed identifier, and the wallet answers an unknown
// holder with a request like any other (PG4, PF-ID-002). Only a browser the
// holder has used hears the true reason.
func (l *Login) submitECPS(v *visit) error {
	if v.login.Progress != grant.Pending || !l.offersECPS(v) {
		return l.back(v)
	}
	typed, shared := clip(v.c.FormValue("login")), v.c.FormValue("shared") == "1"
	holder, wrong := readIdentifier(typed)
	if wrong != nil {
		if wrong.offer != "" {
			typed = wrong.offer
		}
		return l.choose(v, choice{typed: typed, problem: wrong, shared: shared, status: http.StatusBadRequest})
	}
	last, err := l.lookAgain(v)
	if err != nil {
		return l.stale(v, err)
	}
	again, err := l.alreadyAsked(v, holder)
	if err != nil {
		return err
	}
	if again {
		if _, err := l.Requests.SetWallet(v.ctx, v.login.Handle, grant.Asked{
			Wallet: v.login.Wallet, Was: v.login.Wallet, Holder: holder, Shared: shared,
		}); err != nil {
			return l.stale(v, err)
		}
		return l.back(v)
	}
	asked, err := l.Wallet.Open(v.ctx, l.ask(v, holder, last))
	if fault.Is(err, fault.Denied) {
		l.Failures(v.ctx, audit.Failure{Kind: audit.FailureIdentifier, Code: fault.CodeOf(err)})
		return l.choose(v, choice{alert: fault.CodeOf(err), typed: typed, shared: shared, status: http.StatusForbidden})
	}
	if err != nil {
		return err
	}
	return l.hang(v, last, grant.Asked{Wallet: asked.ID, Was: v.login.Wallet, Holder: holder, Shared: shared})
}

func (l *Login) ask(v *visit, holder rpps.NationalID, last string) wallet.Ask {
	return wallet.Ask{
		Holder: holder, ClientID: v.client.ID, Service: v.client.Name, AskerKind: askerKind(v.c.Request()),
		Browser: l.Cookies.Known(v.c), Source: networkSource(v.c.RealIP()), Login: v.login.Handle, Supersedes: last,
	}
}

// hang records what was asked with the login. Of two forms sent at once one
// counts; the request of the other, or of a login that has moved on, wants no
// answer from the phone any more. Two tabs that ask at once learn from the swap
// whom they replaced, so that one number remains in the browser.
func (l *Login) hang(v *visit, last string, asked grant.Asked) error {
	if _, err := l.Requests.SetWallet(v.ctx, v.login.Handle, asked); err != nil {
		if dropped := l.drop(v, asked.Wallet); dropped != nil {
			return dropped
		}
		return l.stale(v, err)
	}
	was, err := l.attempts.swap(v.ctx, v.login.BrowserHash, asked.Wallet)
	if err != nil {
		return err
	}
	if was != last {
		if err := l.drop(v, was); err != nil {
			return err
		}
	}
	return l.back(v)
}

// lookAgain gives the browser's last e-CPS request, and reads the login after
// it: if that request is this login's own, the login is sure to say so. In the
// other order a second click would supersede what the first one has just asked.
func (l *Login) lookAgain(v *visit) (last string, err error) {
	if last, err = l.attempts.last(v.ctx, v.login.BrowserHash); err != nil {
		return "", err
	}
	v.login, err = l.Requests.Get(v.ctx, v.login.Handle, v.browser)
	return last, err
}

// alreadyAsked tells a double click from a new wish: the same identifier, in the
// same login, while its request is still open, sends nothing twice (AZ23).
func (l *Login) alreadyAsked(v *visit, holder rpps.NationalID) (bool, error) {
	if v.login.Wallet == "" || v.login.Holder != holder {
		return false, nil
	}
	p, err := l.Wallet.Status(v.ctx, v.login.Wallet)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil && (p.State == wallet.Open || p.State == wallet.Approved), err
}

// resend wakes the phone again for the same request and number.
func (l *Login) resend(v *visit) error {
	if v.login.Wallet == "" {
		return l.back(v)
	}
	if err := l.Wallet.Resend(v.ctx, v.login.Wallet); err != nil && !over(err) {
		return err
	}
	return l.back(v)
}

// other goes back to the choice of means.
func (l *Login) other(v *visit) error {
	pending := v.login.Wallet
	if _, err := l.Requests.SetWallet(v.ctx, v.login.Handle, grant.Asked{Was: pending, Holder: v.login.Holder, Shared: v.login.Shared}); err != nil {
		return l.stale(v, err)
	}
	if err := l.drop(v, pending); err != nil {
		return err
	}
	return l.back(v)
}

// drop cancels an e-CPS request that no page shows any more.
func (l *Login) drop(v *visit, id string) error {
	if id == "" {
		return nil
	}
	if err := l.Wallet.Cancel(v.ctx, id); err != nil && !over(err) {
		return err
	}
	return nil
}

// stale answers a form that came too late: the login has moved on, and the
// dispatcher shows whereto.
func (l *Login) stale(v *visit, err error) error {
	if fault.Is(err, fault.Used) {
		return l.back(v)
	}
	return err
}

// over tells that a request had ended before we could touch it.
func over(err error) bool {
	switch fault.KindOf(err) {
	case fault.Used, fault.Expired, fault.NotFound, fault.Conflict:
		return true
	case fault.Internal, fault.Denied, fault.Invalid, fault.Unavailable:
	}
	return false
}

const maxTyped = 80

// clip bounds what is shown back.
func clip(typed string) string {
	if len(typed) > maxTyped {
		return strings.ToValidUTF8(typed[:maxTyped], "")
	}
	return strings.ToValidUTF8(typed, "")
}

// askerKind is what the phone shows about the device that asks. It is a word of
// the browser itself: a help to the holder, never a proof.
func askerKind(r *http.Request) string {
	agent := r.UserAgent()
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(agent, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("iPad", "Tablet") || has("Android") && !has("Mobile"):
		return ecps.AskerTablet
	case has("iPhone", "Mobile", "Android"):
		return ecps.AskerPhone
	case strings.HasPrefix(agent, "Mozilla/"):
		return ecps.AskerComputer
	}
	return ecps.AskerUnknown
}

// networkSource is what limits count by: one IPv4 address, or the /64 that one
// IPv6 subscriber owns.
func networkSource(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return ""
	}
	return p.String()
}
