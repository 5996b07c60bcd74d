package directory

import (
	"context"
	"errors"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/egide-id/egide/internal/platform/fault"
)

// chunkSize is how much text one worker gets at a time; longestLine bounds
// what a file without line ends can make us hold.
const (
	chunkSize   = 1 << 20
	longestLine = 4 << 20
)

// chunk is a stretch of whole lines on its way through a worker.
type chunk struct {
	raw  []byte
	last bool
	done chan *batch
}

// readLines reads the rest of the file: one goroutine cuts it into stretches
// of whole lines, workers parse them, and this one takes the results in file
// order, so that line numbers and the order of rows are those of the file.
func (r *reading) readLines(ctx context.Context) error {
	workers := max(1, runtime.GOMAXPROCS(0))
	group, ctx := errgroup.WithContext(ctx)
	ordered := make(chan *chunk, 2*workers)
	work := make(chan *chunk, 2*workers)
	free := make(chan *batch, 4*workers)
	group.Go(func() error {
		defer close(ordered)
		defer close(work)
		return cutLines(ctx, r.in, func(c *chunk) error {
			for _, to := range []chan *chunk{work, ordered} {
				select {
				case to <- c:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range workers {
		parser := r.parser()
		group.Go(func() error {
			for c := range work {
				b := recycled(free)
				parseText(parser, decodeText(c.raw, r.layout.latin1), c.last, b)
				c.done <- b
			}
			return nil
		})
	}
	group.Go(func() error { return r.takeAll(ctx, ordered, free) })
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return fault.Wrap(fault.Unavailable, "", "the import was interrupted", err)
	}
	return err
}

func (r *reading) takeAll(ctx context.Context, ordered <-chan *chunk, free chan<- *batch) error {
	for c := range ordered {
		select {
		case b := <-c.done:
			if err := r.take(b); err != nil {
				return err
			}
			select {
			case free <- b:
			default:
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func recycled(free <-chan *batch) *batch {
	select {
	case b := <-free:
		return b
	default:
		return &batch{}
	}
}

// cutLines cuts a stream into stretches of whole lines.
func cutLines(ctx context.Context, in io.Reader, emit func(*chunk) error) error {
	var carry []byte
	for {
		buf := make([]byte, len(carry), chunkSize+len(carry))
		copy(buf, carry)
		n, err := io.ReadFull(in, buf[len(carry):cap(buf)])
		buf = buf[:len(carry)+n]
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return fault.Wrap(fault.Invalid, "", "the file cannot be read to its end", err)
		}
		cut := len(buf)
		if !last {
			cut = lastLineEnd(buf)
		}
		carry = buf[cut:]
		if len(carry) > longestLine {
			return fault.New(fault.Invalid, "", "the file holds a line of more than four megabytes")
		}
		if cut > 0 {
			if err := emit(&chunk{raw: buf[:cut], last: last, done: make(chan *batch, 1)}); err != nil {
				return err
			}
		}
		if last || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func lastLineEnd(b []byte) int {
	for i := len(b); i > 0; i-- {
		if b[i-1] == '\n' {
			return i
		}
	}
	return 0
}

func (r *reading) parser() lineParser {
	switch r.layout.kind {
	case kindIdentifiers:
		return &identifierParser{}
	case kindFlatFINESS:
		return &flatParser{}
	}
	return newExtractParser(&r.layout)
}
