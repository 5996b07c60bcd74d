package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/egide-id/egide/internal/trust/audit"
)

// auditCmd looks after the traces.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Verify a trace folder, best a copy of it: exit 0 if nothing is wrong, 1 if something is, 2 if it cannot be verified."`
}

// auditVerifyCmd needs nothing but the files: no provider, no network.
type auditVerifyCmd struct {
	Dir        string `arg:"" help:"Trace folder of one node." type:"existingdir"`
	Checkpoint string `help:"Checkpoint that left the machine earlier. Only against one does a log cut back or written anew show." type:"existingfile" placeholder:"FILE"`
	Key        string `help:"Public key of the log, kept elsewhere (default: verifier.pub in the folder)." type:"existingfile" placeholder:"FILE"`
	JSON       bool   `name:"json" help:"Print the report as JSON."`
}

// Run verifies and reports.
func (c auditVerifyCmd) Run(a *app) error {
	r, err := audit.Verification{Dir: c.Dir, Checkpoint: c.Checkpoint, Key: c.Key}.Run(a.Ctx)
	if err != nil {
		return exit{code: 2, error: err}
	}
	write := writeReport
	if c.JSON {
		write = writeReportJSON
	}
	if err := write(a.Out, r); err != nil {
		return exit{code: 2, error: err}
	}
	if !r.OK() {
		return exit{code: 1, error: errReported}
	}
	return nil
}

// exit is a failure with an exit code of its own (kong.ExitCoder).
type exit struct {
	error
	code int
}

// ExitCode implements kong.ExitCoder.
func (e exit) ExitCode() int { return e.code }

// Unwrap gives the failure.
func (e exit) Unwrap() error { return e.error }

func writeReportJSON(w io.Writer, r audit.Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		OK bool `json:"ok"`
		audit.Report
	}{r.OK(), r})
}

func writeReport(w io.Writer, r audit.Report) error {
	p := &printer{w: w}
	p.line("log        %s", r.Origin)
	p.line("checkpoint %d records, root %s", r.Size, r.Root)
	if r.Earlier != nil {
		p.line("earlier    checkpoint over %d records", *r.Earlier)
	}
	p.line("verified   %d records", r.Verified)
	if r.Purged > 0 {
		p.line("purged     %d records, by rule: the event that says so is proven", r.Purged)
	}
	if r.Pending > 0 {
		p.line("pending    %d records younger than the checkpoint", r.Pending)
	}
	if r.Torn > 0 {
		p.line("torn       %d bytes after the last record: the provider sets them aside at its next start", r.Torn)
	}
	for _, f := range r.Findings {
		p.line("FAULT      %s", f)
	}
	if r.OK() {
		p.line("nothing is wrong")
	} else {
		p.line("%d faults", len(r.Findings))
	}
	return p.err
}

// printer remembers the first failure, so that every line need not ask.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
