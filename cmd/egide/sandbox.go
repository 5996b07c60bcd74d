package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/sandbox"
	"github.com/egide-id/egide/internal/sandbox/cardpage"
)

// sandboxCmd acts on a running demonstration.
type sandboxCmd struct {
	Card sandboxCardCmd `cmd:"" help:"Put personas' cards into the readers of a running demonstration."`
}

// sandboxCardCmd does from the command line what the page of the cards does.
type sandboxCardCmd struct {
	Insert   cardInsertCmd   `cmd:"" help:"Put a card into a reader, as new: three tries."`
	Remove   cardRemoveCmd   `cmd:"" help:"Pull a card: its sessions end."`
	WrongPIN cardWrongPINCmd `cmd:"" name:"wrong-pin" help:"Mistype the next PIN, then give up."`
	List     cardDeskCmd     `cmd:"" help:"List cards and readers."`
}

// deskFlags find the desk of the cards.
type deskFlags struct {
	At string `help:"Address of the cards, cards_url in the demonstration's sheet." default:"http://127.0.0.1:8482"`
}

type personaArg struct {
	deskFlags
	Persona string `arg:"" help:"Key (P1, B-card-pulled) or login."`
}

type (
	cardInsertCmd   struct{ personaArg }
	cardRemoveCmd   struct{ personaArg }
	cardWrongPINCmd struct{ personaArg }
	cardDeskCmd     struct{ deskFlags }
)

// Run inserts.
func (c cardInsertCmd) Run(a *app) error { return c.order(a, "insert") }

// Run removes.
func (c cardRemoveCmd) Run(a *app) error { return c.order(a, "remove") }

// Run has the next PIN mistyped.
func (c cardWrongPINCmd) Run(a *app) error { return c.order(a, "wrong-pin") }

// order gives one order and tells where the card is afterwards.
func (c personaArg) order(a *app, verb string) error {
	desk, err := c.ask(a, http.MethodPost, "/cards/"+url.PathEscape(c.Persona)+"/"+verb)
	if err != nil {
		return err
	}
	for _, card := range desk.Cards {
		if card.Persona != c.Persona && card.Login != c.Persona {
			continue
		}
		where := card.Reader
		if where == "" {
			where = "in no reader"
		}
		if _, err := fmt.Fprintf(a.Out, "%s, %s: %s\n", card.Persona, card.Name, where); err != nil {
			return err
		}
	}
	return nil
}

// Run lists.
func (c cardDeskCmd) Run(a *app) error {
	desk, err := c.ask(a, http.MethodGet, "/cards")
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	p := &printer{w: t}
	p.line("PERSONA\tLOGIN\tNAME\tCARD\tBEHAVIOUR\tREADER")
	for _, k := range desk.Cards {
		p.line("%s\t%s\t%s\t%s %s\t%s\t%s", k.Persona, k.Login, k.Name, k.Type, k.Model, k.Behaviour, orDash(k.Reader))
	}
	if p.err != nil {
		return p.err
	}
	return t.Flush()
}

// deskPatience is enough to make a card, whose keys take their time.
const deskPatience = 30 * time.Second

func (f deskFlags) ask(a *app, method, path string) (sandbox.Desk, error) {
	var desk sandbox.Desk
	req, err := http.NewRequestWithContext(a.Ctx, method, strings.TrimSuffix(f.At, "/")+path, http.NoBody)
	if err != nil {
		return desk, fault.Wrap(fault.Invalid, "", "--at is no address", err)
	}
	req.Header.Set(cardpage.Header, "1")
	client := &http.Client{Timeout: deskPatience}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return desk, fault.Wrap(fault.Unavailable, "", "no demonstration answers there: see cards_url in its sheet", err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end or not at all
	const most = 64 << 10
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return desk, fmt.Errorf("cards: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		var problem struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(body, &problem) != nil || problem.Error == "" {
			problem.Error = res.Status
		}
		return desk, fault.New(fault.Denied, "", problem.Error)
	}
	if err := json.Unmarshal(body, &desk); err != nil {
		return desk, fmt.Errorf("cards: %w", err)
	}
	return desk, nil
}
