package main

import (
	"context"
	"fmt"
	"time"
)

type showCmd struct {
	State string `required:"" placeholder:"FILE" help:"Where the phone is kept."`
}

// Run prints what the phone's first screen would say.
func (c *showCmd) Run(ctx context.Context, t *tools) error {
	p, err := load(t, c.State)
	if err != nil {
		return err
	}
	info, err := p.Info(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "device %s\nholder %s\nstate %s\ntries_left %d\nexpires %s\n",
		info.Device, info.Holder, info.State, info.TriesLeft, time.Unix(info.ExpiresAt, 0).UTC().Format("2006-01-02"))
	return err
}
