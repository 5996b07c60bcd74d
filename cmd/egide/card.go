package main

import (
	"fmt"
	"os/user"
	"strings"
	"text/tabwriter"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/provider"
)

// cardCmd acts on cards through the running provider.
type cardCmd struct {
	Oppose    cardOpposeCmd    `cmd:"" help:"Put a card in opposition: it opens nothing more."`
	Reinstate cardReinstateCmd `cmd:"" help:"Lift an opposition, when the card was found again."`
	List      cardListCmd      `cmd:"" help:"List the cards of a holder, or those in opposition."`
}

// runningFlags find the provider that runs on this machine.
type runningFlags struct {
	configFlags
	Data string `help:"Data folder of the running provider, when there is no configuration file (egide demo --data)." type:"path"`
}

func (f runningFlags) admin() (*provider.Admin, error) {
	if f.Data != "" {
		return provider.NewAdmin(provider.Config{DataDir: f.Data}), nil
	}
	c, err := f.load()
	if err != nil {
		return nil, err
	}
	return provider.NewAdmin(c), nil
}

type cardOpposeCmd struct {
	runningFlags
	Number      string `arg:"" help:"Ten digits, as printed on the card."`
	Reason      string `help:"lost, stolen, departure or other." enum:"lost,stolen,departure,other" required:""`
	EndSessions bool   `help:"End the sessions that the card has opened, too."`
	Operator    string `help:"Who gives the order, for the traces; the login name by default."`
}

// Run opposes.
func (c cardOpposeCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	done, err := admin.OpposeCard(a.Ctx, provider.OpposeRequest{
		Opposition: cards.Opposition{Operator: operator(c.Operator), Number: c.Number, Reason: c.Reason}, EndSessions: c.EndSessions,
	})
	if err != nil {
		return err
	}
	p := &printer{w: a.Out}
	p.line("card %s is in opposition since %s", done.Card.Number, stamp(done.Card.Opposed))
	if done.Card.Holder == "" {
		p.line("it has never logged in here: check the number")
	}
	if c.EndSessions {
		p.line("%d session(s) of it ended", done.Ended)
	}
	return p.err
}

type cardReinstateCmd struct {
	runningFlags
	Number   string `arg:"" help:"Ten digits, as printed on the card."`
	Operator string `help:"Who gives the order, for the traces; the login name by default."`
}

// Run reinstates.
func (c cardReinstateCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	known, err := admin.ReinstateCard(a.Ctx, operator(c.Operator), c.Number)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "card %s is no longer in opposition\n", known.Number)
	return err
}

type cardListCmd struct {
	runningFlags
	Holder string `arg:"" optional:"" help:"National identifier, 8 + RPPS; without it, the cards in opposition."`
}

// Run lists.
func (c cardListCmd) Run(a *app) error {
	var holder rpps.NationalID
	if c.Holder != "" {
		var err error
		if holder, err = rpps.ParseNationalID(c.Holder); err != nil {
			return err
		}
	}
	admin, err := c.admin()
	if err != nil {
		return err
	}
	list, err := admin.Cards(a.Ctx, holder)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	p := &printer{w: t}
	p.line("NUMBER\tHOLDER\tKIND\tENDS\tFIRST SEEN\tOPPOSED\tREASON")
	for _, k := range list {
		p.line("%s\t%s\t%s\t%s\t%s\t%s\t%s", k.Number, orDash(k.Holder), orDash(k.Kind), stamp(k.Ends), stamp(k.FirstSeen), stamp(k.Opposed), orDash(k.Reason))
	}
	if p.err != nil {
		return p.err
	}
	return t.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// operator names who runs the command, when he does not say so.
func operator(named string) string {
	if named = strings.TrimSpace(named); named != "" {
		return named
	}
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}
