package provider

import (
	"context"
	"net/http"
	"time"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/desk"
)

// ClientOrder is one act on a registration, from the command line.
type ClientOrder struct {
	desk.Act
	ID       string        `json:"id,omitempty"`
	Document string        `json:"document,omitempty"` // client file, YAML or JSON
	Overlap  time.Duration `json:"overlap,omitempty"`
}

// ClientResult is the registration after the act, and a secret that is shown once.
type ClientResult struct {
	desk.View
	Secret string `json:"secret,omitempty"`
}

// GrantOrder gives a right to register.
type GrantOrder struct {
	desk.Act
	desk.Grant
}

// GrantResult is the right, and the token that is shown once.
type GrantResult struct {
	desk.TokenView
	Token string `json:"token,omitempty"`
}

func (p *Provider) mountClients(mux *http.ServeMux) {
	act := func(path string, do func(ctx context.Context, o ClientOrder) (desk.Kept, string, error)) {
		mux.HandleFunc("POST /client/"+path, supportCall(func(ctx context.Context, o ClientOrder) (ClientResult, error) {
			kept, secret, err := do(ctx, o)
			if err != nil {
				return ClientResult{}, err
			}
			view, err := kept.View()
			return ClientResult{View: view, Secret: secret}, err
		}))
	}
	d := p.res.desk
	act("show", func(ctx context.Context, o ClientOrder) (desk.Kept, string, error) {
		kept, err := d.Get(ctx, o.ID)
		return kept, "", err
	})
	act("add", func(ctx context.Context, o ClientOrder) (desk.Kept, string, error) {
		return d.Add(ctx, o.Act, "file", []byte(o.Document))
	})
	act("change", func(ctx context.Context, o ClientOrder) (desk.Kept, string, error) {
		return d.Put(ctx, o.Act, o.ID, desk.Any, []byte(o.Document))
	})
	act("disable", func(ctx context.Context, o ClientOrder) (desk.Kept, string, error) {
		kept, err := d.Disable(ctx, o.Act, o.ID, desk.Any)
		return kept, "", err
	})
	act("enable", func(ctx context.Context, o ClientOrder) (desk.Kept, string, error) {
		kept, err := d.Enable(ctx, o.Act, o.ID, desk.Any)
		return kept, "", err
	})
	act("rotate", func(ctx context.Context, o ClientOrder) (desk.Kept, string, error) {
		return d.Rotate(ctx, o.Act, o.ID, desk.Any, o.Overlap)
	})
	mux.HandleFunc("POST /client/list", supportCall(func(ctx context.Context, _ struct{}) ([]desk.View, error) { return d.Views(ctx) }))
	mux.HandleFunc("POST /client/matrix", supportCall(func(ctx context.Context, _ struct{}) ([]claims.Row, error) { return d.Matrix(), nil }))
	mux.HandleFunc("POST /client/invite", supportCall(func(ctx context.Context, o GrantOrder) (GrantResult, error) {
		t, token, err := d.Invite(ctx, o.Act, o.Grant)
		return GrantResult{TokenView: t.View(), Token: token}, err
	}))
	mux.HandleFunc("POST /client/invitations", supportCall(func(ctx context.Context, _ struct{}) ([]desk.TokenView, error) {
		return d.TokenViews(ctx)
	}))
	mux.HandleFunc("POST /client/uninvite", supportCall(func(ctx context.Context, o ClientOrder) (desk.TokenView, error) {
		t, err := d.Revoke(ctx, o.Act, o.ID)
		return t.View(), err
	}))
}

// Client acts on a registration: show, add, change, disable, enable or rotate.
func (a *Admin) Client(ctx context.Context, act string, o ClientOrder) (ClientResult, error) {
	return adminAsk[ClientResult](ctx, a, "/client/"+act, o)
}

// Clients lists the registrations, wherever they live.
func (a *Admin) Clients(ctx context.Context) ([]desk.View, error) {
	return adminAsk[[]desk.View](ctx, a, "/client/list", struct{}{})
}

// ClientMatrix gives the scope-by-claim matrix of all services (PG-40).
func (a *Admin) ClientMatrix(ctx context.Context) ([]claims.Row, error) {
	return adminAsk[[]claims.Row](ctx, a, "/client/matrix", struct{}{})
}

// InviteClient gives a right to register.
func (a *Admin) InviteClient(ctx context.Context, o GrantOrder) (GrantResult, error) {
	return adminAsk[GrantResult](ctx, a, "/client/invite", o)
}

// ClientInvitations lists the rights to register.
func (a *Admin) ClientInvitations(ctx context.Context) ([]desk.TokenView, error) {
	return adminAsk[[]desk.TokenView](ctx, a, "/client/invitations", struct{}{})
}

// UninviteClient takes a right to register back.
func (a *Admin) UninviteClient(ctx context.Context, o ClientOrder) (desk.TokenView, error) {
	return adminAsk[desk.TokenView](ctx, a, "/client/uninvite", o)
}
