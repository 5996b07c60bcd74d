package main

import (
	"fmt"

	"github.com/egide-id/egide/internal/identity/rpps"
)

type ecpsCmd struct {
	Invite ecpsInviteCmd `cmd:"" help:"Make an invitation for one phone. Sandbox only."`
}

type ecpsInviteCmd struct {
	runningFlags
	ID string `arg:"" help:"National identifier, 8 + RPPS."`
}

// Run asks the running server through its admin socket.
func (i ecpsInviteCmd) Run(a *app) error {
	admin, err := i.admin()
	if err != nil {
		return err
	}
	id, err := rpps.ParseNationalID(i.ID)
	if err != nil {
		return err
	}
	invitation, err := admin.Invite(a.Ctx, id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.Out, invitation.URL)
	return err
}
