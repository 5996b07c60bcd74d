package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Device is a phone that has proven its key in this call.
type Device struct {
	ID     string
	Holder string // as enrolled: what both its keys sign
	row    device
}

// Authenticate proves which phone makes a call: signature, binding to this very
// call, freshness, single use. An unknown phone and a wrong signature are one
// answer after the same work, so that nobody learns which phones exist.
// Errors: fault.Denied with PF-EC-030, 031 or 032; fault.Invalid.
func (w *Wallet) Authenticate(ctx context.Context, proof string, r ecps.Received) (Device, error) {
	call, err := ecps.ParseCall(proof)
	if err != nil {
		return Device{}, err
	}
	r.Issuer, r.Now = w.Issuer, w.Clock.Now()
	d, err := w.deviceByID(ctx, call.Device)
	if fault.Is(err, fault.NotFound) {
		d, err = w.nobody, nil
	}
	if err != nil {
		return Device{}, err
	}
	if err := call.Verify(d.deviceKey, r); err != nil {
		return Device{}, err
	}
	if d.state == stateNew || d.state == stateRevoked {
		return Device{}, fault.New(fault.Denied, ecps.CodeCall, "signature is wrong")
	}
	err = w.KV.Put(ctx, "ecps.jti:"+d.id+"."+call.Call.ID, []byte("1"), ecps.JTILife)
	if fault.Is(err, fault.Conflict) {
		return Device{}, fault.Wrap(fault.Denied, ecps.CodeReplay, "this call was already received", err)
	}
	if err != nil {
		return Device{}, err
	}
	return Device{ID: d.id, Holder: d.holder, row: d}, nil
}

// Parameters are what a phone needs before it enrols.
func (w *Wallet) Parameters() ecps.Parameters {
	return ecps.Parameters{V: ecps.Version, Issuer: w.Issuer, Rounds: w.Rounds, Time: w.Clock.Now().Unix()}
}

// Info is the phone's first screen, read anew.
func (w *Wallet) Info(ctx context.Context, d Device) (ecps.DeviceInfo, error) {
	s, err := w.resolveHolder(ctx, d.Holder)
	if err != nil {
		return ecps.DeviceInfo{}, err
	}
	row, err := s.own(d.ID)
	if err != nil {
		return ecps.DeviceInfo{}, fault.Wrap(fault.Denied, ecps.CodeCall, "signature is wrong", err)
	}
	pushed, err := w.Subscribed(ctx, d.ID)
	if err != nil {
		return ecps.DeviceInfo{}, err
	}
	now := w.Clock.Now()
	info := ecps.DeviceInfo{
		V: ecps.Version, Device: row.id, Holder: row.holder, State: row.shownState(now), TriesLeft: row.triesLeft(),
		ExpiresAt: row.expires.Unix(), Time: now.Unix(), Label: row.label, EnrolledAt: row.enrolledAt.Unix(),
		Name: s.name(), Devices: len(s.devices), Offline: row.offline != "", Vapid: w.VAPID, Push: pushed,
	}
	if row.state == statePending {
		info.Check = row.check
	}
	return info, nil
}

// Waiting lists what is open for the phone's holder, his own browsers first.
// Errors: fault.Denied with the true reason when the phone may not answer.
func (w *Wallet) Waiting(ctx context.Context, d Device) (ecps.Requests, error) {
	row, err := w.able(ctx, d)
	if err != nil {
		return ecps.Requests{}, err
	}
	key, err := w.keyOf(ctx, d)
	if err != nil {
		return ecps.Requests{}, err
	}
	list := ecps.Requests{V: ecps.Version, Requests: []ecps.Request{}}
	now := w.Clock.Now()
	for _, records := range []func(context.Context, string) (index, error){w.friends.Get, w.strangers.Get} {
		x, err := records(ctx, key)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return ecps.Requests{}, err
		}
		for _, l := range x.Live {
			r, err := w.requests.Get(ctx, l.ID)
			if fault.Is(err, fault.NotFound) || err == nil && (r.hidden(d.ID) || r.stateAt(now) != Open) {
				continue
			}
			if err != nil {
				return ecps.Requests{}, err
			}
			list.Requests = append(list.Requests, w.view(r, row, now))
		}
	}
	return list, nil
}

// Request is one request in whatever state, so that a phone whose answer was
// lost on the way learns what became of it.
func (w *Wallet) Request(ctx context.Context, d Device, id string) (ecps.Request, error) {
	r, err := w.visible(ctx, d, id)
	if err != nil {
		return ecps.Request{}, err
	}
	row, err := w.deviceByID(ctx, d.ID)
	if err != nil {
		return ecps.Request{}, err
	}
	return w.view(r, row, w.Clock.Now()), nil
}

// Delivered notes that the phone has fetched a request, or that the holder
// looks at it.
func (w *Wallet) Delivered(ctx context.Context, d Device, id string, to Delivery) error {
	if _, err := w.visible(ctx, d, id); err != nil {
		return err
	}
	now := w.Clock.Now()
	moved := false
	_, err := w.requests.Update(ctx, id, func(r *record) (time.Duration, error) {
		if moved = r.stateAt(now) == Open && r.deliver(to); !moved {
			return 0, errEnough
		}
		return r.left(now), nil
	})
	if moved && err == nil {
		w.wakePage(ctx, id)
	}
	return enough(err)
}

// visible reads a request of this phone's holder; those of others, and those
// that stay silent, do not exist.
func (w *Wallet) visible(ctx context.Context, d Device, id string) (record, error) {
	missing := fault.New(fault.NotFound, ecps.CodeNoRequest, "no such request")
	r, err := w.requests.Get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return record{}, missing
	}
	if err != nil {
		return record{}, err
	}
	key, err := w.keyOf(ctx, d)
	if err != nil {
		return record{}, err
	}
	if r.hidden(d.ID) || r.Key != key {
		return record{}, missing
	}
	return r, nil
}

// hidden tells that a phone must not see the request.
func (r *record) hidden(device string) bool {
	return r.Silent || r.Only != "" && r.Only != device
}

// able reads the phone anew: a stream that is open while the phone is locked or
// suspended ends here.
func (w *Wallet) able(ctx context.Context, d Device) (device, error) {
	row, err := w.deviceByID(ctx, d.ID)
	if err != nil {
		return device{}, err
	}
	if code := row.obstacle(w.Clock.Now()); code != "" {
		return device{}, fault.New(fault.Denied, code, "this phone may not answer now")
	}
	return row, nil
}

// view is the request as the holder sees it.
func (w *Wallet) view(r record, d device, now time.Time) ecps.Request {
	v := ecps.Request{
		ID: r.ID, Transaction: r.Transaction, Service: r.Client, Name: r.Service, Asker: r.Asker, Place: r.Place,
		OpenedAt: r.OpenedAt.Unix(), ExpiresAt: r.ExpiresAt.Unix(), State: string(r.stateAt(now)),
		Typed: r.Typed, Choices: r.Choices, TriesLeft: d.triesLeft(),
	}
	switch {
	case r.Here != "":
		v.Here, v.Typed, v.Choices = true, false, []string{r.Number}
	case r.Typed:
		v.Choices = []string{}
	}
	if w.Sandbox {
		v.Number = r.Number
	}
	return v
}
