package main

import (
	"fmt"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/provider"
)

// healthCmd asks the node that runs with a configuration how it is: for the health
// check of a container, which has no other program, and for people.
type healthCmd struct {
	configFlags
}

// Run fails when the node does not run or should not be sent people.
func (h healthCmd) Run(a *app) error {
	c, err := h.load()
	if err != nil {
		return err
	}
	ready, err := provider.NewAdmin(c).Ready(a.Ctx)
	if err != nil {
		return err
	}
	if !ready.Ready {
		return fault.New(fault.Unavailable, "", "not ready: "+strings.Join(ready.Missing, ", "))
	}
	_, err = fmt.Fprintln(a.Out, "ready")
	return err
}
