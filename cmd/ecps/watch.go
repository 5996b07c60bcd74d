package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
)

type watchCmd struct {
	Approve     bool `xor:"behaviour" required:"" help:"Approve, with the right number and the PIN."`
	Refuse      bool `xor:"behaviour" required:"" help:"Refuse."`
	WrongNumber bool `xor:"behaviour" required:"" help:"Approve with a number that is not the one of the page."`
	WrongPIN    bool `name:"wrong-pin" xor:"behaviour" required:"" help:"Type wrong PINs until none is left."`
	Ignore      bool `xor:"behaviour" required:"" help:"Let every request expire."`

	Delay   time.Duration `help:"How long the holder takes."`
	State   string        `required:"" placeholder:"FILE" help:"Where the phone is kept."`
	PINFile string        `name:"pin-file" env:"ECPS_PIN_FILE" placeholder:"FILE" help:"File whose first line is the PIN; without it the PIN is read from the input."`
	Number  string        `help:"Number of the page. A sandbox tells it to the phone; elsewhere it is asked for."`
}

// Run answers requests until the program is stopped.
func (c *watchCmd) Run(ctx context.Context, t *tools) error {
	p, err := load(t, c.State)
	if err != nil {
		return err
	}
	h := &holder{cmd: c, tools: t}
	if c.Approve || c.WrongNumber {
		if h.pin, err = t.pin(c.PINFile); err != nil {
			return err
		}
	}
	if c.WrongPIN && c.PINFile != "" {
		if h.pin, err = t.pin(c.PINFile); err != nil {
			return err
		}
	}
	t.log.InfoContext(ctx, "watching", slog.String("device", p.ID()))
	return p.Watch(ctx, func(r ecps.Request) device.Decision { return h.decide(ctx, r) })
}

// load makes the phone of the state file and keeps it there.
func load(t *tools, path string) (*device.Phone, error) {
	file := stateFile(path)
	saved, err := file.load()
	if err != nil {
		return nil, err
	}
	return device.Load(t.http, saved, device.Options{Log: t.log, Save: file.save})
}

// holder plays one behaviour.
type holder struct {
	cmd   *watchCmd
	tools *tools
	pin   string

	asking sync.Mutex
}

func (h *holder) decide(ctx context.Context, r ecps.Request) device.Decision {
	d := device.Decision{Do: device.Approve, PIN: h.pin, After: h.cmd.Delay}
	switch c := h.cmd; {
	case c.Ignore:
		d.Do = device.Ignore
	case c.Refuse:
		d.Do = device.Refuse
	case c.WrongPIN:
		d.PIN = otherPIN(h.pin)
	}
	if d.Do != device.Approve {
		return d
	}
	number, err := h.number(r)
	if err != nil {
		h.tools.log.ErrorContext(ctx, "no number to answer with", slog.Any("error", err))
		return device.Decision{Do: device.Ignore}
	}
	d.Number = number
	if h.cmd.WrongNumber {
		d.Number = otherNumber(r, number)
	}
	return d
}

// number is the one of the page: told by a sandbox, given, or asked for.
func (h *holder) number(r ecps.Request) (string, error) {
	switch {
	case h.cmd.Number != "":
		return h.cmd.Number, nil
	case r.Number != "":
		return r.Number, nil
	}
	h.asking.Lock()
	defer h.asking.Unlock()
	return h.tools.ask(fmt.Sprintf("%s: number of the page %v", r.Name, r.Choices))
}

// otherNumber is one the phone offers, but not the right one.
func otherNumber(r ecps.Request, right string) string {
	for _, c := range append(r.Choices, "17", "42") {
		if c != right {
			return c
		}
	}
	return ""
}

// otherPIN is well formed and wrong.
func otherPIN(right string) string {
	const first, second = "7391", "8264"
	if right != first {
		return first
	}
	return second
}
