package provider

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/oidc/pairwise"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/config"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
)

// keeper is one node as far as its keys go.
type keeper struct {
	*accord

	keys *signing.Keys
}

func keeperOf(t *testing.T, kv store.KV, dir string, c clock.Clock) keeper {
	t.Helper()
	keys, err := signing.Open(t.Context(), signing.Options{Dir: dir, Clock: c, Algorithms: []jose.SignatureAlgorithm{jose.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	names, err := pairwise.Open(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	a, err := newAccord(&resources{kv: kv, keys: keys, names: names}, Deps{Clock: c, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return keeper{accord: a, keys: keys}
}

// look is one round of watch.
func (k keeper) look(t *testing.T) error {
	t.Helper()
	k.note(t.Context(), k.compare(t.Context()))
	return k.healthy()
}

func shared(t *testing.T, c clock.Clock) store.KV {
	t.Helper()
	kv, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	return kv
}

// ME9: nodes that share the folder agree at every moment of a rotation.
func TestME9NodesOfOneFolderAgree(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	kv, dir := shared(t, c), filepath.Join(t.TempDir(), "keys")
	a, b := keeperOf(t, kv, dir, c), keeperOf(t, kv, dir, c)
	for range 5 {
		for _, k := range []keeper{a, b, b, a} {
			if err := k.look(t); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.keys.Rotate(t.Context(), jose.ES256, 0); err != nil {
			t.Fatal(err)
		}
		c.Advance(30 * time.Second)
	}
}

// ME9, HA7: disks of their own mean tokens that half of the nodes refuse.
func TestME9NodesWithFoldersOfTheirOwnDisagree(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	kv := shared(t, c)
	a, b := keeperOf(t, kv, filepath.Join(t.TempDir(), "keys"), c), keeperOf(t, kv, filepath.Join(t.TempDir(), "keys"), c)
	if err := a.look(t); err != nil {
		t.Fatal(err)
	}
	if err := b.look(t); !fault.Is(err, fault.Conflict) {
		t.Errorf("another folder: %v", err)
	}
	if err := a.look(t); err != nil {
		t.Errorf("the first one pays for it: %v", err)
	}
	c.Advance(2 * time.Minute) // a stopped
	if err := b.look(t); err != nil {
		t.Errorf("alone at last: %v", err)
	}
}

// A copy of the folder is right until the original changes.
func TestME9CopyOfTheFolderFallsBehind(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	kv, dir, copied := shared(t, c), filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "keys")
	a := keeperOf(t, kv, dir, c)
	copyFolder(t, dir, copied)
	b := keeperOf(t, kv, copied, c)
	for _, k := range []keeper{a, b} {
		if err := k.look(t); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.keys.Rotate(t.Context(), jose.ES256, 0); err != nil {
		t.Fatal(err)
	}
	if err := a.look(t); err != nil {
		t.Fatal(err)
	}
	if err := b.look(t); err != nil {
		t.Errorf("a network folder may take a moment: %v", err)
	}
	c.Advance(behindFor)
	if err := b.look(t); !fault.Is(err, fault.Unavailable) {
		t.Errorf("the copy is ready still: %v", err)
	}
	if _, err := b.keys.Rotate(t.Context(), jose.ES256, 0); err != nil {
		t.Fatal(err)
	}
	if err := b.look(t); !fault.Is(err, fault.Conflict) {
		t.Errorf("two copies with as many changes each: %v", err)
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(from, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(f)), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRotationScheduleIsWithinNinetyDays(t *testing.T) {
	for d, good := range map[time.Duration]bool{24 * time.Hour: true, 90 * 24 * time.Hour: true, 91 * 24 * time.Hour: false, time.Hour: false, 0: false} {
		c := Default()
		c.Issuer = "https://auth.example.org/x"
		c.Keys.RotateEvery = config.Duration(d)
		faulty := false
		for _, f := range c.Validate() {
			faulty = faulty || f.Path == "keys.rotate_every"
		}
		if faulty == good {
			t.Errorf("%s: refused %v", d, faulty)
		}
	}
	c := Default()
	c.Issuer, c.Keys.PKCS11.Module = "https://auth.example.org/x", "/usr/lib/x.so"
	if faults := c.Validate(); len(faults) != 1 || faults[0].Path != "keys.pkcs11" {
		t.Errorf("%v", faults)
	}
}

// A rotation and a drop by another process stand in the traces with who and why.
func TestME9RotationAndDropAreTraced(t *testing.T) {
	p, c := node(t, Production)
	tool, err := signing.Open(t.Context(), signing.Options{Dir: c.KeysDir, Clock: clock.System{}, Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	var kid string
	for _, k := range tool.List() {
		if k.Alg == jose.ES256 && k.State == signing.Active {
			kid = k.Kid
		}
	}
	if _, err := tool.Drop(t.Context(), kid, "o1", signing.Compromised); err != nil {
		t.Fatal(err)
	}
	p.res.keys.Standing() // a look at the folder
	if p.res.keys.Stands(kid) {
		t.Error("the running node still believes the key")
	}
	lines := readTraces(t, c)
	if !strings.Contains(lines, audit.Name(audit.KeyDropped{})) || !strings.Contains(lines, kid) || !strings.Contains(lines, `"compromised"`) || !strings.Contains(lines, `"o1"`) {
		t.Error("the drop is not in the traces")
	}
}

func readTraces(t *testing.T, c Config) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.withDefaults().TracesDir, "lines", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all []byte
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	return string(all)
}
