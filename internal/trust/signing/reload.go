package signing

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// lookEvery bounds how late a rotation by another process is seen.
const lookEvery = time.Second

// set gives the present keys. At most once a second it looks whether the
// manifest is still the one it read and no retired key has died: one stat, paid
// by whoever comes first, so that nothing runs while nobody signs.
func (k *Keys) set() *set {
	s := k.current.Load()
	now := k.o.Clock.Now()
	if since := now.UnixNano() - k.looked.Load(); since >= 0 && since < int64(lookEvery) {
		return s
	}
	if !k.reloading.TryLock() {
		return s // somebody else is at it
	}
	return k.look(now)
}

// known gives the present keys after making sure that a kid missing from them
// is missing on disk too: another node may have signed with a key it made a
// moment ago.
func (k *Keys) known(has func(*set) bool) *set {
	s := k.set()
	if has(s) {
		return s
	}
	k.reloading.Lock()
	return k.look(k.o.Clock.Now())
}

// look reads the keys again if the manifest was replaced or a retired key died.
// What cannot be read leaves the present keys in place: a half-mended folder
// must not stop logins. The caller holds reloading; look gives it back before
// it tells anybody.
func (k *Keys) look(now time.Time) *set {
	before := k.current.Load()
	err := k.reload(now, before)
	k.reloading.Unlock()
	if err != nil {
		k.o.Log.ErrorContext(context.Background(), "signing keys cannot be reloaded, keeping the present ones",
			slog.String("error", err.Error()))
		return before
	}
	after := k.current.Load()
	if after != before {
		k.tell(before, after)
	}
	return after
}

func (k *Keys) reload(now time.Time, before *set) error {
	k.looked.Store(now.UnixNano())
	died := !before.until.IsZero() && !now.Before(before.until)
	info, err := os.Stat(filepath.Join(k.o.Dir, manifestName))
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "key manifest is gone", err)
	}
	if !died && same(info, k.seen) {
		return nil
	}
	return k.load()
}

// load replaces the present keys by those on disk.
func (k *Keys) load() error {
	now := k.o.Clock.Now()
	info, err := os.Stat(filepath.Join(k.o.Dir, manifestName))
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "key manifest cannot be read", err)
	}
	m, err := k.o.readManifest()
	if err != nil {
		return err
	}
	s, err := k.o.build(m, now, k.current.Load())
	if err != nil {
		return err
	}
	k.seen = info
	k.looked.Store(now.UnixNano())
	k.current.Store(s)
	return nil
}

// same compares what rename changes: the file itself, its time, its size.
func same(a, b os.FileInfo) bool {
	return b != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// tellDropped reports every key that was dropped since.
func (k *Keys) tellDropped(before, after *set) {
	if k.o.Dropped == nil {
		return
	}
	for _, d := range after.manifest.Dropped {
		if before == nil || !slices.ContainsFunc(before.manifest.Dropped, func(old Dropped) bool { return old.Kid == d.Kid }) {
			k.o.Dropped(d)
		}
	}
}

// tell reports every key whose state is another than before.
func (k *Keys) tell(before, after *set) {
	k.tellDropped(before, after)
	if k.o.Changed == nil {
		return
	}
	was := map[string]State{}
	for _, e := range before.manifest.Keys {
		was[e.Kid] = e.State
	}
	for _, e := range after.manifest.Keys {
		if was[e.Kid] != e.State {
			k.o.Changed(e.info(k.o.Retain))
		}
	}
}
