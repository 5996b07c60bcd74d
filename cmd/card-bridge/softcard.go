package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/trust/igc"
)

type softcardCmd struct {
	Card   string `help:"Card file, as egide pki issue card and egide demo --cards write it." required:"" type:"existingfile"`
	Model  string `help:"cps3, cps4 or cps3-contactless instead of the file's." enum:",cps3,cps4,cps3-contactless" default:""`
	Reader string `help:"Where the virtual reader waits for a card." default:"127.0.0.1:35963"`
	Tries  int    `help:"PIN tries left; 0 for a fresh card, -1 for a blocked one." default:"0"`
}

// Run puts the card in until it is told to stop; lines "remove", "insert" and
// "quit" on the standard input move it.
func (c softcardCmd) Run(a *app) error {
	file, err := igc.LoadCard(c.Card)
	if err != nil {
		return err
	}
	if c.Model != "" {
		file.Model = c.Model
	}
	card, err := softcard.New(file, softcard.Options{Tries: c.Tries})
	if err != nil {
		return err
	}
	ctx, quit := context.WithCancel(a.Ctx)
	defer quit()
	orders := make(chan string)
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			orders <- strings.TrimSpace(lines.Text())
		}
	}()
	for inserted := true; ; {
		stay, remove := context.WithCancel(ctx)
		gone := make(chan error, 1)
		if inserted {
			if _, err := fmt.Fprintf(a.Out, "card %s of %s inserted at %s\n", file.Number, file.Holder, c.Reader); err != nil {
				remove()
				return err
			}
			go func() { gone <- softcard.Vpcd(stay, c.Reader, card, nil) }()
		}
		select {
		case <-ctx.Done():
			remove()
			return nil
		case err := <-gone:
			remove()
			return err
		case order := <-orders:
			remove()
			if inserted {
				<-gone
			}
			switch order {
			case "quit":
				return nil
			case "insert":
				inserted = true
			case "remove":
				inserted = false
				if _, err := fmt.Fprintln(a.Out, "card removed"); err != nil {
					return err
				}
			}
		}
	}
}
