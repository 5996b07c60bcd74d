package client

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Watch follows the directory and the database until the context ends. A file that became
// broken keeps its last good version, and a log line says so once (HA8); a
// file that is gone takes its client with it.
func (r *Registry) Watch(ctx context.Context) {
	wake := r.o.Wake
	for {
		fired, stop := r.o.Clock.After(r.o.Poll)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-fired:
			r.Reload(ctx)
			r.follow(ctx)
		case _, open := <-wake:
			stop()
			if !open {
				wake = nil // the bus is gone: the next look is only later
			}
			r.follow(ctx)
		}
	}
}

// Reload looks at the directory now and gives the faults of what it holds.
func (r *Registry) Reload(ctx context.Context) []Fault {
	if r.dir == "" {
		return nil
	}
	r.mu.Lock()
	changes, err := r.scan(ctx)
	faults := r.faults()
	r.mu.Unlock()
	if err != nil {
		r.o.Log.ErrorContext(ctx, "client directory cannot be read, all clients kept", slog.Any("error", err))
		return append(faults, Fault{File: r.dir, Message: "the directory cannot be read; all clients are kept"})
	}
	for _, c := range changes {
		r.o.Log.InfoContext(ctx, "client registration changed", slog.String("client", c.Client), slog.String("change", c.Kind))
		if r.o.OnChange != nil {
			r.o.OnChange(c)
		}
	}
	return faults
}

// scan reads what is new in the directory. Callers hold mu.
func (r *Registry) scan(ctx context.Context) ([]Change, error) {
	names, err := clientFiles(r.dir)
	if err != nil {
		return nil, err
	}
	before := r.fingerprints()
	for name := range r.files {
		if !slices.Contains(names, name) {
			delete(r.files, name)
		}
	}
	for _, name := range names {
		r.look(ctx, name)
	}
	r.publish()
	return diff(before, r.fingerprints()), nil
}

func clientFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "client directory cannot be read", err)
	}
	var names []string
	for _, e := range entries {
		// Editors leave hidden files beside the real ones.
		if ext := filepath.Ext(e.Name()); e.Name()[0] != '.' && !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// faults gives those of every file, in order. Callers hold mu.
func (r *Registry) faults() []Fault {
	var all []Fault
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		all = append(all, r.files[name].faults...)
	}
	return all
}

func (r *Registry) fingerprints() map[string]string {
	m := map[string]string{}
	for _, s := range r.files {
		if s.client != nil {
			m[s.client.ID] = s.fingerprint
		}
	}
	return m
}

func diff(before, after map[string]string) []Change {
	var changes []Change
	for _, id := range slices.Sorted(maps.Keys(after)) {
		was, known := before[id]
		switch {
		case !known:
			changes = append(changes, Change{Client: id, Kind: "added", Fingerprint: after[id]})
		case was != after[id]:
			changes = append(changes, Change{Client: id, Kind: "changed", Fingerprint: after[id]})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[id]; !ok {
			changes = append(changes, Change{Client: id, Kind: "removed"})
		}
	}
	return changes
}
