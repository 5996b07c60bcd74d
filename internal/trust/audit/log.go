package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/filelock"
)

// Options of Open. Dir and Node are required.
type Options struct {
	Dir     string // a folder of this node alone
	Clock   clock.Clock
	Rand    io.Reader
	Log     *slog.Logger
	Node    string // name of this node, in every record
	Version string // of the software, in every record (PG-61)

	// ReserveBytes is the space kept for real acts; 64 MiB if zero, none if negative.
	ReserveBytes int64
	// Retention is how long whole days are kept (PG-66); for ever if zero.
	Retention time.Duration
	// Checkpoint is the pace at which heads are signed (PG-63); each second if
	// zero, at least 100 ms. Close waits for one.
	Checkpoint time.Duration

	open func(path string) (file, error) // tests put a failing disk here
}

const defaultReserve = 64 << 20

var nodeName = regexp.MustCompile(`^[A-Za-z0-9.-]{1,63}$`)

func (o Options) withDefaults() (Options, error) {
	if !nodeName.MatchString(o.Node) {
		return o, fault.New(fault.Invalid, "", "node name must be 1 to 63 letters, digits, dots or dashes")
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = defaultReserve
	}
	if o.open == nil {
		o.open = openFile
	}
	if o.Checkpoint == 0 {
		o.Checkpoint = publishEvery
	}
	return o, nil
}

// Log is the Recorder of a node.
type Log struct {
	o        Options
	lock     *filelock.Lock
	salted   salted
	writer   *writer
	tree     *tree
	feeder   *feeder
	failures *counter
	purging  sync.Mutex
	hurry    atomic.Bool // a purge waits for the tree

	gate   sync.RWMutex // held while a record enters the queue, and by Close
	closed bool
	ended  sync.Once
	halt   chan struct{}
	tasks  sync.WaitGroup
	writes sync.WaitGroup
}

var _ Recorder = (*Log)(nil)

// Open takes the folder, repairs a torn tail, brings the tree up to the lines
// and is then ready to record. fault.Conflict if another process has the folder.
func Open(ctx context.Context, o Options) (*Log, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, linesDir), 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "trace folder cannot be made", err)
	}
	lock, err := filelock.Try(filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	l := &Log{
		o: o, lock: lock, salted: newSalted(o.Rand, o.Node, o.Version),
		failures: newCounter(o.Clock.Now()), halt: make(chan struct{}),
	}
	if err := l.start(ctx); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return l, nil
}

// start is all of Open that happens under the lock.
func (l *Log) start(ctx context.Context) error {
	o := l.o
	signer, err := openKey(o.Dir, o.Node, o.Rand)
	if err != nil {
		return err
	}
	if l.tree, err = openTree(ctx, o.Dir, signer, o.Checkpoint, o.Log); err != nil {
		return err
	}
	found, err := recovered(ctx, o.Dir, l.tree)
	if err != nil {
		l.tree.cancel()
		return err
	}
	reserve, err := newReserve(o.Dir, o.ReserveBytes)
	if err != nil {
		o.Log.WarnContext(ctx, "no space could be reserved for traces", slog.String("error", err.Error()))
	}
	l.writer = &writer{
		dir: o.Dir, node: o.Node, clock: o.Clock, log: o.Log, open: o.open, reserve: reserve,
		queue: make(chan *pending, maxGroup), segs: found.segs,
	}
	if err := l.integrate(ctx); err != nil {
		l.tree.cancel()
		return err
	}
	l.writes.Go(l.writer.run)
	l.tasks.Go(func() { l.feeder.run(l.halt) })
	l.tasks.Go(l.keepHouse)
	return l.tellRepair(ctx, found.torn)
}

// integrate brings the tree up to the lines before anybody is served.
func (l *Log) integrate(ctx context.Context) error {
	size, err := l.tree.size(ctx)
	if err != nil {
		return err
	}
	l.feeder = &feeder{
		dir: l.o.Dir, tree: l.tree, log: l.o.Log, next: size,
		segments: l.writer.segments, wait: func() bool { return l.writer.reserve.used() && !l.hurry.Load() },
	}
	return l.feeder.drain(ctx)
}

func (l *Log) tellRepair(ctx context.Context, torn *TailRepaired) error {
	if torn == nil {
		return nil
	}
	l.o.Log.WarnContext(ctx, "torn tail of the traces repaired",
		slog.String("file", torn.File), slog.Int64("bytes", torn.Bytes), slog.String("kept", torn.Kept))
	if err := l.Record(ctx, *torn); err != nil {
		return errors.Join(err, l.Close(ctx))
	}
	return nil
}

// Record implements Recorder: it returns when the record survives a crash.
//
// A caller who goes away does not stop a record: an act may have happened
// already, and the disk answers in a millisecond. If the disk does not answer
// for seconds, new callers are refused at once.
func (l *Log) Record(ctx context.Context, e Event) error {
	_, err := l.record(ctx, e)
	return err
}

// record tells under which number.
func (l *Log) record(ctx context.Context, e Event) (uint64, error) {
	p, _ := pendings.Get().(*pending)
	if err := l.salted.encode(ctx, &p.rest, p.enc, e); err != nil {
		pendings.Put(p)
		return 0, err
	}
	if err := l.enqueue(p); err != nil {
		pendings.Put(p)
		return 0, err
	}
	err := <-p.done
	n := p.n
	pendings.Put(p)
	return n, err
}

func (l *Log) enqueue(p *pending) error {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed {
		return fault.New(fault.Unavailable, "", "traces are closed")
	}
	if err := l.writer.refusal(); err != nil {
		return err
	}
	if l.writer.stalled() {
		return fault.New(fault.Unavailable, "", "the disk of the traces does not answer")
	}
	l.writer.queue <- p
	return nil
}

// Healthy tells why no record can be taken, nil if it can.
func (l *Log) Healthy() error {
	if l.writer.stalled() {
		return fault.New(fault.Unavailable, "", "the disk of the traces does not answer")
	}
	return l.writer.refusal()
}

// Recorded tells how many records are durable, Integrated how many of them a
// signed checkpoint covers.
func (l *Log) Recorded() uint64 {
	segs := l.writer.segments()
	if len(segs) == 0 {
		return 0
	}
	return segs[len(segs)-1].next
}

// Integrated is the number of records under a signed checkpoint.
func (l *Log) Integrated(ctx context.Context) (uint64, error) { return l.tree.published(ctx) }

// Close records what was counted, refuses what comes later, writes what waits,
// integrates it, waits for the checkpoint over it and gives the folder back.
func (l *Log) Close(ctx context.Context) (err error) {
	l.ended.Do(func() { err = l.end(ctx) })
	return err
}

func (l *Log) end(ctx context.Context) error {
	l.tellReserve(ctx)
	summary := l.summarise(ctx, l.writer.reserve.used())
	l.gate.Lock()
	l.closed = true
	close(l.writer.queue)
	l.gate.Unlock()
	l.writes.Wait()
	close(l.halt)
	l.tasks.Wait()
	drained := l.feeder.drain(ctx)
	l.feeder.leave()
	return errors.Join(summary, drained, l.tree.close(ctx), l.lock.Release())
}
