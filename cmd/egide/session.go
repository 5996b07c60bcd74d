package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/oidc/notice"
	"github.com/egide-id/egide/internal/provider"
)

// sessionCmd acts on the sessions of a holder through the running provider.
type sessionCmd struct {
	List sessionListCmd `cmd:"" help:"List what a holder has open. The looking leaves a trace."`
	End  sessionEndCmd  `cmd:"" help:"End everything a holder has open, on every node, within a second; his services are told."`

	Notices sessionNoticesCmd `cmd:"" help:"List what services are still to be told of ended sessions, or could not be."`
}

type sessionListCmd struct {
	runningFlags
	ID       string `arg:"" help:"National identifier, 8 + RPPS."`
	Operator string `help:"Who looks, for the traces; the login name by default."`
}

// Run lists.
func (c sessionListCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	id, err := rpps.ParseNationalID(c.ID)
	if err != nil {
		return err
	}
	list, err := admin.Sessions(a.Ctx, operator(c.Operator), id)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	t := &printer{w: w}
	t.line("SESSION\tMEANS\tBEGAN\tLAST USE\tENDS\tSERVICES")
	for _, s := range list {
		t.line("%s\t%s\t%s\t%s\t%s\t%s", s.SID, s.Means, stamp(s.Began), stamp(s.Seen), stamp(s.Ends), strings.Join(s.Services, ", "))
	}
	if t.err != nil {
		return t.err
	}
	return w.Flush()
}

type sessionEndCmd struct {
	runningFlags
	ID       string `arg:"" help:"National identifier, 8 + RPPS."`
	Case     string `required:"" help:"Reference of the case, for the traces."`
	Operator string `help:"Who gives the order; the login name by default."`
}

// Run ends.
func (c sessionEndCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	id, err := rpps.ParseNationalID(c.ID)
	if err != nil {
		return err
	}
	n, err := admin.EndSessions(a.Ctx, provider.SessionsOrder{Operator: operator(c.Operator), Holder: id, Reason: c.Case})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%d session(s) of %s ended, and every token of theirs\n", n, id)
	return err
}

type sessionNoticesCmd struct {
	runningFlags
	Dead  bool   `help:"Those that were given up: refused, or older than a day."`
	Again string `help:"Give this one another day." placeholder:"ID"`
}

// Run lists, or tries again.
func (c sessionNoticesCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	if c.Again != "" {
		return admin.NoticeAgain(a.Ctx, c.Again)
	}
	state := notice.Waiting
	if c.Dead {
		state = notice.Dead
	}
	list, err := admin.Notices(a.Ctx, state)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	t := &printer{w: w}
	t.line("NOTICE\tCLIENT\tTRIES\tLAST ANSWER\tSINCE\tNEXT TRY")
	for _, n := range list {
		t.line("%s\t%s\t%d\t%s\t%s\t%s", n.ID, n.Client, n.Attempts, n.Answer, stamp(n.Created), stamp(n.Next))
	}
	if t.err != nil {
		return t.err
	}
	return w.Flush()
}
