package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// feedEvery is the pace of integration: rarely enough that a quiet log does not
// rewrite its last tile for every record.
const feedEvery = 500 * time.Millisecond

// feeder brings durable lines into the tree. It reads them back from the files
// by position, a batch at a time, so that it needs no queue and no bookkeeping:
// what is missing after a crash is what lies past the size of the tree.
type feeder struct {
	dir      string
	tree     *tree
	log      *slog.Logger
	segments func() []segment
	wait     func() bool // the space left belongs to acts, not to the tree

	next    uint64 // next line to take in
	file    *os.File
	name    string
	at      int64
	failing bool
}

// run feeds until stop is closed.
func (f *feeder) run(stop <-chan struct{}) {
	for {
		fired, release := clock.System{}.After(feedEvery)
		select {
		case <-stop:
			release()
			return
		case <-fired:
		}
		if f.wait() {
			continue
		}
		err := f.drain(context.Background())
		if errors.Is(err, errDiverged) || fault.Is(err, fault.Invalid) {
			f.log.ErrorContext(context.Background(), "integration of traces stopped: verify the traces, then restart",
				slog.String("error", err.Error()))
			<-stop
			return
		}
		f.report(err)
	}
}

// report tells once when integration begins to fail, once when it works again.
func (f *feeder) report(err error) {
	switch {
	case err != nil && !f.failing:
		f.log.WarnContext(context.Background(), "traces are durable but not yet integrated, will try again",
			slog.String("error", err.Error()))
	case err == nil && f.failing:
		f.log.InfoContext(context.Background(), "integration of traces works again")
	}
	f.failing = err != nil
}

// drain integrates everything that is durable now.
func (f *feeder) drain(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := f.step(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
	return fault.Wrap(fault.Unavailable, "", "no time to integrate all traces", ctx.Err())
}

// step integrates one batch and tells how many lines it had.
func (f *feeder) step(ctx context.Context) (int, error) {
	seg, ok := f.segment()
	if !ok {
		return 0, nil
	}
	if err := f.enter(seg); err != nil {
		return 0, err
	}
	entries, read, err := f.read(seg)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	if err := f.tree.take(ctx, f.next, entries); err != nil {
		return 0, err
	}
	f.next += uint64(len(entries))
	f.at += read
	return len(entries), nil
}

// segment gives the one that holds the next line, if it is durable.
func (f *feeder) segment() (segment, bool) {
	for _, seg := range f.segments() {
		if seg.first <= f.next && f.next < seg.next {
			return seg, true
		}
	}
	return segment{}, false
}

func (f *feeder) enter(seg segment) error {
	if f.name == seg.name {
		return nil
	}
	f.leave()
	file, err := os.Open(filepath.Join(f.dir, linesDir, seg.name))
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "trace file cannot be read", err)
	}
	at := int64(0)
	if f.next > seg.first {
		if at, err = findLine(file, seg.size, f.next); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	f.file, f.name, f.at = file, seg.name, at
	return nil
}

func (f *feeder) leave() {
	if f.file != nil {
		_ = f.file.Close()
	}
	f.file, f.name = nil, ""
}

// read gives the entries of the next lines and how many bytes they take.
func (f *feeder) read(seg segment) (entries []hash, size int64, err error) {
	buf := make([]byte, min(seg.size-f.at, batchSize*1024))
	if _, err := f.file.ReadAt(buf, f.at); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fault.Wrap(fault.Unavailable, "", "trace file cannot be read", err)
	}
	for len(entries) < batchSize {
		end := bytes.IndexByte(buf, '\n')
		if end < 0 {
			break
		}
		n, entry, ok := readLine(buf[:end])
		if want := f.next + uint64(len(entries)); !ok || n != want {
			return nil, 0, fault.New(fault.Invalid, "", fmt.Sprintf("record %d was changed in %s before it was integrated", want, seg.name))
		}
		entries = append(entries, entry)
		buf = buf[end+1:]
		size += int64(end) + 1
	}
	return entries, size, nil
}
