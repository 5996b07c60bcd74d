package provider

import (
	"context"
	"net/http"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/oidc/logout"
	"github.com/egide-id/egide/internal/oidc/notice"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/portal"
	"github.com/egide-id/egide/internal/trust/audit"
)

// SessionsOrder ends all sessions of a holder.
type SessionsOrder struct {
	Operator string          `json:"operator"`
	Holder   rpps.NationalID `json:"holder"`
	Reason   string          `json:"reason"` // reference of the case
}

const maxReason = 200

func (p *Provider) mountSessions(mux *http.ServeMux) {
	open := openSessions{p}
	mux.HandleFunc("POST /session/list", supportCall(func(ctx context.Context, in lookRequest) ([]portal.Open, error) {
		list, err := open.Open(ctx, in.Holder)
		if err != nil {
			return nil, err
		}
		return list, p.res.traces.Record(ctx, audit.SupportLooked{Operator: in.Operator, Subject: in.Holder.String()})
	}))
	mux.HandleFunc("POST /session/end", supportCall(func(ctx context.Context, in SessionsOrder) (int, error) {
		if in.Operator == "" || in.Reason == "" || len(in.Operator) > maxReason || len(in.Reason) > maxReason {
			return 0, fault.New(fault.Invalid, "", "an order names its operator and its reason, at most 200 bytes each")
		}
		return open.endAll(ctx, in.Holder, logout.ReasonOrder, audit.SessionsEnded{By: "operator", Operator: in.Operator, Reason: in.Reason})
	}))
	mux.HandleFunc("POST /session/notices", supportCall(p.res.notices.List))
	mux.HandleFunc("POST /session/notices/again", supportCall(func(ctx context.Context, id string) (bool, error) {
		return true, p.res.notices.Again(ctx, id)
	}))
}

// Notices lists what services are still to be told of ended sessions, or were
// never told.
func (a *Admin) Notices(ctx context.Context, state notice.State) ([]notice.Status, error) {
	return adminAsk[[]notice.Status](ctx, a, "/session/notices", state)
}

// NoticeAgain gives a notice that was given up another day.
func (a *Admin) NoticeAgain(ctx context.Context, id string) error {
	_, err := adminAsk[bool](ctx, a, "/session/notices/again", id)
	return err
}

// Sessions lists what a holder has open. The looking leaves a trace.
func (a *Admin) Sessions(ctx context.Context, operator string, holder rpps.NationalID) ([]portal.Open, error) {
	return adminAsk[[]portal.Open](ctx, a, "/session/list", lookRequest{Operator: operator, Holder: holder})
}

// EndSessions ends everything a holder has open, and tells how many sessions.
func (a *Admin) EndSessions(ctx context.Context, o SessionsOrder) (int, error) {
	return adminAsk[int](ctx, a, "/session/end", o)
}
