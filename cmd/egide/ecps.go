package main

import (
	"fmt"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/provider"
)

type ecpsCmd struct {
	Invite ecpsInviteCmd `cmd:"" help:"Make an invitation for one phone. Sandbox only."`
}

type ecpsInviteCmd struct {
	configFlags
	Data string `help:"Data folder of the running provider, when there is no configuration file (egide demo --data)." type:"path"`
	ID   string `arg:"" help:"National identifier, 8 + RPPS."`
}

// Run asks the running server through its admin socket.
func (i ecpsInviteCmd) Run(a *app) error {
	c := provider.Config{DataDir: i.Data}
	if i.Data == "" {
		var err error
		if c, err = i.load(); err != nil {
			return err
		}
	}
	id, err := rpps.ParseNationalID(i.ID)
	if err != nil {
		return err
	}
	invitation, err := provider.NewAdmin(c).Invite(a.Ctx, id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.Out, invitation.URL)
	return err
}
