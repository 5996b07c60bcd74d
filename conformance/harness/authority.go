package harness

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing/fstest"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// authority is the folder of a test authority, made once a process: each
// demonstration takes a copy and spares half a second of key making.
var authority = sync.OnceValues(func() (fs.FS, error) {
	dir, err := os.MkdirTemp("", "egide-authority-")
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	a, err := pki.New(pki.Options{Clock: clock.System{}, Bits: 2048, Dir: dir})
	if err != nil {
		return nil, err
	}
	if err := a.MakeFor([]igc.Range{igc.Fort, igc.Standard}, []igc.Range{igc.Elementaire}); err != nil {
		return nil, err
	}
	kept := fstest.MapFS{}
	return kept, fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		kept[path] = &fstest.MapFile{Data: b, Mode: 0o600}
		return err
	})
})

// withAuthority puts the authority into a data folder.
func withAuthority(data string) error {
	a, err := authority()
	if err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(data, "pki"), a)
}
