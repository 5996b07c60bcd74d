package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/provider"
)

// ecpsCmd is what support may do. Nothing here invites a phone, sets a PIN or
// approves a login (S-61, PG-25).
type ecpsCmd struct {
	Why     ecpsWhyCmd     `cmd:"" help:"Which link is broken? By identifier, or by the six letters the holder reads out. The looking leaves a trace."`
	Suspend ecpsSuspendCmd `cmd:"" help:"Ask to stop phones; a second person confirms."`
	Resume  ecpsResumeCmd  `cmd:"" help:"Ask to make stopped phones good again; a second person confirms."`
	Revoke  ecpsRevokeCmd  `cmd:"" help:"Ask to remove phones for good; a second person confirms."`
	Confirm ecpsConfirmCmd `cmd:"" help:"Confirm what another person has asked, within the hour."`
}

type ecpsWhyCmd struct {
	runningFlags
	Who      string `arg:"" help:"National identifier, 8 + RPPS, or a support code of six letters."`
	Operator string `help:"Who looks, for the traces; the login name by default."`
}

// Run prints the chain, the phones and what was sent.
func (c ecpsWhyCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	var id rpps.NationalID
	code := strings.ToUpper(c.Who)
	if !supportCode(code) {
		code = ""
		if id, err = rpps.ParseNationalID(c.Who); err != nil {
			return err
		}
	}
	view, err := admin.LookECPS(a.Ctx, operator(c.Operator), id, code)
	if err != nil {
		return err
	}
	return printECPS(a, view)
}

// supportCode is six letters; no identifier is.
func supportCode(s string) bool {
	return len(s) == 6 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func printECPS(a *app, v provider.ECPSView) error {
	p := &printer{w: a.Out}
	p.line("holder %s, code %s, seen %s", v.Diagnosis.Holder, v.Diagnosis.Code, stamp(v.Diagnosis.At))
	for _, l := range v.Diagnosis.Links {
		word := "ok"
		if !l.OK {
			word = "BROKEN " + l.Code
		}
		if !l.At.IsZero() {
			word += ", " + stamp(l.At)
		}
		p.line("  %-9s %s", l.Name, word)
	}
	p.line("next step: %s, by %s %s", v.Holding.Step.State, v.Holding.Step.Actor, stamp(v.Holding.Step.At))
	if p.err != nil {
		return p.err
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	t := &printer{w: w}
	t.line("PHONE\tLABEL\tSTATE\tWAY\tENDS\tLAST USE\tPUSH")
	for _, d := range v.Holding.Phones {
		t.line("%s\t%s\t%s\t%s\t%s\t%s\t%t", d.ID, d.Label, d.State, d.Way, stamp(d.ExpiresAt), stamp(d.UsedAt), d.Push)
	}
	t.line("SENT\tKIND\tSTATE\tTO\tAT\tTRIES\t")
	for _, s := range v.Sent {
		t.line("%s\t%s\t%s\t%s\t%s\t%d\t", s.Channel, s.Kind, s.State, s.To, stamp(s.At), s.Attempts)
	}
	if t.err != nil {
		return t.err
	}
	return w.Flush()
}

type (
	ecpsSuspendCmd struct{ ecpsOrder }
	ecpsResumeCmd  struct{ ecpsOrder }
	ecpsRevokeCmd  struct{ ecpsOrder }
)

// Run asks.
func (c ecpsSuspendCmd) Run(a *app) error { return c.ask(a, wallet.SupportSuspend) }

// Run asks.
func (c ecpsResumeCmd) Run(a *app) error { return c.ask(a, wallet.SupportResume) }

// Run asks.
func (c ecpsRevokeCmd) Run(a *app) error { return c.ask(a, wallet.SupportRevoke) }

// ecpsOrder is what the three orders share.
type ecpsOrder struct {
	runningFlags
	ID       string `arg:"" help:"National identifier, 8 + RPPS."`
	Device   string `help:"One phone, as ecps why names it; without it, every phone."`
	Case     string `required:"" help:"Reference of the case, for the traces."`
	Operator string `help:"Who asks; the login name by default."`
}

func (c ecpsOrder) ask(a *app, act wallet.SupportAct) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	id, err := rpps.ParseNationalID(c.ID)
	if err != nil {
		return err
	}
	o, err := admin.AskECPS(a.Ctx, wallet.Order{Act: act, Holder: id, Device: c.Device, Reason: c.Case, AskedBy: operator(c.Operator)})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%s of %s waits: another person runs `egide ecps confirm %s` before %s\n", o.Act, o.Holder, o.ID, stamp(o.ExpireAt))
	return err
}

type ecpsConfirmCmd struct {
	runningFlags
	Order    string `arg:"" help:"The six letters that the first person was given."`
	Operator string `help:"Who confirms; the login name by default. Not the person who asked."`
}

// Run confirms.
func (c ecpsConfirmCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	o, err := admin.ConfirmECPS(a.Ctx, operator(c.Operator), strings.ToUpper(c.Order))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "done: %s of %s, asked by %s\n", o.Act, o.Holder, o.AskedBy)
	return err
}
