package provider

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
	"github.com/egide-id/egide/internal/trust/signing/pkcs11"
)

// dueEvery is how often a node looks whether a key has signed long enough.
const dueEvery = 10 * time.Minute

// openKeys opens the signing keys, in files or in a token.
func (r *resources) openKeys(ctx context.Context, c Config, d Deps) error {
	o := signing.Options{
		Dir: c.KeysDir, Clock: d.Clock, Rand: d.Rand, Log: d.Log, Signed: r.metrics.Signed,
		Changed: func(k signing.KeyInfo) { r.note(ctx, d, rotated(k)) },
		Dropped: func(k signing.Dropped) {
			r.note(ctx, d, audit.KeyDropped{Alg: string(k.Alg), Kid: k.Kid, Operator: k.By, Reason: string(k.Reason), At: k.At.UTC().Format(time.RFC3339)})
		},
	}
	if c.Keys.PKCS11.Module != "" {
		token, err := c.Keys.PKCS11.open()
		if err != nil {
			return fmt.Errorf("keys.pkcs11: %w", err)
		}
		r.onClose(token.Close)
		o.Vault = token
	}
	keys, err := signing.Open(ctx, o)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	r.keys = keys
	if r.accord, err = newAccord(r, d); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if err := r.accord.compare(ctx); fault.Is(err, fault.Conflict) {
		return fmt.Errorf("keys: %w", err)
	}
	return nil
}

func (p PKCS11Config) open() (*pkcs11.Token, error) {
	return pkcs11.Open(pkcs11.Options{Module: p.Module, Label: p.Token, PIN: p.PIN.Reveal()})
}

func rotated(k signing.KeyInfo) audit.Event {
	return audit.KeyRotated{Alg: string(k.Alg), Kid: k.Kid, State: string(k.State)}
}

// rotateKeys keeps the schedule (PG-37) until ctx ends. Every node does so; the
// folder's lock decides whose turn it is.
func (p *Provider) rotateKeys(ctx context.Context) {
	for {
		p.rotateDue(ctx)
		again, stop := p.deps.Clock.After(dueEvery)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-again:
		}
	}
}

func (p *Provider) rotateDue(ctx context.Context) {
	done, err := p.res.keys.RotateDue(ctx, time.Duration(p.config.Keys.RotateEvery))
	if err != nil {
		p.deps.Log.ErrorContext(ctx, "keys are due and cannot be rotated", slog.Any("error", err))
		return
	}
	for _, r := range done {
		for _, k := range []signing.KeyInfo{r.Retired, r.Active, r.Next} {
			if k.Kid != "" {
				p.res.note(ctx, p.deps, rotated(k))
			}
		}
	}
}
