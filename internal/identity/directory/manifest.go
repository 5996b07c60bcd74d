package directory

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/egide-id/egide/internal/platform/fault"
)

// manifest lists the files whose sorted runs are complete in the staging area.
// It is what makes an import resumable: a file is in it only once all of its
// runs are on disk.
type manifest struct {
	dir     string
	Format  int      `json:"format"`
	Counter int      `json:"counter"` // run files are never reused under a name
	Files   []staged `json:"files"`
}

const manifestName = "manifest.json"

// openManifest reads what an import that died left; anything doubtful counts
// as nothing.
func openManifest(dir string) *manifest {
	m := &manifest{dir: dir, Format: registerFormat}
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return m
	}
	var read manifest
	if json.Unmarshal(data, &read) != nil || read.Format != registerFormat {
		return m
	}
	m.Counter, m.Files = read.Counter, read.Files
	return m
}

// keep drops what belongs to other files, or changed, or is damaged, and
// removes from the staging area all that the rest does not need.
func (m *manifest) keep(paths []string) error {
	m.Files = slices.DeleteFunc(m.Files, func(s staged) bool {
		return !slices.Contains(paths, s.Path) || !m.whole(s)
	})
	wanted := map[string]bool{manifestName: true}
	for _, s := range m.Files {
		for _, runs := range s.Runs {
			for _, r := range runs {
				wanted[r.Name] = true
			}
		}
	}
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "the staging area cannot be read", err)
	}
	for _, e := range entries {
		if wanted[e.Name()] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(m.dir, e.Name())); err != nil {
			return fault.Wrap(fault.Unavailable, "", "the staging area cannot be cleaned", err)
		}
	}
	return m.save()
}

// whole tells whether the file is still the one that was read and its runs are
// all there.
func (m *manifest) whole(s staged) bool {
	info, err := os.Stat(s.Path)
	if err != nil || info.Size() != s.Report.Bytes || info.ModTime().UnixNano() != s.ModTime {
		return false
	}
	for _, runs := range s.Runs {
		for _, r := range runs {
			if !r.whole(m.dir) {
				return false
			}
		}
	}
	return true
}

func (m *manifest) find(path string) (staged, bool) {
	i := slices.IndexFunc(m.Files, func(s staged) bool { return s.Path == path })
	if i < 0 {
		return staged{}, false
	}
	return m.Files[i], true
}

func (m *manifest) next() int {
	m.Counter++
	return m.Counter
}

func (m *manifest) add(s staged) error {
	m.Files = append(m.Files, s)
	return m.save()
}

// save replaces the manifest in one step.
func (m *manifest) save() error {
	data, err := json.Marshal(m)
	if err != nil {
		return fault.Wrap(fault.Internal, "", "the staging manifest cannot be encoded", err)
	}
	path := filepath.Join(m.dir, manifestName)
	err = os.WriteFile(path+".new", data, 0o600)
	if err := errors.Join(err, os.Rename(path+".new", path)); err != nil {
		return fault.Wrap(fault.Unavailable, "", "the staging manifest cannot be written", err)
	}
	return nil
}
