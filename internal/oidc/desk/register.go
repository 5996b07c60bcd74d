package desk

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Any is the version of those who have not looked: whatever is there is changed.
const Any int64 = 0

// Kept is a registration and where it stands.
type Kept struct {
	Client    *client.Client
	Place     string    // client.PlaceFile, PlaceDatabase, PlaceSandbox
	Version   int64     // 0 outside the database
	Dynamic   bool      // the service registered itself
	CreatedAt time.Time // zero outside the database
	ChangedAt time.Time
}

// Get finds a registration wherever it lives, disabled or not.
func (d *Desk) Get(ctx context.Context, id string) (Kept, error) {
	r, err := read(ctx, d.DB.Read(), id)
	if err == nil {
		return r.kept(), nil
	}
	if !fault.Is(err, fault.NotFound) {
		return Kept{}, err
	}
	c, err := d.Clients.Find(id)
	if place := d.Clients.Place(id); err == nil && place != client.PlaceDatabase {
		return Kept{Client: c, Place: place}, nil
	}
	return Kept{}, fault.New(fault.NotFound, codeNone, "no such client")
}

func (r row) kept() Kept {
	return Kept{
		Client: r.client, Place: client.PlaceDatabase, Version: r.version, Dynamic: r.invitedBy != "",
		CreatedAt: moment(r.created), ChangedAt: moment(r.changed),
	}
}

// Add registers a service. A secret is made for one that is to hold one and
// brings no hash of its own; it is given here and never again.
func (d *Desk) Add(ctx context.Context, a Act, name string, document []byte) (Kept, string, error) {
	if err := a.check(); err != nil {
		return Kept{}, "", err
	}
	c, faults := client.Draft(name, document)
	if len(faults) > 0 {
		return Kept{}, "", broken(faults)
	}
	return d.add(ctx, a, c, row{}, nil)
}

// add completes the draft and puts it in, with what else belongs into the same transaction.
func (d *Desk) add(ctx context.Context, a Act, c *client.Client, r row, also func(ctx context.Context, tx *sql.Tx) error) (Kept, string, error) {
	c, secret, err := d.complete(c)
	if err != nil {
		return Kept{}, "", err
	}
	if place := d.Clients.Place(c.ID); place != "" && place != client.PlaceDatabase {
		return Kept{}, "", fault.New(fault.Conflict, codeTaken, "the client identifier is taken by a registration outside the database")
	}
	r.client, r.version, r.created = c, 1, d.now()
	r.changed = r.created
	traced := false
	err = d.tx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if also != nil {
			if err := also(ctx, tx); err != nil {
				return err
			}
		}
		if err := create(ctx, tx, r); err != nil {
			return err
		}
		return d.traceClient(ctx, &traced, a, c, "added")
	})
	if err != nil {
		return Kept{}, "", err
	}
	return r.kept(), secret, nil
}

// complete fills in defaults and a secret, and holds the whole to the checks.
func (d *Desk) complete(c *client.Client) (*client.Client, string, error) {
	own, secret := *c, ""
	if own.HoldsSecret() && len(own.SecretHashes) == 0 {
		var err error
		if secret, err = client.NewSecret(d.Rand); err != nil {
			return nil, "", err
		}
		own.SecretHashes = []string{hash(secret)}
	}
	done, faults := client.Complete(own)
	if len(faults) > 0 {
		return nil, "", broken(faults)
	}
	return done, secret, nil
}

// Put replaces a registration of the database by another. What the house keeps
// stays: secrets, and that it is disabled or not. Whether the client can hold a
// secret is fixed for good (CA9).
func (d *Desk) Put(ctx context.Context, a Act, id string, version int64, document []byte) (Kept, string, error) {
	draft, faults := client.Draft(id, document)
	if len(faults) > 0 {
		return Kept{}, "", broken(faults)
	}
	return d.put(ctx, a, id, version, draft, nil)
}

func (d *Desk) put(ctx context.Context, a Act, id string, version int64, draft *client.Client, also func(*row) error) (kept Kept, secret string, err error) {
	kept, err = d.change(ctx, a, id, version, "changed", func(r *row) error {
		next := *draft
		if next.ID == "" {
			next.ID = id
		}
		if next.ID != id {
			return fault.New(fault.Invalid, codeFixed, "the registration names another identifier than its address")
		}
		if len(next.SecretHashes) == 0 && next.HoldsSecret() {
			next.SecretHashes, next.OldSecretsUntil = r.client.SecretHashes, r.client.OldSecretsUntil
		}
		next.Disabled = r.client.Disabled
		done, made, err := d.complete(&next)
		if err != nil {
			return err
		}
		if done.Public() != r.client.Public() {
			return fault.New(fault.Invalid, codeFixed, "whether a client can keep a secret is fixed at registration (CA9): register it anew")
		}
		r.client, secret = done, made
		if also != nil {
			return also(r)
		}
		return nil
	})
	if err != nil {
		return Kept{}, "", err
	}
	return kept, secret, nil
}

// errSame ends a change that would change nothing.
var errSame = errors.New("nothing to change")

// change moves one registration by one step, if it still is the version that the
// caller has seen: of any number of callers who saw the same, one wins. The step
// may run again; what it gives out is that of its last run.
func (d *Desk) change(ctx context.Context, a Act, id string, version int64, kind string, step func(*row) error) (Kept, error) {
	if err := a.check(); err != nil {
		return Kept{}, err
	}
	if place := d.Clients.Place(id); place != "" && place != client.PlaceDatabase {
		return Kept{}, fault.New(fault.Conflict, codePlace, "this client is registered outside the database: change it there")
	}
	var out row
	traced := false
	err := d.tx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		r, err := read(ctx, tx, id)
		if err != nil {
			return err
		}
		out = r
		if version != Any && version != r.version {
			return fault.New(fault.Conflict, codeVersion, "the registration was changed since it was read: read it again")
		}
		if err := step(&r); err != nil {
			return err
		}
		document, err := r.client.Document()
		if err != nil {
			return fault.Wrap(fault.Internal, "", "a registration cannot be written", err)
		}
		now := d.now()
		if err := replace(ctx, tx, id, document, r, now); err != nil {
			return err
		}
		r.version, r.changed = r.version+1, now
		out = r
		return d.traceClient(ctx, &traced, a, r.client, kind)
	})
	if errors.Is(err, errSame) {
		return out.kept(), nil
	}
	if err != nil {
		return Kept{}, err
	}
	return out.kept(), nil
}

func (d *Desk) traceClient(ctx context.Context, done *bool, a Act, c *client.Client, kind string) error {
	document, err := c.Document()
	if err != nil {
		return fault.Wrap(fault.Internal, "", "a registration cannot be written", err)
	}
	return d.trace(ctx, done, audit.ClientChanged{
		Client: c.ID, Change: kind, Fingerprint: fingerprint(document), Operator: a.Operator, Reason: a.Reason, Token: a.token,
	})
}
