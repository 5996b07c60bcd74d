package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	treeDir   = "tree"
	batchSize = 1024
	// batchAge must be much longer than handing over one batch takes, so that the
	// driver never splits it: of two halves the second could succeed alone.
	batchAge      = 200 * time.Millisecond
	collectEvery  = 5 * time.Second
	publishEvery  = time.Second
	treeShutdown  = 10 * time.Second
	bundleEntries = 256 // C2SP tlog-tiles
)

// tree is the Merkle log behind the lines: entry n is the salted hash of line n.
type tree struct {
	dir    string
	origin string
	add    tessera.AddFn
	stop   func(context.Context) error
	cancel context.CancelFunc
	reader tessera.LogReader
}

// redirect sends what the library logs to our log. Its logger is one for the
// whole process, and so is this.
var redirect sync.Once

// openTree opens the log of tiles. Exactly one process may: the driver panics
// with several (storage.md section 2), which is why the caller holds our lock.
func openTree(ctx context.Context, dir string, signer note.Signer, publish time.Duration, log *slog.Logger) (*tree, error) {
	redirect.Do(func() { klog.SetSlogLogger(log) })
	path := filepath.Join(dir, treeDir)
	driver, err := posix.New(ctx, posix.Config{Path: path})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "Merkle log cannot be opened", err)
	}
	opts := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(batchSize, min(batchAge, publish/2)).
		WithCheckpointInterval(publish).
		WithGarbageCollectionInterval(collectEvery).
		WithShutdownTimeout(treeShutdown)
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	appender, stop, reader, err := tessera.NewAppender(run, driver, opts)
	if err != nil {
		cancel()
		return nil, fault.Wrap(fault.Unavailable, "", "Merkle log cannot be opened", err)
	}
	return &tree{dir: path, origin: signer.Name(), add: appender.Add, stop: stop, cancel: cancel, reader: reader}, nil
}

// errDiverged: the tree took an entry at another place than its line has.
var errDiverged = errors.New("the Merkle log and the lines have different numbers")

// take integrates entries that begin at from, and returns when they are in the
// tree. After errDiverged nothing may be added any more.
func (t *tree) take(ctx context.Context, from uint64, entries []hash) error {
	futures := make([]tessera.IndexFuture, len(entries))
	for i := range entries {
		futures[i] = t.add(ctx, tessera.NewEntry(entries[i][:]))
	}
	var failed error
	good := 0
	for i, future := range futures {
		index, err := future()
		switch {
		case err != nil:
			failed = err
		case index.Index != from+uint64(i):
			return errDiverged
		default:
			good++
		}
	}
	if failed == nil {
		return nil
	}
	size, err := t.reader.IntegratedSize(ctx)
	if err != nil || good > 0 || size != from {
		return errors.Join(errDiverged, failed, err)
	}
	return failed // nothing went in: the same entries may be tried again
}

// size tells how many entries are integrated.
func (t *tree) size(ctx context.Context) (uint64, error) {
	n, err := t.reader.IntegratedSize(ctx)
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, "", "Merkle log cannot be read", err)
	}
	return n, nil
}

// published tells how many entries the signed checkpoint covers.
func (t *tree) published(ctx context.Context) (uint64, error) {
	raw, err := t.reader.ReadCheckpoint(ctx)
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, "", "checkpoint cannot be read", err)
	}
	cp, err := parseCheckpoint(raw)
	if err != nil {
		return 0, err
	}
	return cp.Size, nil
}

// entries reads back the bundle that holds entry n in a tree of that size.
func (t *tree) entries(ctx context.Context, n, size uint64) ([][]byte, error) {
	bundle, err := client.GetEntryBundle(ctx, t.reader.ReadEntryBundle, n/bundleEntries, size)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", fmt.Sprintf("entry %d of the Merkle log cannot be read", n), err)
	}
	return bundle.Entries, nil
}

// close waits until a checkpoint covers everything taken, then stops.
func (t *tree) close(ctx context.Context) error {
	defer t.cancel()
	if err := t.stop(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, "", "last checkpoint was not published", err)
	}
	return nil
}
