package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/trust/igc"
)

type softcardCmd struct {
	Card   string `help:"Card file, as egide pki issue card and egide demo --cards write it." required:"" type:"existingfile"`
	Model  string `help:"cps3, cps4 or cps3-contactless instead of the file's." enum:",cps3,cps4,cps3-contactless" default:""`
	Reader string `help:"Where the virtual reader waits for a card." default:"127.0.0.1:35963"`
	Tries  int    `name:"pin-tries" help:"PIN tries left; 0 for a fresh card, -1 for a blocked one." default:"0"`
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
	return c.move(a, card, lines(a.Ctx, os.Stdin))
}

// lines hands over what is typed. At its end, which is at once for a program
// started without input, the channel closes.
func lines(ctx context.Context, in io.Reader) <-chan string {
	typed := make(chan string)
	go func() {
		defer close(typed)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case typed <- strings.TrimSpace(s.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return typed
}

// stay is the card's time in the reader. The zero stay is over.
type stay struct {
	pull context.CancelFunc
	gone chan error
}

func (s *stay) end() {
	if s.pull != nil {
		s.pull()
		for range s.gone { // until it is out
		}
	}
	*s = stay{}
}

// move does as it is told, beginning with the card in the reader.
func (c softcardCmd) move(a *app, card *softcard.Emulator, orders <-chan string) error {
	var in stay
	defer func() { in.end() }()
	for order := "insert"; order != "quit"; {
		said := ""
		switch order {
		case "insert":
			in.end()
			in = c.insert(a.Ctx, card)
			said = "card inserted at " + c.Reader
		case "remove":
			in.end()
			said = "card removed"
		case "":
		default:
			said = "say insert, remove or quit"
		}
		if said != "" {
			if _, err := fmt.Fprintln(a.Out, said); err != nil {
				return err
			}
		}
		select {
		case <-a.Ctx.Done():
			return nil
		case err := <-in.gone:
			in.pull()
			in = stay{}
			if err == nil {
				err = errors.New("the virtual reader has closed")
			}
			return err
		case line, more := <-orders:
			if !more {
				orders = nil // nobody types: the card stays until the program is stopped
			}
			order = line
		}
	}
	return nil
}

func (c softcardCmd) insert(ctx context.Context, card *softcard.Emulator) stay {
	ctx, pull := context.WithCancel(ctx)
	s := stay{pull: pull, gone: make(chan error, 1)}
	go func() {
		defer close(s.gone)
		s.gone <- softcard.Vpcd(ctx, c.Reader, card, nil)
	}()
	return s
}
