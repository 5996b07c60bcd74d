package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/platform/fault"
)

// reasonOpposed is why a session ends when its card is put in opposition.
const reasonOpposed = "card_opposed"

// OpposeRequest puts a card in opposition; EndSessions ends what it has opened.
type OpposeRequest struct {
	cards.Opposition
	EndSessions bool `json:"end_sessions"`
}

// OpposeResult tells what is known of the card and how many sessions ended.
type OpposeResult struct {
	Card  cards.Known `json:"card"`
	Ended int         `json:"ended"`
}

// reinstateRequest lifts an opposition.
type reinstateRequest struct {
	Operator string `json:"operator"`
	Number   string `json:"number"`
}

// cardsRequest asks for the cards of a holder, or for those in opposition.
type cardsRequest struct {
	Holder rpps.NationalID `json:"holder,omitzero"`
}

// adminCall reads a request, does it and answers; a provider that takes no card
// has nothing to say about any.
func adminCall[In, Out any](p *Provider, do func(ctx context.Context, c *cards.Cards, in In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(io.LimitReader(r.Body, maxAdmin)).Decode(&in); err != nil {
			adminFail(w, fault.Wrap(fault.Invalid, "", "the request cannot be read", err))
			return
		}
		known := p.cards.Load()
		if known == nil {
			adminFail(w, fault.New(fault.Denied, "", "this provider takes no cards: its configuration names no card authority"))
			return
		}
		out, err := do(r.Context(), known, in)
		if err != nil {
			adminFail(w, err)
			return
		}
		adminAnswer(w, out)
	}
}

func (p *Provider) adminOppose(w http.ResponseWriter, r *http.Request) {
	adminCall(p, func(ctx context.Context, c *cards.Cards, in OpposeRequest) (OpposeResult, error) {
		known, err := c.Oppose(ctx, in.Opposition)
		out := OpposeResult{Card: known}
		if err != nil || !in.EndSessions {
			return out, err
		}
		sids, err := c.Sessions(ctx, known.Number)
		if err != nil {
			return out, err
		}
		for _, sid := range sids {
			if err := p.ending.Load().End(ctx, sid, reasonOpposed); err != nil {
				return out, err
			}
			out.Ended++
		}
		return out, nil
	})(w, r)
}

func (p *Provider) adminReinstate(w http.ResponseWriter, r *http.Request) {
	adminCall(p, func(ctx context.Context, c *cards.Cards, in reinstateRequest) (cards.Known, error) {
		return c.Reinstate(ctx, in.Operator, in.Number)
	})(w, r)
}

func (p *Provider) adminCards(w http.ResponseWriter, r *http.Request) {
	adminCall(p, func(ctx context.Context, c *cards.Cards, in cardsRequest) ([]cards.Known, error) {
		return c.List(ctx, in.Holder)
	})(w, r)
}

// OpposeCard puts a card in opposition.
func (a *Admin) OpposeCard(ctx context.Context, o OpposeRequest) (OpposeResult, error) {
	return adminAsk[OpposeResult](ctx, a, "/card/oppose", o)
}

// ReinstateCard lifts an opposition.
func (a *Admin) ReinstateCard(ctx context.Context, operator, number string) (cards.Known, error) {
	return adminAsk[cards.Known](ctx, a, "/card/reinstate", reinstateRequest{Operator: operator, Number: number})
}

// Cards lists the cards of a holder; of a zero holder, those in opposition.
func (a *Admin) Cards(ctx context.Context, holder rpps.NationalID) ([]cards.Known, error) {
	return adminAsk[[]cards.Known](ctx, a, "/card/list", cardsRequest{Holder: holder})
}

func adminAsk[Out any](ctx context.Context, a *Admin, path string, in any) (Out, error) {
	var out Out
	body, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("admin: %w", err)
	}
	return out, a.call(ctx, http.MethodPost, path, body, &out)
}
