package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/mattn/go-isatty"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// directoryCmd groups what an operator does with the register.
type directoryCmd struct {
	Import   directoryImportCmd   `cmd:"" help:"Import files of the Annuaire Santé, FINESS or identifiers into the register."`
	Generate directoryGenerateCmd `cmd:"" help:"Write invented files in the same formats."`
	Show     directoryShowCmd     `cmd:"" help:"Print a professional as the provider sees him."`
}

type directoryImportCmd struct {
	Files   []string `arg:"" type:"existingfile" help:"Files to import, in any order; their formats are recognised."`
	Dir     string   `help:"Register directory (register_dir of the configuration)." default:"var/register" env:"EGIDE_REGISTER_DIR" type:"path"`
	Traces  string   `help:"Folder where this command records what it judged; no node may use it." default:"var/traces/register-import" type:"path"`
	Accept  bool     `help:"Override the guard rails after having read why they stopped the import."`
	JSON    bool     `help:"Print the report as JSON."`
	MinRows int      `help:"Refuse an extract with fewer rows." default:"1"`
}

// Run imports and prints the report, refused imports included. What was judged
// is recorded before it takes effect (PG-02).
func (c *directoryImportCmd) Run(a *app) (err error) {
	traces, err := audit.Open(a.Ctx, audit.Options{Dir: c.Traces, Clock: a.Clock, Rand: a.Rand, Log: a.Log, Node: "register-import", Version: version()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, traces.Close(context.WithoutCancel(a.Ctx))) }()
	record := func(ctx context.Context, r directory.Report) error { return recordImport(ctx, traces, r) }
	report, err := directory.Import(a.Ctx, directory.ImportOptions{
		Dir: c.Dir, Files: c.Files, Accept: c.Accept, MinRows: c.MinRows,
		Progress: terminal(a.Err), Clock: a.Clock, Log: a.Log, BeforePublish: record,
	})
	if fault.Is(err, fault.Denied) {
		err = errors.Join(err, record(a.Ctx, report))
	}
	if len(report.Files) == 0 {
		return err
	}
	return errors.Join(err, printReport(a.Out, report, c.JSON))
}

// recordImport records the judgement on each file.
func recordImport(ctx context.Context, traces audit.Recorder, r directory.Report) error {
	for _, f := range r.Files {
		e := audit.RegisterImported{
			Source: f.Kind, Fingerprint: f.SHA256, Rows: count(f.Rows), Rejected: count(f.BadLines),
			Accepted: len(r.Refusals) == 0 || r.Accepted, Overridden: len(r.Refusals) > 0 && r.Accepted,
		}
		if len(r.Refusals) > 0 {
			e.Reason = r.Refusals[0].Rule
		}
		for _, change := range r.Changes {
			if slices.Contains(f.Sources, change.Source) {
				e.Persons += count(change.Created + change.Updated + change.Unchanged)
				e.Added += count(change.Created)
				e.Changed += count(change.Updated)
				e.Closed += count(change.Closed)
			}
		}
		if err := traces.Record(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func count(n int) uint64 { return uint64(max(0, n)) }

func printReport(w io.Writer, r directory.Report, asJSON bool) error {
	if asJSON {
		return printJSON(w, r)
	}
	_, err := io.WriteString(w, r.Text())
	return err
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// terminal gives w when it is one: a progress bar in a log file helps nobody.
func terminal(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		return f
	}
	return nil
}

type directoryGenerateCmd struct {
	Rows int      `help:"Activity rows of the first day." default:"1000"`
	Seed uint64   `help:"The same seed gives the same files." default:"1"`
	Out  string   `help:"Folder to write into." required:"" type:"path"`
	Only []string `help:"Write only these parts: public, restricted, savoir-faire, identifiers, finess, day2, disaster."`
}

// Run writes the files.
func (c *directoryGenerateCmd) Run(a *app) error {
	return directory.Generate(a.Ctx, directory.GenerateOptions{Dir: c.Out, Rows: c.Rows, Seed: c.Seed, Only: c.Only})
}

type directoryShowCmd struct {
	ID   string `arg:"" help:"Any known identifier; an 11-digit RPPS number is completed with its 8."`
	Dir  string `help:"Register directory." default:"var/register" env:"EGIDE_REGISTER_DIR" type:"path"`
	JSON bool   `help:"Print as JSON."`
}

// Run prints the person, or says that nobody has that identifier.
func (c *directoryShowCmd) Run(a *app) (err error) {
	const rppsDigits = 11
	id := c.ID
	if len(id) == rppsDigits && rpps.Luhn(id) {
		id = "8" + id
	}
	parsed, err := rpps.ParseNationalID(id)
	if err != nil {
		return err
	}
	register, err := directory.Open(a.Ctx, directory.Options{Dir: c.Dir, Clock: a.Clock, Log: a.Log})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := register.Close(); err == nil {
			err = closeErr
		}
	}()
	person, err := register.Lookup(a.Ctx, parsed)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.Out, person)
	}
	_, err = io.WriteString(a.Out, directory.Describe(person))
	return err
}
