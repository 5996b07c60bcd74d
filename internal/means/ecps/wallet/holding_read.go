package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// renewFrom is how long before its end an e-CPS may be renewed, and its holder
// is first told (PG-19).
const renewFrom = 60 * 24 * time.Hour

// Holding gives what a person has, and what comes next. Errors: fault.NotFound.
func (w *Wallet) Holding(ctx context.Context, holder rpps.NationalID) (Holding, error) {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return Holding{}, err
	}
	if !s.found {
		return Holding{}, fault.New(fault.NotFound, ecps.CodeNone, "nobody has this identifier")
	}
	now := w.Clock.Now()
	h := Holding{Holder: s.id}
	if w.Contact != nil {
		h.Mail, h.Mobile = w.Contact(s.person)
	}
	for _, d := range s.devices {
		if d.left(now) {
			continue
		}
		pushed, err := w.Subscribed(ctx, d.id)
		if err != nil {
			return Holding{}, err
		}
		h.Phones = append(h.Phones, d.phone(now, pushed))
	}
	f, err := w.freezeOf(ctx, s)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Holding{}, err
	}
	h.FrozenAt, h.FrozenBy = f.at, f.means
	h.Step = s.step(h, now)
	return h, nil
}

// phone is the row as its holder may see it.
func (d device) phone(now time.Time, pushed bool) Phone {
	return Phone{
		ID: d.id, Label: d.label, State: d.shownState(now), Code: d.obstacle(now), Way: d.way, EnrolledAt: d.enrolledAt,
		UsedAt: d.usedAt, ExpiresAt: d.expires, LeavesAt: d.leavesAt, Offline: d.offline != "", Push: pushed,
	}
}

// step says where the activation stands: the register first, then the phones.
func (s subject) step(h Holding, now time.Time) Step {
	opens := OpensAt(s.person)
	switch {
	case s.person.Closed:
		return Step{State: StepNotEligible, Actor: ActorRegister}
	case !h.FrozenAt.IsZero():
		return Step{State: StepFrozen, At: h.FrozenAt, Actor: ActorHolder}
	case len(h.Phones) == 0 && now.Before(opens):
		return Step{State: StepWaiting48h, At: opens, Actor: ActorProvider}
	case len(h.Phones) == 0 && (h.Mail == "" || h.Mobile == ""):
		return Step{State: StepNoContact, Actor: ActorRegister}
	case len(h.Phones) == 0:
		return Step{State: StepEligible, Actor: ActorHolder}
	}
	return stepOf(h.Phones, now)
}

// stepOf is the best that any phone offers: one that works hides one that does not.
func stepOf(phones []Phone, now time.Time) Step {
	order := []struct {
		code  string
		state StepState
	}{
		{"", StepActive}, {ecps.CodePending, StepPairing}, {ecps.CodeLocked, StepLockedOut}, {ecps.CodeSuspended, StepSuspended}, {ecps.CodeEnded, StepEnded},
	}
	for _, o := range order {
		for _, p := range phones {
			if p.Code != o.code {
				continue
			}
			s := Step{State: o.state, At: p.ExpiresAt, Actor: ActorHolder}
			if o.state == StepActive && !now.Before(p.ExpiresAt.Add(-renewFrom)) {
				s.State = StepEndingSoon
			}
			return s
		}
	}
	return Step{State: StepEligible, Actor: ActorHolder}
}
