package provider

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/fault"
)

// What support may do with an e-CPS: look, stop, resume, remove, each act with
// two people. No command invites a phone, sets a PIN or approves (S-61, PG-25).

type inviteRequest struct {
	ID rpps.NationalID `json:"id"`
}

// lookRequest opens what is known of a holder, or of a code he has read out.
type lookRequest struct {
	Operator string          `json:"operator"`
	Holder   rpps.NationalID `json:"holder,omitzero"`
	Code     string          `json:"code,omitempty"`
}

// ECPSView is what support sees: states and dates, never an address or a content.
type ECPSView struct {
	Holding   wallet.Holding   `json:"holding"`
	Diagnosis wallet.Diagnosis `json:"diagnosis"`
	Sent      []Delivery       `json:"sent"`
}

type confirmRequest struct {
	Operator string `json:"operator"`
	Order    string `json:"order"`
}

// mountECPS routes the commands of support. Invitations by command exist in the
// sandbox alone: elsewhere the route is not there.
func (p *Provider) mountECPS(mux *http.ServeMux) {
	if p.config.Environment == Sandbox {
		mux.HandleFunc("POST /ecps/invite", supportCall(func(ctx context.Context, in inviteRequest) (wallet.Invitation, error) {
			return p.wallet.Invite(ctx, in.ID)
		}))
	}
	mux.HandleFunc("POST /ecps/look", supportCall(p.look))
	mux.HandleFunc("POST /ecps/ask", supportCall(func(ctx context.Context, o wallet.Order) (wallet.Order, error) {
		return p.wallet.AskSupport(ctx, o)
	}))
	mux.HandleFunc("POST /ecps/confirm", supportCall(func(ctx context.Context, in confirmRequest) (wallet.Order, error) {
		return p.wallet.ConfirmSupport(ctx, in.Operator, in.Order)
	}))
}

// supportCall reads a request, does it and answers.
func supportCall[In, Out any](do func(ctx context.Context, in In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(io.LimitReader(r.Body, maxAdmin)).Decode(&in); err != nil {
			adminFail(w, fault.Wrap(fault.Invalid, "", "the request cannot be read", err))
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			adminFail(w, err)
			return
		}
		adminAnswer(w, out)
	}
}

func (p *Provider) look(ctx context.Context, in lookRequest) (ECPSView, error) {
	var told wallet.Diagnosis
	if in.Code != "" {
		var err error
		if told, err = p.wallet.Diagnosed(ctx, in.Code); err != nil {
			return ECPSView{}, err
		}
		if in.Holder, err = rpps.ParseNationalID(told.Holder); err != nil {
			return ECPSView{}, fault.Wrap(fault.Internal, "", "stored holder cannot be read", err)
		}
	}
	holding, now, err := p.wallet.Look(ctx, in.Operator, in.Holder)
	if err != nil {
		return ECPSView{}, err
	}
	if told.Code == "" {
		told = now
	}
	sent, err := p.delivered(ctx, in.Holder)
	return ECPSView{Holding: holding, Diagnosis: told, Sent: sent}, err
}

// LookECPS opens what is known of a holder's e-CPS, by his identifier or by the
// six letters he reads out. The looking leaves a trace.
func (a *Admin) LookECPS(ctx context.Context, operator string, holder rpps.NationalID, code string) (ECPSView, error) {
	return adminAsk[ECPSView](ctx, a, "/ecps/look", lookRequest{Operator: operator, Holder: holder, Code: code})
}

// AskECPS enters an order for a second person to confirm.
func (a *Admin) AskECPS(ctx context.Context, o wallet.Order) (wallet.Order, error) {
	return adminAsk[wallet.Order](ctx, a, "/ecps/ask", o)
}

// ConfirmECPS is the second person.
func (a *Admin) ConfirmECPS(ctx context.Context, operator, order string) (wallet.Order, error) {
	return adminAsk[wallet.Order](ctx, a, "/ecps/confirm", confirmRequest{Operator: operator, Order: order})
}
