package signing

import (
	"context"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// KnownAfter is how long a next key must have been published before it signs:
// services may keep the key set that long, and would refuse a key that is not in
// their copy (ME9). Our own answer lets them keep it five minutes.
const KnownAfter = time.Hour

// Rotation is what one rotation did. A refresh key has no Next.
type Rotation struct {
	Active, Retired, Next KeyInfo
}

// Rotate makes the next key of an algorithm active, retires the active one and
// publishes a new next. HS256 rotates the refresh key. Other processes follow
// within a second.
// Errors: fault.Denied while the next key has been published for less than known;
// zero rotates whatever services know.
func (k *Keys) Rotate(ctx context.Context, alg jose.SignatureAlgorithm, known time.Duration) (Rotation, error) {
	var r Rotation
	err := k.change(ctx, func(m *manifest) error {
		now := k.o.Clock.Now()
		if next := m.find(alg, Next); next != nil && now.Sub(next.Created) < known {
			return fault.New(fault.Denied, "", fmt.Sprintf("the next %s key was published %s ago; services that keep the key set for %s do not know it yet",
				alg, now.Sub(next.Created).Round(time.Second), known))
		}
		var err error
		r, err = k.o.rotate(m, alg)
		return err
	})
	return r, err
}

// RotateDue rotates every algorithm whose active key has signed for as long as
// every says, and whose next key is known by now (PG-37). Of several nodes the one
// that comes first does it; the others find nothing due.
func (k *Keys) RotateDue(ctx context.Context, every time.Duration) ([]Rotation, error) {
	if len(k.set().manifest.due(k.o.Clock.Now(), every)) == 0 {
		return nil, nil
	}
	var done []Rotation
	err := k.change(ctx, func(m *manifest) error {
		due := m.due(k.o.Clock.Now(), every)
		if len(due) == 0 {
			return errUnchanged
		}
		for _, alg := range due {
			r, err := k.o.rotate(m, alg)
			if err != nil {
				return err
			}
			done = append(done, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// due gives the algorithms to rotate now. A clock that stepped back makes none due.
func (m *manifest) due(now time.Time, every time.Duration) []jose.SignatureAlgorithm {
	var due []jose.SignatureAlgorithm
	for _, e := range m.Keys {
		if e.State != Active || now.Sub(e.Activated) < every {
			continue
		}
		next := m.find(e.Alg, Next)
		if e.Alg == refreshAlg || next != nil && now.Sub(next.Created) >= KnownAfter {
			due = append(due, e.Alg)
		}
	}
	return due
}

func (o Options) rotate(m *manifest, alg jose.SignatureAlgorithm) (Rotation, error) {
	now := o.Clock.Now()
	old := m.find(alg, Active)
	if old == nil {
		return Rotation{}, errNoKey
	}
	retired := old.Kid
	old.State, old.Retired = Retired, now
	if next := m.find(alg, Next); next != nil {
		next.State, next.Activated = Active, now
	}
	if err := o.fill(m, alg); err != nil {
		return Rotation{}, err
	}
	return o.rotation(m, alg, retired), nil
}

// fill makes the keys an algorithm lacks.
func (o Options) fill(m *manifest, alg jose.SignatureAlgorithm) error {
	for _, state := range statesOf(alg) {
		if m.find(alg, state) != nil {
			continue
		}
		if err := o.add(m, alg, state); err != nil {
			return err
		}
	}
	return nil
}

func (o Options) rotation(m *manifest, alg jose.SignatureAlgorithm, retired string) Rotation {
	var r Rotation
	for _, e := range m.Keys {
		switch {
		case e.Kid == retired:
			r.Retired = e.info(o.Retain)
		case e.Alg == alg && e.State == Active:
			r.Active = e.info(o.Retain)
		case e.Alg == alg && e.State == Next:
			r.Next = e.info(o.Retain)
		}
	}
	return r
}
