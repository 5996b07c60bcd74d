package directory

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/platform/fault"
)

// runMerger reads several runs as one stream in key order. Runs of equal keys
// come in the order of the runs, so file order survives.
type runMerger struct {
	readers []*runReader
	queue   runHeap
	key     []byte
	values  [][]byte // of the present key
	buffers [][]byte // behind values, reused
}

type runReader struct {
	order int
	file  *os.File
	in    *bufio.Reader
	head  []byte // key and value of the next entry
	key   []byte
	value []byte
}

func mergeRuns(dir string, runs []run) (*runMerger, error) {
	m := &runMerger{}
	for i, r := range runs {
		f, err := os.Open(filepath.Join(dir, r.Name))
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "", "staging file cannot be read", errors.Join(err, m.close()))
		}
		rd := &runReader{order: i, file: f, in: bufio.NewReaderSize(f, 256<<10)}
		m.readers = append(m.readers, rd)
		ok, err := rd.next()
		if err != nil {
			return nil, errors.Join(err, m.close())
		}
		if ok {
			m.queue = append(m.queue, rd)
		}
	}
	heap.Init(&m.queue)
	return m, nil
}

func (r *runReader) next() (bool, error) {
	keyLen, err := binary.ReadUvarint(r.in)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, fault.Wrap(fault.Internal, "", "staging file is damaged", err)
	}
	valLen, err := binary.ReadUvarint(r.in)
	if err != nil || keyLen+valLen > arenaSize {
		return false, fault.Wrap(fault.Internal, "", "staging file is damaged", err)
	}
	n := int(keyLen + valLen) //nolint:gosec // bounded above
	if cap(r.head) < n {
		r.head = make([]byte, max(n, 1024))
	}
	r.head = r.head[:n]
	if _, err := io.ReadFull(r.in, r.head); err != nil {
		return false, fault.Wrap(fault.Internal, "", "staging file is damaged", err)
	}
	r.key, r.value = r.head[:keyLen], r.head[keyLen:]
	return true, nil
}

// next moves to the next key; false at the end. Key and values are valid until
// the next call.
func (m *runMerger) next() (bool, error) {
	m.values = m.values[:0]
	if len(m.queue) == 0 {
		m.key = nil
		return false, nil
	}
	m.key = append(m.key[:0], m.queue[0].key...)
	for len(m.queue) > 0 && bytes.Equal(m.queue[0].key, m.key) {
		top := m.queue[0]
		m.keep(top.value)
		ok, err := top.next()
		if err != nil {
			return false, err
		}
		if ok {
			heap.Fix(&m.queue, 0)
		} else {
			heap.Pop(&m.queue)
		}
	}
	return true, nil
}

func (m *runMerger) keep(value []byte) {
	i := len(m.values)
	if i == len(m.buffers) {
		m.buffers = append(m.buffers, nil)
	}
	m.buffers[i] = append(m.buffers[i][:0], value...)
	m.values = append(m.values, m.buffers[i])
}

func (m *runMerger) close() error {
	var errs []error
	for _, r := range m.readers {
		errs = append(errs, r.file.Close())
	}
	m.readers, m.queue = nil, nil
	return errors.Join(errs...)
}

// runHeap orders readers by their next key, then by age.
type runHeap []*runReader

func (h runHeap) Len() int { return len(h) }

func (h runHeap) Less(i, j int) bool {
	if c := bytes.Compare(h[i].key, h[j].key); c != 0 {
		return c < 0
	}
	return h[i].order < h[j].order
}

func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface; merging only ever removes.
func (h *runHeap) Push(x any) { *h = append(*h, x.(*runReader)) } //nolint:forcetypeassert // only runReaders are in this heap

// Pop implements heap.Interface.
func (h *runHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
