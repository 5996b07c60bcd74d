package sandbox

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Wallet is what playing people asks of the provider's side; all of it is
// refused outside a declared sandbox.
type Wallet interface {
	Invite(ctx context.Context, holder rpps.NationalID) (wallet.Invitation, error)
	Forget(ctx context.Context, holder rpps.NationalID) error
	Lock(ctx context.Context, holder rpps.NationalID) error
	Suspend(ctx context.Context, holder rpps.NationalID) error
	Expire(ctx context.Context, holder rpps.NationalID) error
}

// Deps is what the phones need.
type Deps struct {
	Wallet Wallet
	HTTP   *http.Client // reaches the provider; without a time-out, phones hold streams open
	Origin string       // scheme and host where the provider really listens, whatever its issuer says
	Clock  clock.Clock
	Rand   io.Reader
	Log    *slog.Logger
}

// Phones are the phones of all personas, each a real one that talks HTTP.
type Phones struct {
	deps    Deps
	http    *http.Client
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// The PINs of invented people: published, and of no use to anybody.
const (
	phonePIN = "2580"
	wrongPIN = "7391"
)

// Start enrols a phone for every persona that has one, and lets it answer as
// scripted until Close.
func Start(ctx context.Context, d Deps, personas []Persona) (*Phones, error) {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &Phones{deps: d, http: d.HTTP, cancel: cancel}
	enrolled := make(chan error, len(personas))
	count := 0
	for _, person := range personas {
		if person.Behaviour.HasPhone() {
			count++
			go func() { enrolled <- p.enrol(ctx, life, person) }()
		}
	}
	var errs []error
	for range count {
		errs = append(errs, <-enrolled)
	}
	if err := errors.Join(errs...); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Close switches all phones off.
func (p *Phones) Close() {
	p.cancel()
	p.running.Wait()
	p.http.CloseIdleConnections()
}

func (p *Phones) enrol(ctx, life context.Context, who Persona) error {
	invitation, err := p.deps.Wallet.Invite(ctx, who.Person.ID)
	if err != nil {
		return fault.Wrap(fault.KindOf(err), "", "persona "+who.Key+" cannot be invited", err)
	}
	address, err := p.reach(invitation.URL)
	if err != nil {
		return err
	}
	phone, err := device.Enrol(ctx, p.http, address, phonePIN, device.Options{
		Label: "bac à sable", Rand: p.deps.Rand, Clock: p.deps.Clock, Log: p.deps.Log,
	})
	if err != nil {
		return fault.Wrap(fault.KindOf(err), "", "persona "+who.Key+" cannot be enrolled", err)
	}
	switch who.Behaviour {
	case Locked:
		return p.deps.Wallet.Lock(ctx, who.Person.ID)
	case Suspended:
		return p.deps.Wallet.Suspend(ctx, who.Person.ID)
	case Expired:
		return p.deps.Wallet.Expire(ctx, who.Person.ID)
	default:
	}
	p.running.Go(func() {
		err := phone.Watch(life, func(r ecps.Request) device.Decision {
			p.play(life, phone, who, r)
			return device.Decision{Do: device.Ignore}
		})
		if err != nil && life.Err() == nil {
			p.deps.Log.ErrorContext(life, "sandbox phone stopped", slog.String("persona", who.Key), slog.Any("error", err))
		}
	})
	return nil
}

// reach puts the address where the provider listens in place of the one that
// its issuer names, which may exist only behind somebody's proxy.
func (p *Phones) reach(invitation string) (string, error) {
	u, err := url.Parse(invitation)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "invitation is no URL", err)
	}
	origin, err := url.Parse(p.deps.Origin)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "", "origin is no URL", err)
	}
	u.Scheme, u.Host = origin.Scheme, origin.Host
	return u.String(), nil
}

// play answers one request as scripted. What it did is forgotten afterwards, so
// that the next login meets the same phone.
func (p *Phones) play(ctx context.Context, phone *device.Phone, who Persona, r ecps.Request) {
	if who.Behaviour == Ignore || !p.wait(ctx, who.Behaviour.delay()) {
		return
	}
	if err := phone.Opened(ctx, r.ID); err != nil {
		p.deps.Log.DebugContext(ctx, "opening was not noted", slog.Any("error", err))
	}
	if err := answer(ctx, phone, who.Behaviour, r); err != nil && ctx.Err() == nil {
		p.deps.Log.DebugContext(ctx, "sandbox phone was refused", slog.String("persona", who.Key), slog.Any("error", err))
	}
	if err := p.deps.Wallet.Forget(ctx, who.Person.ID); err != nil && ctx.Err() == nil {
		p.deps.Log.WarnContext(ctx, "persona could not be reset", slog.String("persona", who.Key), slog.Any("error", err))
	}
}

func answer(ctx context.Context, phone *device.Phone, b Behaviour, r ecps.Request) error {
	var err error
	switch b {
	case Approve, ApproveLate:
		_, err = phone.Approve(ctx, r, r.Number, phonePIN)
	case Refuse:
		_, err = phone.Refuse(ctx, r)
	case WrongNumber:
		_, err = phone.Approve(ctx, r, otherNumber(r), phonePIN)
	case WrongPIN:
		// A person who has forgotten his PIN tries until the lock ends the login.
		for range wallet.MaxPINFailures {
			if _, err = phone.Approve(ctx, r, r.Number, wrongPIN); err == nil {
				return fault.New(fault.Internal, "", "a wrong PIN was accepted")
			}
		}
	default:
	}
	return err
}

// otherNumber is one of the two wrong choices, or any other where digits are typed.
func otherNumber(r ecps.Request) string {
	for _, n := range r.Choices {
		if n != r.Number {
			return n
		}
	}
	if r.Number == "11" {
		return "12"
	}
	return "11"
}

func (p *Phones) wait(ctx context.Context, d time.Duration) bool {
	fired, stop := p.deps.Clock.After(d)
	defer stop()
	select {
	case <-fired:
		return true
	case <-ctx.Done():
		return false
	}
}
