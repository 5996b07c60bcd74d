package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/egide-id/egide/internal/means/ecps/device"
)

type enrolCmd struct {
	Invitation string `required:"" placeholder:"URL" help:"Invitation as the provider gave it; a bare code needs --server."`
	Server     string `placeholder:"URL" help:"Address of the device API, for an invitation that is a bare code."`
	PINFile    string `name:"pin-file" placeholder:"FILE" help:"File whose first line is the PIN; without it the PIN is read from the input."`
	State      string `required:"" placeholder:"FILE" help:"Where the phone is kept. An existing file is not replaced."`
	Rounds     int    `help:"PBKDF2 rounds, if more than the provider asks."`
	Label      string `default:"ecps" help:"What the holder calls this phone."`
}

// Run enrols the phone and keeps it in the state file.
func (c *enrolCmd) Run(ctx context.Context, t *tools) error {
	file := stateFile(c.State)
	if err := file.reserve(); err != nil {
		return err
	}
	pin, err := t.pin(c.PINFile)
	if err != nil {
		return file.abandon(err)
	}
	p, err := device.Enrol(ctx, t.http, c.url(), pin, device.Options{Rounds: c.Rounds, Label: c.Label, Log: t.log, Save: file.save})
	if err != nil {
		return file.abandon(err)
	}
	_, err = fmt.Fprintf(t.out, "device %s\nholder %s\nissuer %s\nexpires %s\n", p.ID(), p.Holder(), p.Issuer(), p.ExpiresAt().Format("2006-01-02"))
	return err
}

func (c *enrolCmd) url() string {
	if c.Server == "" || strings.Contains(c.Invitation, "#") {
		return c.Invitation
	}
	return strings.TrimSuffix(c.Server, "/") + "#" + c.Invitation
}
