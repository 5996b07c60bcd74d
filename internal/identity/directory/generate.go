package directory

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/egide-id/egide/internal/platform/fault"
)

// GenerateOptions say what to invent.
type GenerateOptions struct {
	Dir  string
	Rows int // activity rows of the first day's public extract, exactly
	Seed uint64
	// Only names the files to write (see Parts); empty for all.
	Only []string
}

// Parts are the names Only takes.
func Parts() []string {
	return []string{partPublic, partRestricted, partExpertise, partIdentifiers, partFINESS, partDay2, partDisaster}
}

const (
	partPublic      = "public"
	partRestricted  = "restricted"
	partExpertise   = "savoir-faire"
	partIdentifiers = "identifiers"
	partFINESS      = "finess"
	partDay2        = "day2"
	partDisaster    = "disaster"
)

// Shares of the companion files (rpps-import.md 7), per 100,000 persons.
const (
	ofPersons       = 100_000
	dayTwoUpdates   = 500
	dayTwoCreations = 100
	dayTwoDeletions = 50
	disasterLosses  = 20_000
	rowsPerSite     = 22
	leastSites      = 20
	largestRegister = 8_000_000 // persons that seven digits number, with room for day 2
	personsPerBatch = 2048
)

// generation is one run of the generator.
type generation struct {
	o       GenerateOptions
	invent  inventor
	persons int // of the first day
	cut     int // rows kept of the last one, so that the count is exact
}

// Generate writes an invented register in the formats Import reads: the first
// day's files, the second day's in "jour2" and a damaged one in "desastre".
// The same seed gives the same bytes. Errors: fault.Invalid for options out of
// range.
func Generate(ctx context.Context, o GenerateOptions) error {
	if o.Rows < 1 || o.Rows > largestRegister {
		return fault.New(fault.Invalid, "", "rows must be between 1 and 8000000")
	}
	for _, part := range o.Only {
		if !slices.Contains(Parts(), part) {
			return fault.New(fault.Invalid, "", "unknown part: "+part)
		}
	}
	g := &generation{o: o, invent: inventor{seed: o.Seed, sites: max(leastSites, o.Rows/rowsPerSite), lists: newLists()}}
	g.countPersons()
	for _, e := range g.editions() {
		if err := g.write(ctx, e); err != nil {
			return err
		}
	}
	if g.wants(partFINESS) {
		return g.writeFINESS()
	}
	return nil
}

func (g *generation) wants(part string) bool {
	return len(g.o.Only) == 0 || slices.Contains(g.o.Only, part)
}

// countPersons draws how many persons make the rows asked for. Only the first
// dice of each are thrown: it takes a fraction of writing them.
func (g *generation) countPersons() {
	for rows := 0; rows < g.o.Rows; g.persons++ {
		n := g.invent.draft(g.invent.dice("person", g.persons)).rows()
		if rows+n > g.o.Rows {
			g.cut = g.o.Rows - rows
		}
		rows += n
	}
}

// output is one file being written.
type output struct {
	file *os.File
	buf  *bufio.Writer
}

func newOutput(dir, name string) (*output, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "folder cannot be made", err)
	}
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "file cannot be made", err)
	}
	return &output{file: f, buf: bufio.NewWriterSize(f, 1<<20)}, nil
}

func (o *output) close() error { return errors.Join(o.buf.Flush(), o.file.Close()) }

// write writes the files of one edition: workers format stretches of persons,
// one goroutine puts them down in order.
func (g *generation) write(ctx context.Context, e edited) (err error) {
	outputs := make([]*output, len(e.files))
	for i, f := range e.files {
		if outputs[i], err = newOutput(filepath.Join(g.o.Dir, e.folder), f.name); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, outputs[i].close()) }()
		if _, err := outputs[i].buf.Write(f.header); err != nil {
			return writeFailed(err)
		}
	}
	type stretch struct {
		from int
		done chan [][]byte
	}
	group, ctx := errgroup.WithContext(ctx)
	workers := max(1, runtime.GOMAXPROCS(0))
	work, ordered := make(chan stretch, workers), make(chan stretch, 2*workers)
	group.Go(func() error {
		defer close(work)
		defer close(ordered)
		for from := 0; from < e.persons; from += personsPerBatch {
			s := stretch{from: from, done: make(chan [][]byte, 1)}
			for _, to := range []chan stretch{work, ordered} {
				select {
				case to <- s:
				case <-ctx.Done():
					return fault.Wrap(fault.Unavailable, "", "generation was interrupted", ctx.Err())
				}
			}
		}
		return nil
	})
	for range workers {
		group.Go(func() error {
			for s := range work {
				s.done <- g.format(e, s.from, min(s.from+personsPerBatch, e.persons))
			}
			return nil
		})
	}
	group.Go(func() error {
		for s := range ordered {
			for i, text := range <-s.done {
				if _, err := outputs[i].buf.Write(text); err != nil {
					return writeFailed(err)
				}
			}
		}
		return nil
	})
	return group.Wait()
}
