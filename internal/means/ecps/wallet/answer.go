package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Answer judges what a phone says to a request. Of any number of parallel
// answers one is judged; what it leads to is in the durable trace before the
// page or the phone can see it (architecture, point 5).
//
// Errors: fault.Invalid, fault.Denied (PF-EC-030, 012, 014 to 017, 036, 037),
// fault.Used or fault.Conflict (PF-EC-035), fault.NotFound (PF-EC-034).
func (w *Wallet) Answer(ctx context.Context, d Device, id, token string) (ecps.Receipt, error) {
	now := w.Clock.Now()
	answer, err := w.verifyAnswer(d, token, now)
	if err != nil {
		return ecps.Receipt{}, err
	}
	key, err := w.keyOf(ctx, d)
	if err != nil {
		return ecps.Receipt{}, err
	}
	claim, err := ecps.NewID(w.Rand)
	if err != nil {
		return ecps.Receipt{}, err
	}
	r, err := w.move(ctx, id, func(r *record) error {
		if r.hidden(d.ID) || r.Key != key {
			return fault.New(fault.NotFound, ecps.CodeNoRequest, "no such request")
		}
		if err := w.matches(answer, d, *r); err != nil {
			return err
		}
		return r.claim(now, claim)
	})
	if err != nil {
		return ecps.Receipt{}, err
	}
	// From here on the work must be finished or given back, even if the phone hangs up.
	return w.judge(context.WithoutCancel(ctx), d, r, claim, answer, now)
}

// verifyAnswer believes nothing before the device key's signature.
func (w *Wallet) verifyAnswer(d Device, token string, now time.Time) (ecps.Answer, error) {
	signed, err := ecps.ParseAnswer(token)
	if err != nil {
		return ecps.Answer{}, err
	}
	if err := signed.Verify(d.row.deviceKey); err != nil {
		return ecps.Answer{}, err
	}
	return signed.Answer, inTime(signed.Answer.Time, now)
}

// inTime refuses what was signed by a clock that is too far from ours.
func inTime(signed int64, now time.Time) error {
	at := time.Unix(signed, 0)
	if at.Before(now.Add(-ecps.CallPast)) || at.After(now.Add(ecps.CallFuture)) {
		return fault.New(fault.Denied, ecps.CodeClock, "the phone's clock is too far from ours")
	}
	return nil
}

// matches compares what was signed with what was asked, field by field.
func (w *Wallet) matches(a ecps.Answer, d Device, r record) error {
	same := a.Issuer == w.Issuer && a.Device == d.ID && a.Holder == d.Holder && a.Service == r.Client &&
		a.Name == r.Service && a.Asker == r.Asker && a.Place == r.Place && a.Transaction == r.Transaction
	if !same {
		return fault.New(fault.Denied, ecps.CodeCall, "the answer is to another request")
	}
	return nil
}

// judge is what the one winner of a claim does.
func (w *Wallet) judge(ctx context.Context, d Device, r record, claim string, a ecps.Answer, now time.Time) (ecps.Receipt, error) {
	if err := w.personMaySignIn(ctx, r.Holder); err != nil {
		return ecps.Receipt{}, w.giveBack(ctx, r.ID, claim, err)
	}
	was, is, o, err := w.try(ctx, d.ID, func(p *device) outcome { return p.attempt(now, a, r.Number, a.PINOK(p.pinKey)) })
	if err != nil {
		return ecps.Receipt{}, w.giveBack(ctx, r.ID, claim, err)
	}
	for _, e := range traces(o, r, is) {
		if err := w.Audit.Record(ctx, e); err != nil {
			return ecps.Receipt{}, &Rejection{Fault: w.giveBack(ctx, r.ID, claim, unavailable(err)), Moved: o != wrongState && o != cloned}
		}
	}
	arrival, err := ecps.NewSecret(w.Rand)
	if err == nil {
		err = w.settle(ctx, r, verdictOf{claim: claim, o: o, device: is, arrival: arrival}, now)
	}
	if err != nil {
		return ecps.Receipt{}, &Rejection{Fault: err, Moved: o != wrongState && o != cloned}
	}
	receipt, err := answered(o, was, is, now)
	if err == nil && o == approved && r.Here != "" {
		receipt.Return = r.Back + "?code=" + arrival
	}
	return receipt, err
}

// verdictOf is what the winner of a claim has found.
type verdictOf struct {
	claim   string
	o       outcome
	device  device
	arrival string // code for the browser of the approving phone
}

func (w *Wallet) personMaySignIn(ctx context.Context, holder string) error {
	id, err := rpps.ParseNationalID(holder)
	if err != nil {
		return fault.Wrap(fault.Internal, "", "stored holder cannot be read", err)
	}
	person, err := w.Directory.Lookup(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && person.Closed {
		return fault.New(fault.Denied, ecps.CodeClosed, "the record of this person is closed")
	}
	return err
}

// giveBack releases the claim; the first error is what matters.
func (w *Wallet) giveBack(ctx context.Context, id, claim string, cause error) error {
	_, err := w.move(ctx, id, func(r *record) error { return r.release(claim) })
	if err != nil && !fault.Is(err, fault.Used) {
		return fault.Wrap(fault.Unavailable, fault.CodeOf(cause), "the request could not be given back", err)
	}
	return cause
}

// settle writes the outcome where the page sees it and wakes the page.
func (w *Wallet) settle(ctx context.Context, r record, v verdictOf, now time.Time) error {
	claim := v.claim
	_, err := w.move(ctx, r.ID, func(r *record) error {
		switch v.o {
		case approved:
			return r.approve(claim, v.device.id, v.arrival, now)
		case refused:
			return r.refuse(claim, ecps.CodeRefused)
		case wrongNumber:
			return r.refuse(claim, ecps.CodeWrongNumber)
		case nowLocked:
			return r.refuse(claim, ecps.CodeLocked)
		case cloned:
			return r.refuse(claim, ecps.CodeSuspended)
		case wrongPIN, wrongState:
		}
		return r.release(claim)
	})
	if err != nil {
		return err
	}
	w.wakePage(ctx, r.ID)
	w.wakePhones(ctx, r.Key)
	return w.remember(ctx, r, v.o, now)
}

// remember moves the limits of strangers: a refusal begins a quiet time, an
// approval ends it. Requests of the holder's own browsers, and those he went to
// himself, never begin one.
func (w *Wallet) remember(ctx context.Context, r record, o outcome, now time.Time) error {
	if r.Known || r.Start != "" || o == wrongPIN || o == wrongState {
		return nil
	}
	silenced := audit.StrangersSilenced{Subject: r.Holder}
	err := ensure(ctx, w.strangers, r.Key, func(x *index) (time.Duration, error) {
		x.drop(r.ID)
		switch o {
		case refused, wrongNumber:
			x.refused(now, w.Limits.BackOff)
		case approved:
			x.Refusals, x.Quiet = 0, time.Time{}
		case wrongState, cloned, wrongPIN, nowLocked:
		}
		silenced.Refusals, silenced.Seconds = x.Refusals, int64(x.Quiet.Sub(now)/time.Second)
		return x.kept(w.Limits.Window), nil
	})
	if err == nil && silenced.Refusals >= silentAfter {
		err = w.record(ctx, silenced)
	}
	return err
}

// silentAfter refusals in a row an auditor is told that strangers are silent (PG-18).
const silentAfter = 3

// move applies a transition of a record that is known to exist.
func (w *Wallet) move(ctx context.Context, id string, change func(*record) error) (record, error) {
	r, err := w.requests.Update(ctx, id, func(r *record) (time.Duration, error) {
		return r.left(w.Clock.Now()), change(r)
	})
	if fault.Is(err, fault.NotFound) {
		return r, fault.Wrap(fault.NotFound, ecps.CodeNoRequest, "no such request", err)
	}
	return r, err
}
