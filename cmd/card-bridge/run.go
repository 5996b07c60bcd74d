package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/cardbridge/pcsc"
	"github.com/egide-id/egide/internal/cardbridge/pin"
)

type runCmd struct {
	settingsFlags
	TTY bool `help:"Ask for the PIN in this terminal instead of a window." name:"tty"`
}

// Run serves until it is told to stop.
func (c runCmd) Run(a *app) error {
	s, err := c.load()
	if err != nil {
		return err
	}
	if len(s.Providers) == 0 {
		return errors.New("no login page may ask: name one in the configuration, or with --allow-origin ORIGIN=JWKS_URL")
	}
	providers, err := s.providers(a.Clock)
	if err != nil {
		return err
	}
	readers, err := pcsc.Open(a.Clock)
	if err != nil {
		return err
	}
	bridge, err := agent.New(agent.Options{
		Providers: providers, Transport: readers, Prompter: c.prompter(a, s), HTTP: caller(),
		Clock: a.Clock, Log: a.Log, Version: version(), French: a.French,
	})
	if err != nil {
		return err
	}
	l, err := agent.Listen(a.Ctx, s.Ports...)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.Out, "card-bridge listens on 127.0.0.1:%d\n", l.Port); err != nil {
		return errors.Join(err, l.Close())
	}
	return bridge.Serve(a.Ctx, l)
}

func (c runCmd) prompter(a *app, s settings) pin.Prompter {
	if c.TTY {
		return pin.NewTerminal(os.Stdin, a.Out)
	}
	return pin.Pinentry{Program: s.Pinentry}
}
