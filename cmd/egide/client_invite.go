package main

import (
	"strings"
	"text/tabwriter"
	"time"

	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/provider"
)

type clientInviteCmd struct {
	clientOrder
	Owner    string        `required:"" help:"Legal person that may register services."`
	Purpose  string        `required:"" help:"What the services do with the identity; persons read it."`
	Scope    []string      `required:"" help:"Scopes that they may ask for."`
	Uses     int64         `help:"How many services may register with it." default:"1"`
	Lifetime time.Duration `help:"How long it is good." default:"168h"`
	Trusted  bool          `help:"Services of the sector: persons are not asked for their consent."`
}

// Run gives the right and shows its token once.
func (c clientInviteCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	t, err := admin.InviteClient(a.Ctx, provider.GrantOrder{Act: c.act(), Grant: desk.Grant{
		Owner: c.Owner, Purpose: c.Purpose, Scopes: c.Scope, Trusted: c.Trusted, Uses: c.Uses, Lifetime: c.Lifetime,
	}})
	if err != nil {
		return err
	}
	p := &printer{w: a.Out}
	p.line("right %s for %s: %d registrations until %s", t.ID, t.Owner, t.UsesLeft, stamp(t.ExpiresAt))
	p.line("initial_access_token: %s", t.Token)
	p.line("It is shown this once: only its hash is kept.")
	return p.err
}

type clientInvitesCmd struct{ runningFlags }

// Run lists.
func (c clientInvitesCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	all, err := admin.ClientInvitations(a.Ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	p := &printer{w: w}
	p.line("RIGHT\tOWNER\tSCOPES\tLEFT\tEXPIRES\tTAKEN BACK\tGIVEN BY")
	for _, t := range all {
		back := "-"
		if t.RevokedAt != nil {
			back = stamp(*t.RevokedAt)
		}
		p.line("%s\t%s\t%s\t%d\t%s\t%s\t%s", t.ID, t.Owner, strings.Join(t.Scopes, " "), t.UsesLeft, stamp(t.ExpiresAt), back, t.MadeBy)
	}
	if p.err != nil {
		return p.err
	}
	return w.Flush()
}

type clientUninviteCmd struct {
	clientOrder
	ID string `arg:"" help:"The right, as invitations names it."`
}

// Run takes it back.
func (c clientUninviteCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	t, err := admin.UninviteClient(a.Ctx, provider.ClientOrder{Act: c.act(), ID: c.ID})
	if err != nil {
		return err
	}
	p := &printer{w: a.Out}
	p.line("right %s of %s is taken back; what was registered with it stays", t.ID, t.Owner)
	return p.err
}
