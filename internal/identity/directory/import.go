package directory

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db/indexfile"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/filelock"
)

// ImportOptions say what to import and how.
type ImportOptions struct {
	Dir     string   // register directory
	Files   []string // in any order, of any of the known formats
	Accept  bool     // a human looked at the refusals and overrides them
	MinRows int      // fewer rows in an extract stop the import; 1 when zero
	// Progress receives a progress bar when not nil: give it a terminal.
	Progress io.Writer
	Clock    clock.Clock
	Log      *slog.Logger
	// BeforePublish is asked last, when all is ready and nothing has changed
	// yet: an error leaves the old register in service. Traces go here.
	BeforePublish func(context.Context, Report) error
}

// Names inside a register directory.
const (
	registerName = "register.idx"
	stagingName  = "staging"
	lockName     = "import.lock"
	builtName    = "next.idx"
)

// Import reads files into a staging area, joins them with the register in
// service, and puts the result in its place in one step. Whatever goes wrong,
// the old register stays in service; an import that dies is taken up again by
// the next one of the same files, under the same lock (rpps-import.md 6).
//
// A guard rail that stops it gives fault.Denied and a report that says why;
// a file that cannot be read as what it claims to be gives fault.Invalid.
func Import(ctx context.Context, o ImportOptions) (report Report, err error) {
	if len(o.Files) == 0 {
		return Report{}, fault.New(fault.Invalid, "", "no file to import")
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, stagingName), 0o700); err != nil {
		return Report{}, fault.Wrap(fault.Unavailable, "", "the register directory cannot be made", err)
	}
	lock, err := filelock.Try(filepath.Join(o.Dir, lockName)) // dies with the process
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	i := &importing{o: o, staging: filepath.Join(o.Dir, stagingName), started: o.Clock.Now()}
	i.report = Report{At: i.started, Accepted: o.Accept, Refusals: []Refusal{}}
	err = i.run(ctx)
	i.report.Elapsed = o.Clock.Now().Sub(i.started)
	return i.report, err
}

// importing is one import under way.
type importing struct {
	o       ImportOptions
	staging string
	started time.Time
	files   []staged
	old     *indexfile.File // nil before the first
	before  Info
	after   Info
	report  Report
}

func (i *importing) run(ctx context.Context) (err error) {
	if err := i.openOld(ctx); err != nil {
		return err
	}
	if i.old != nil {
		defer func() { err = errors.Join(err, i.old.Close()) }()
	}
	if err := i.stage(ctx); err != nil {
		return err
	}
	i.foresee()
	i.checkFiles()
	if i.stopped() { // before the long part
		return i.refuse(ctx)
	}
	m := i.merger()
	if !i.report.UpToDate {
		if m.out, err = indexfile.Create(filepath.Join(i.staging, builtName)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.out.Discard()) }()
	}
	if err := i.merge(ctx, m); err != nil {
		return err
	}
	i.checkChanges(m)
	switch {
	case i.stopped():
		return i.refuse(ctx)
	case m.out != nil:
		if err := i.publish(ctx, m.out); err != nil {
			return err
		}
	}
	return i.clean()
}

// openOld opens the register in service.
func (i *importing) openOld(ctx context.Context) error {
	i.before = Info{Sources: map[string]SourceState{}}
	f, err := indexfile.Open(filepath.Join(i.o.Dir, registerName), 1)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := readInfo(ctx, f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	i.old, i.before = f, info
	return nil
}

// stage reads the files, or takes over what an import that died had read.
func (i *importing) stage(ctx context.Context) error {
	p := &progress{out: i.o.Progress, clock: i.o.Clock}
	defer p.end()
	manifest := openManifest(i.staging)
	if err := manifest.keep(i.o.Files); err != nil {
		return err
	}
	for _, path := range i.o.Files {
		if info, err := os.Stat(path); err == nil {
			p.total += info.Size()
		}
	}
	for _, path := range i.o.Files {
		p.say("lecture de " + filepath.Base(path))
		s, ok := manifest.find(path)
		if ok {
			i.report.Resumed++
		} else {
			var err error
			if s, err = stageFile(ctx, path, i.staging, manifest.next(), p); err != nil {
				return err
			}
			if err := manifest.add(s); err != nil {
				return err
			}
		}
		s.Report.Sources = nil
		for _, src := range sourcesOf(kind(s.Report.Kind), s.Runs) {
			s.Report.Sources = append(s.Report.Sources, src.String())
		}
		i.files = append(i.files, s)
		i.report.Files = append(i.report.Files, s.Report)
		i.o.Log.InfoContext(ctx, "register file read", slog.String("file", s.Report.Name), slog.String("kind", s.Report.Kind),
			slog.Int("rows", s.Report.Rows), slog.Int("bad_lines", s.Report.BadLines), slog.String("encoding", s.Report.Encoding))
	}
	p.say("comparaison avec le répertoire en service")
	return nil
}

func (i *importing) merge(ctx context.Context, m *merger) (err error) {
	for s := range sourceCount {
		var runs []run
		for f := range i.files {
			runs = append(runs, i.files[f].Runs[s]...)
		}
		state, given := i.after.Sources[s.String()]
		if len(runs) == 0 && !i.gave(s) {
			continue
		}
		last, known := i.before.Sources[s.String()]
		merged, err := mergeRuns(i.staging, runs)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, merged.close()) }()
		m.streams = append(m.streams, &stream{source: s, runs: merged, known: known, again: given && last.SHA256 == state.SHA256})
	}
	if err := m.run(ctx); err != nil {
		return err
	}
	i.after.Persons, i.after.Closed, i.after.Entities = m.persons, m.closed, m.entities
	if m.out == nil {
		i.after.Aliases = i.before.Aliases
		return nil
	}
	i.after.Aliases, i.report.Ambiguous, err = m.writeAliases(i.staging)
	return err
}

// publish puts the new register in service.
func (i *importing) publish(ctx context.Context, out *indexfile.Builder) error {
	if err := writeInfo(out, i.after); err != nil {
		return err
	}
	if i.o.BeforePublish != nil {
		if err := i.o.BeforePublish(ctx, i.report); err != nil {
			return fault.Wrap(fault.Unavailable, "", "the import could not be recorded; the old register stays in service", err)
		}
	}
	if err := out.Publish(filepath.Join(i.o.Dir, registerName)); err != nil {
		return err
	}
	i.report.Published = true
	i.o.Log.InfoContext(ctx, "register published", slog.Int("persons", i.after.Persons), slog.Int("closed", i.after.Closed),
		slog.Bool("accepted", i.o.Accept), slog.String("fingerprint", i.report.Fingerprint))
	return nil
}

// clean empties the staging area: only a finished import does.
func (i *importing) clean() error {
	if err := os.RemoveAll(i.staging); err != nil {
		return fault.Wrap(fault.Unavailable, "", "the staging area cannot be emptied", err)
	}
	return nil
}
