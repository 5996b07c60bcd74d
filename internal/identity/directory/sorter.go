package directory

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/egide-id/egide/internal/platform/fault"
)

// sorter brings entries into key order with bounded memory: it fills an arena,
// sorts it, writes it out as a run, and starts again; the runs are merged when
// read (mergeRuns). Entries of one key keep the order they came in.
type sorter struct {
	prefix string // runs are prefix-0, prefix-1, ...
	arena  []byte
	items  []item
	runs   []run
}

type item struct {
	offset         uint32
	keyLen, valLen uint32
}

// run is one sorted file and what proves it is whole after a crash.
type run struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Hash string `json:"xxhash64"`
}

// arenaSize bounds the memory of one sorter.
const arenaSize = 64 << 20

func newSorter(prefix string) *sorter { return &sorter{prefix: prefix} }

func (s *sorter) add(key, value []byte) error {
	need := len(key) + len(value)
	if len(s.arena) > 0 && len(s.arena)+need > arenaSize {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if s.arena == nil {
		s.arena = make([]byte, 0, 1<<20)
	}
	at := len(s.arena)
	s.arena = append(append(s.arena, key...), value...)
	s.items = append(s.items, item{offset: uint32(at), keyLen: uint32(len(key)), valLen: uint32(len(value))}) //nolint:gosec // the arena is far below 4 GiB
	return nil
}

func (s *sorter) key(i item) []byte { return s.arena[i.offset : i.offset+i.keyLen] }

func (s *sorter) compare(a, b item) int {
	if c := bytes.Compare(s.key(a), s.key(b)); c != 0 {
		return c
	}
	return int(a.offset) - int(b.offset)
}

// spill writes the arena out as a run.
func (s *sorter) spill() (err error) {
	if len(s.items) == 0 {
		return nil
	}
	if !slices.IsSortedFunc(s.items, s.compare) {
		slices.SortFunc(s.items, s.compare)
	}
	path := s.prefix + "-" + strconv.Itoa(len(s.runs))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "staging file cannot be made", err)
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = fault.Wrap(fault.Unavailable, "", "staging file cannot be written", closeErr)
		}
	}()
	r, err := s.write(f, filepath.Base(path))
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "staging file cannot be written", err)
	}
	s.runs = append(s.runs, r)
	s.arena, s.items = s.arena[:0], s.items[:0]
	return nil
}

func (s *sorter) write(f *os.File, name string) (run, error) {
	hash := xxhash.New()
	w := bufio.NewWriterSize(f, 1<<20)
	var size int64
	var head []byte
	for _, it := range s.items {
		head = binary.AppendUvarint(head[:0], uint64(it.keyLen))
		head = binary.AppendUvarint(head, uint64(it.valLen))
		body := s.arena[it.offset : it.offset+it.keyLen+it.valLen]
		for _, part := range [2][]byte{head, body} {
			if _, err := w.Write(part); err != nil {
				return run{}, err
			}
			_, _ = hash.Write(part) // a hash never fails
			size += int64(len(part))
		}
	}
	if err := w.Flush(); err != nil {
		return run{}, err
	}
	return run{Name: name, Size: size, Hash: strconv.FormatUint(hash.Sum64(), 16)}, nil
}

// finish writes what is left and gives the runs.
func (s *sorter) finish() ([]run, error) {
	err := s.spill()
	s.arena, s.items = nil, nil
	return s.runs, err
}

// whole tells whether a run on disk is the one that was written.
func (r run) whole(dir string) bool {
	if filepath.Base(r.Name) != r.Name { // a manifest must not lead us out of the staging area
		return false
	}
	f, err := os.Open(filepath.Join(dir, r.Name))
	if err != nil {
		return false
	}
	hash := xxhash.New()
	n, err := bufio.NewReaderSize(f, 1<<20).WriteTo(hash)
	return errors.Join(err, f.Close()) == nil && n == r.Size && strconv.FormatUint(hash.Sum64(), 16) == r.Hash
}
