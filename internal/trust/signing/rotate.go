package signing

import (
	"context"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/filelock"
)

// Rotation is what one rotation did. A refresh key has no Next.
type Rotation struct {
	Active, Retired, Next KeyInfo
}

// Rotate makes the next key of an algorithm active, retires the active one and
// publishes a new next. HS256 rotates the refresh key. Other processes follow
// within a second.
//
// Services that cache the set may not know a next key that was published a
// moment ago: see KeyInfo.Created before rotating twice.
func (k *Keys) Rotate(ctx context.Context, alg jose.SignatureAlgorithm) (Rotation, error) {
	lock, err := filelock.Wait(ctx, filepath.Join(k.o.Dir, lockName))
	if err != nil {
		return Rotation{}, err
	}
	defer lock.Release() //nolint:errcheck // closing the descriptor is all there is to it
	// From the file, not from memory: another process may have rotated just now.
	m, err := k.o.readManifest()
	if err != nil {
		return Rotation{}, err
	}
	r, err := k.o.rotate(&m, alg)
	if err != nil {
		return Rotation{}, err
	}
	if err := k.o.writeManifest(&m); err != nil {
		return Rotation{}, err
	}
	k.reloading.Lock()
	defer k.reloading.Unlock()
	if err := k.load(); err != nil {
		return Rotation{}, err
	}
	return r, k.o.sweep(m)
}

func (o Options) rotate(m *manifest, alg jose.SignatureAlgorithm) (Rotation, error) {
	now := o.Clock.Now()
	m.dead(now, o.Retain)
	old := m.find(alg, Active)
	if old == nil {
		return Rotation{}, errNoKey
	}
	retired := old.Kid
	old.State, old.Retired = Retired, now
	promoted := Active
	if next := m.find(alg, Next); next != nil {
		next.State, next.Activated = Active, now
		promoted = Next
	}
	if err := o.add(m, alg, promoted); err != nil {
		return Rotation{}, err
	}
	return o.rotation(m, alg, retired), nil
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
