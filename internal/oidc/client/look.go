package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
)

// fileState is what we know of one file.
type fileState struct {
	info        os.FileInfo // of the last reading
	fingerprint string      // of the version that client came from
	client      *Client     // the last good version; nil if there never was one
	faults      []Fault     // of the last reading
}

// look reads a file if it is not the one read last.
func (r *Registry) look(ctx context.Context, name string) {
	state, known := r.files[name]
	if !known {
		state = &fileState{}
		r.files[name] = state
	}
	data, info, err := readIfNew(filepath.Join(r.dir, name), state.info)
	if err == nil && data == nil {
		return
	}
	before := state.faults
	var c *Client
	if err != nil {
		state.info = nil // to be tried again
		state.faults = []Fault{{File: name, Message: "cannot be read: " + err.Error()}}
	} else {
		state.info = info
		c, state.faults = Parse(name, data)
		if taken := r.taken(name, c); taken != nil {
			state.info = nil // good as soon as the other one goes
			state.faults = taken
		}
	}
	if len(state.faults) > 0 {
		if !slices.Equal(before, state.faults) {
			r.o.Log.ErrorContext(ctx, "client file is broken, its last good version is kept", slog.String("fault", state.faults[0].String()),
				slog.Int("faults", len(state.faults)), slog.Bool("kept", state.client != nil))
		}
		return
	}
	sum := sha256.Sum256(data)
	state.client, state.fingerprint = c, hex.EncodeToString(sum[:])
}

// taken refuses a client whose identifier another file, the database or the
// sandbox holds: which one counts must never depend on the order of reading.
func (r *Registry) taken(name string, c *Client) []Fault {
	if c == nil {
		return nil
	}
	if _, ok := r.added[c.ID]; ok {
		return []Fault{{File: name, Path: "id", Message: "is taken by a client that has no file"}}
	}
	if _, ok := r.kept[c.ID]; ok {
		return []Fault{{File: name, Path: "id", Message: "is taken by a client in the database"}}
	}
	for other, state := range r.files {
		if other != name && state.client != nil && state.client.ID == c.ID {
			return []Fault{{File: name, Path: "id", Message: "is taken by " + other}}
		}
	}
	return nil
}

// readIfNew gives the content unless the file is exactly the one of was; then
// nil without an error. It reads no more than a client file may hold.
func readIfNew(path string, was os.FileInfo) ([]byte, os.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if was != nil && os.SameFile(was, info) && was.ModTime().Equal(info.ModTime()) && was.Size() == info.Size() {
		return nil, info, nil
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if data == nil {
		data = []byte{}
	}
	return data, info, err
}
