package portal

import (
	"context"
	"net/url"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// codeCardNeeded: this wants a login by card.
const codeCardNeeded = "PF-CA-023"

func (p *Portal) suspend(v *visit) (string, error) {
	return Path, p.Wallet.SuspendPhone(v.c.Request().Context(), v.s.Holder, v.c.FormValue("device"), "holder")
}

func (p *Portal) resume(v *visit) (string, error) {
	ref, err := p.ref(v)
	if err != nil {
		return "", err
	}
	return Path, p.Wallet.ResumePhone(v.c.Request().Context(), v.s.Holder, v.c.FormValue("device"), v.s.Means, ref)
}

func (p *Portal) remove(v *visit) (string, error) {
	return Path, p.Wallet.RemovePhone(v.c.Request().Context(), v.s.Holder, v.c.FormValue("device"), "holder")
}

func (p *Portal) rename(v *visit) (string, error) {
	return Path, p.Wallet.RenamePhone(v.c.Request().Context(), v.s.Holder, v.c.FormValue("device"), v.c.FormValue("label"))
}

// workstation names this browser; the phone shows the name with each request from it.
func (p *Portal) workstation(v *visit) (string, error) {
	known := p.Cookies.Known(v.c)
	if known == "" {
		return Path, nil
	}
	return Path, p.Wallet.LabelBrowser(v.c.Request().Context(), known, v.s.Holder, v.c.FormValue("label"))
}

// freeze stops everything; this very session ends with it.
func (p *Portal) freeze(v *visit) (string, error) {
	ref, err := p.ref(v)
	if err != nil {
		return "", err
	}
	f, err := p.Wallet.Freeze(v.c.Request().Context(), v.s.Holder, v.c.FormValue("sign_in"), v.s.Means, ref)
	if err != nil {
		return "", err
	}
	return Path, p.tellStopped(v, stopped{At: f.At, Phones: f.Phones, Sessions: f.Sessions, Services: f.Services, ByCard: f.Means == authn.Card})
}

func (p *Portal) unfreeze(v *visit) (string, error) {
	ref, err := p.ref(v)
	if err != nil {
		return "", err
	}
	return Path, p.Wallet.Unfreeze(v.c.Request().Context(), v.s.Holder, v.s.Means, ref)
}

// offer makes a ticket of way A; only after a login by card (S-62).
func (p *Portal) offer(v *visit) (string, error) {
	if !v.byCard() {
		return "", fault.New(fault.Denied, codeCardNeeded, "a phone is added after a login by card")
	}
	t, err := p.Wallet.OfferTicket(v.c.Request().Context(), v.s.Holder, wallet.WayCard)
	if err != nil {
		return "", err
	}
	life := t.ExpiresAt.Sub(p.Clock.Now())
	if err := p.urls().Put(v.c.Request().Context(), t.ID, ticketURL{URL: t.URL, Holder: v.s.Holder.String()}, max(time.Second, life)); err != nil {
		return "", err
	}
	return Path + "/telephone?ticket=" + url.QueryEscape(t.ID), nil
}

// ticketURL is what a ticket's QR says: the wallet keeps only its hash, so the
// page keeps it for the ninety seconds it is shown, and for a reload.
type ticketURL struct {
	URL    string `json:"url"`
	Holder string `json:"holder"`
}

func (p *Portal) urls() store.Records[ticketURL] {
	return store.NewRecords[ticketURL](p.KV, "portal.ticket")
}

func (p *Portal) urlOf(ctx context.Context, v *visit, ticket string) (string, error) {
	u, err := p.urls().Get(ctx, ticket)
	if err != nil {
		return "", err
	}
	if u.Holder != v.s.Holder.String() {
		return "", fault.New(fault.NotFound, "", "no such ticket")
	}
	return u.URL, nil
}

func (p *Portal) confirm(v *visit) (string, error) {
	if !v.byCard() {
		return "", fault.New(fault.Denied, codeCardNeeded, "a phone is confirmed after a login by card")
	}
	id := v.c.FormValue("ticket")
	return Path + "/telephone?ticket=" + url.QueryEscape(id), p.Wallet.ConfirmTicket(v.c.Request().Context(), v.s.Holder, id)
}

func (p *Portal) refuse(v *visit) (string, error) {
	id := v.c.FormValue("ticket")
	return Path + "/telephone?ticket=" + url.QueryEscape(id), p.Wallet.RefuseTicket(v.c.Request().Context(), v.s.Holder, id)
}

// logout ends the portal's session, then the provider's (RP-initiated logout).
func (p *Portal) logout(v *visit) (string, error) {
	party, err := p.provider(v.c.Request().Context())
	if err != nil {
		return "", err
	}
	if err := p.drop(v); err != nil {
		return "", err
	}
	q := url.Values{"id_token_hint": {v.s.IDToken}, "post_logout_redirect_uri": {HomeURL(p.PublicURL)}, "client_id": {ClientID}}
	return party.GetEndSessionEndpoint() + "?" + q.Encode(), nil
}
