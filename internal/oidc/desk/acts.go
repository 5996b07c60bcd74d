package desk

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
)

// MaxOverlap bounds how long an old secret stays good beside the new one.
const MaxOverlap = 30 * 24 * time.Hour

// Disable refuses the client everywhere, at once here and within two seconds on
// every node. What it holds stays for the record. Twice is as good as once.
func (d *Desk) Disable(ctx context.Context, a Act, id string, version int64) (Kept, error) {
	return d.able(ctx, a, id, version, true, "disabled")
}

// Enable undoes Disable.
func (d *Desk) Enable(ctx context.Context, a Act, id string, version int64) (Kept, error) {
	return d.able(ctx, a, id, version, false, "enabled")
}

func (d *Desk) able(ctx context.Context, a Act, id string, version int64, disabled bool, kind string) (Kept, error) {
	return d.change(ctx, a, id, version, kind, func(r *row) error {
		if r.client.Disabled == disabled {
			return errSame
		}
		next := *r.client
		next.Disabled = disabled
		r.client = &next
		return nil
	})
}

// Rotate makes a new secret, shown once. The one before stays good for the
// overlap, so that the service changes over without a failed login; with none
// it ends now. No third one is ever good.
func (d *Desk) Rotate(ctx context.Context, a Act, id string, version int64, overlap time.Duration) (Kept, string, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return Kept{}, "", fault.New(fault.Invalid, codeAct, "the overlap of two secrets is between 0s and 720h")
	}
	secret, err := client.NewSecret(d.Rand)
	if err != nil {
		return Kept{}, "", err
	}
	kept, err := d.change(ctx, a, id, version, "secret_rotated", func(r *row) error {
		if !r.client.HoldsSecret() {
			return fault.New(fault.Invalid, codeFixed, "this client authenticates without a secret")
		}
		next := *r.client
		next.SecretHashes, next.OldSecretsUntil = []string{hash(secret)}, time.Time{}
		if overlap > 0 {
			next.SecretHashes = append(next.SecretHashes, r.client.SecretHashes[0])
			next.OldSecretsUntil = d.Clock.Now().Add(overlap).Truncate(time.Second)
		}
		r.client = &next
		return nil
	})
	if err != nil {
		return Kept{}, "", err
	}
	return kept, secret, nil
}

// List gives every registration, by identifier, wherever it lives.
func (d *Desk) List(ctx context.Context) ([]Kept, error) {
	all := d.Clients.All()
	out := make([]Kept, 0, len(all))
	for _, c := range all {
		k, err := d.Get(ctx, c.ID)
		if fault.Is(err, fault.NotFound) {
			continue // taken out between the two looks
		}
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}
