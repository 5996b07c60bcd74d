package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// « Où ça coince ? » (ux.md 7, idea 1): the chain between a person and his login,
// link by link, and the first that is broken.

// Links of the chain, in the order in which they are looked at.
const (
	LinkRegister = "register" // is the person in it, and open?
	LinkRight    = "right"    // may he have an e-CPS now? (48 h, freeze)
	LinkDevice   = "device"   // has he a phone that may answer?
	LinkPush     = "push"     // does anything reach it?
	LinkClock    = "clock"    // do the clocks agree?
)

const (
	diagnosisLife = 24 * time.Hour
	codeLetters   = "ABCDEFGHJKLMNPQRSTUVWXYZ" // no I, no O: they are read aloud
	codeLength    = 6
	mostSkew      = 30 // seconds; a call more than that in advance is refused
)

// Told is what the phone, or the page, adds to what the provider knows.
type Told struct {
	Device        string // that asks, if a phone does
	Skew          int64  // seconds
	Notifications string
	Subscribed    bool
	Version       string
}

// Link is one link of the chain.
type Link struct {
	Name string    `json:"name"`
	OK   bool      `json:"ok"`
	Code string    `json:"code,omitempty"` // public code of what is wrong
	At   time.Time `json:"at,omitzero"`    // when that changes by itself, or when it last worked
}

// Diagnosis is the chain, under a code that support opens to the same view.
type Diagnosis struct {
	Code   string    `json:"code"`
	Holder string    `json:"holder"`
	At     time.Time `json:"at"`
	Broken string    `json:"broken"` // name of the first broken link, or empty
	Links  []Link    `json:"links"`
	Told   Told      `json:"told"`
}

// Diagnose looks at the chain of a person and keeps what it found for a day.
func (w *Wallet) Diagnose(ctx context.Context, holder rpps.NationalID, t Told) (Diagnosis, error) {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return Diagnosis{}, err
	}
	now := w.Clock.Now()
	d := Diagnosis{Holder: s.id.String(), At: now, Told: t}
	for _, look := range []func(context.Context, subject, Told, time.Time) (Link, error){w.linkRegister, w.linkRight, w.linkDevice, w.linkPush, w.linkClock} {
		link, err := look(ctx, s, t, now)
		if err != nil {
			return Diagnosis{}, err
		}
		if d.Links = append(d.Links, link); !link.OK && d.Broken == "" {
			d.Broken = link.Name
		}
	}
	return w.keepDiagnosis(ctx, d)
}

func (w *Wallet) linkRegister(_ context.Context, s subject, _ Told, _ time.Time) (Link, error) {
	l := Link{Name: LinkRegister, OK: s.found && !s.person.Closed}
	if !l.OK {
		l.Code = ecps.CodeClosed
	}
	return l, nil
}

func (w *Wallet) linkRight(ctx context.Context, s subject, _ Told, now time.Time) (Link, error) {
	l := Link{Name: LinkRight, OK: true}
	if opens := OpensAt(s.person); now.Before(opens) {
		return Link{Name: LinkRight, Code: ecps.CodeOpening, At: opens}, nil
	}
	f, err := w.freezeOf(ctx, s)
	if err == nil {
		return Link{Name: LinkRight, Code: ecps.CodeFrozen, At: f.at}, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return l, err
	}
	return l, nil
}

// linkDevice looks at the phone that asks, else at the best one.
func (w *Wallet) linkDevice(_ context.Context, s subject, t Told, now time.Time) (Link, error) {
	l := Link{Name: LinkDevice}
	if d, err := s.own(t.Device); err == nil {
		l.Code, l.At = d.obstacle(now), d.usedAt
	} else if l.Code = s.obstacle(now); len(s.devices) > 0 {
		l.At = s.devices[0].usedAt
	}
	l.OK = l.Code == ""
	return l, nil
}

// linkPush: a push service must reach one phone, and the phone must show it.
func (w *Wallet) linkPush(ctx context.Context, s subject, t Told, _ time.Time) (Link, error) {
	l := Link{Name: LinkPush, OK: w.VAPID == ""} // a provider without pushes breaks nothing
	for _, d := range s.devices {
		if t.Device != "" && d.id != t.Device {
			continue
		}
		reached, at, err := w.reachedAt(ctx, d.id)
		if err != nil {
			return l, err
		}
		if reached {
			l.OK, l.At = true, at
		}
	}
	if t.Notifications == "denied" || t.Device != "" && !t.Subscribed && w.VAPID != "" {
		l.OK = false
	}
	if !l.OK {
		l.Code = ecps.CodeNotReceived
	}
	return l, nil
}

func (w *Wallet) linkClock(_ context.Context, _ subject, t Told, _ time.Time) (Link, error) {
	l := Link{Name: LinkClock, OK: t.Skew <= mostSkew && t.Skew >= -mostSkew}
	if !l.OK {
		l.Code = ecps.CodeClock
	}
	return l, nil
}

// keepDiagnosis files it under letters that can be read over a telephone.
func (w *Wallet) keepDiagnosis(ctx context.Context, d Diagnosis) (Diagnosis, error) {
	for range 8 {
		code, err := w.letters()
		if err != nil {
			return Diagnosis{}, err
		}
		d.Code = code
		err = store.NewRecords[Diagnosis](w.KV, "ecps.diagnosis").Put(ctx, code, d, diagnosisLife)
		if !fault.Is(err, fault.Conflict) {
			return d, err
		}
	}
	return Diagnosis{}, fault.New(fault.Unavailable, "", "no free support code")
}

func (w *Wallet) letters() (string, error) {
	out := make([]byte, codeLength)
	for i := range out {
		n, err := ecps.Below(w.Rand, len(codeLetters))
		if err != nil {
			return "", err
		}
		out[i] = codeLetters[n]
	}
	return string(out), nil
}

// Diagnosed opens what a holder has read out. Errors: fault.NotFound.
func (w *Wallet) Diagnosed(ctx context.Context, code string) (Diagnosis, error) {
	return store.NewRecords[Diagnosis](w.KV, "ecps.diagnosis").Get(ctx, code)
}

// DiagnosePhone is Diagnose for the phone that asks; it works for one that is
// locked or suspended, too.
func (w *Wallet) DiagnosePhone(ctx context.Context, d Device, a ecps.DiagnosisAsk) (ecps.Diagnosis, error) {
	id, err := rpps.ParseNationalID(d.Holder)
	if err != nil {
		return ecps.Diagnosis{}, fault.Wrap(fault.Internal, "", "stored holder cannot be read", err)
	}
	found, err := w.Diagnose(ctx, id, Told{
		Device: d.ID, Skew: a.Skew, Notifications: ecps.Showable(a.Notifications), Subscribed: a.Subscribed, Version: ecps.Showable(a.Version),
	})
	if err != nil {
		return ecps.Diagnosis{}, err
	}
	out := ecps.Diagnosis{V: ecps.Version, Code: found.Code, Broken: found.Broken, Steps: []ecps.DiagnosisStep{}}
	for _, l := range found.Links {
		out.Steps = append(out.Steps, ecps.DiagnosisStep{Name: l.Name, OK: l.OK})
	}
	return out, nil
}

// FreezeBy is Freeze for the phone that asks.
func (w *Wallet) FreezeBy(ctx context.Context, d Device, signIn string, by authn.Means) (Frozen, error) {
	id, err := rpps.ParseNationalID(d.Holder)
	if err != nil {
		return Frozen{}, fault.Wrap(fault.Internal, "", "stored holder cannot be read", err)
	}
	return w.Freeze(ctx, id, signIn, by, d.ID)
}
