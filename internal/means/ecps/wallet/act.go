package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Act does what a holder wants with his own e-CPS: change its PIN, make an
// offline code, invite a new phone, remove another one. It is judged like an
// approval; only then traced, and only then done.
//
// Errors: fault.Invalid, fault.Denied (PF-EC-030, 031, 014 to 016, 036, 037),
// fault.NotFound (the other phone).
func (w *Wallet) Act(ctx context.Context, d Device, token string) (ecps.ActDone, error) {
	now := w.Clock.Now()
	a, err := w.verifyAct(d, token, now)
	if err != nil {
		return ecps.ActDone{}, err
	}
	ctx = context.WithoutCancel(ctx) // the ratchet moves: the phone must be able to learn what became of it
	if err := w.personMaySignIn(ctx, d.Holder); err != nil {
		return ecps.ActDone{}, err
	}
	was, is, o, err := w.try(ctx, d.ID, func(p *device) outcome { return p.act(now, a, a.PINOK(p.pinKey)) })
	if err != nil {
		return ecps.ActDone{}, err
	}
	if o != approved {
		return ecps.ActDone{}, w.actRefused(ctx, a, o, is, now)
	}
	result, err := w.perform(ctx, a, is, now)
	if err != nil {
		return ecps.ActDone{}, &Rejection{Fault: err, Moved: true}
	}
	return ecps.ActDone{V: ecps.Version, Kind: a.Kind, Result: result, WrongPINs: was.failures}, nil
}

// verifyAct believes nothing before the device key's signature.
func (w *Wallet) verifyAct(d Device, token string, now time.Time) (ecps.Act, error) {
	signed, err := ecps.ParseAct(token)
	if err != nil {
		return ecps.Act{}, err
	}
	if err := signed.Verify(d.row.deviceKey); err != nil {
		return ecps.Act{}, err
	}
	a := signed.Act
	if a.Issuer != w.Issuer || a.Device != d.ID || a.Holder != d.Holder {
		return ecps.Act{}, fault.New(fault.Denied, ecps.CodeCall, "the act is of another phone")
	}
	return a, inTime(a.Time, now)
}

// actRefused traces why an act was not done, and tells the phone.
func (w *Wallet) actRefused(ctx context.Context, a ecps.Act, o outcome, d device, now time.Time) error {
	as := record{Holder: d.holder, ID: "act-" + string(a.Kind)}
	for _, e := range traces(o, as, d) {
		if err := w.Audit.Record(ctx, e); err != nil {
			return &Rejection{Fault: unavailable(err), Moved: o != wrongState && o != cloned}
		}
	}
	if o == cloned || o == nowLocked {
		w.wakeHolder(ctx, d.holder)
	}
	_, err := answered(o, d, d, now)
	return err
}

// perform does an act that was judged good.
func (w *Wallet) perform(ctx context.Context, a ecps.Act, d device, now time.Time) (result string, err error) {
	switch a.Kind {
	case ecps.ActPIN:
		if err := w.Audit.Record(ctx, audit.DevicePINChanged{Subject: d.holder, Device: d.id}); err != nil {
			return "", unavailable(err)
		}
		return "", w.write(ctx, `UPDATE devices SET pin_key = $1 WHERE id = $2`, a.Subject, d.id)
	case ecps.ActOffline:
		return "", w.setOffline(ctx, d, a.Subject)
	case ecps.ActTransfer:
		inv, err := w.invite(ctx, ticket{holder: d.holder, way: WayTransfer, keyHash: a.Subject, old: d.id, endsAt: d.expires}, ticketLife)
		return inv.Code, err
	case ecps.ActRemove:
		return "", w.removeOther(ctx, d, a.Subject, now)
	}
	return "", fault.New(fault.Invalid, ecps.CodeMalformed, "act is of an unknown kind")
}

// removeOther revokes another phone of the same holder.
func (w *Wallet) removeOther(ctx context.Context, d device, other string, now time.Time) error {
	if other == d.id {
		return fault.New(fault.Invalid, ecps.CodeMalformed, "a phone is not removed by itself")
	}
	s, err := w.resolveHolder(ctx, d.holder)
	if err != nil {
		return err
	}
	return w.removeOf(ctx, s, other, "holder", now)
}
