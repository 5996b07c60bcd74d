package admin

import (
	"net/http"
	"time"

	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/platform/fault"
)

type tokenRequest struct {
	Reason   string   `json:"reason"`
	Owner    string   `json:"owner"`
	Purpose  string   `json:"purpose"`
	Scopes   []string `json:"scopes"`
	Trusted  bool     `json:"trusted"`
	Uses     int64    `json:"uses"`
	Lifetime int64    `json:"lifetime_seconds"`
}

// tokenAnswer is a right to register, and its token in the one answer that made it.
type tokenAnswer struct {
	desk.TokenView
	Token string `json:"initial_access_token,omitempty"`
}

func (a *API) createInitialToken(c call) error {
	var in tokenRequest
	if err := read(c, &in); err != nil {
		return err
	}
	if in.Lifetime < 0 || in.Lifetime > int64(desk.MaxLifetime/time.Second) {
		return fault.New(fault.Invalid, codeForm, "lifetime_seconds is a number from 60 to 7776000")
	}
	t, token, err := a.Desk.Invite(c.ctx(), desk.Act{Operator: c.operator, Reason: in.Reason}, desk.Grant{
		Owner: in.Owner, Purpose: in.Purpose, Scopes: in.Scopes, Trusted: in.Trusted, Uses: in.Uses, Lifetime: time.Duration(in.Lifetime) * time.Second,
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, tokenAnswer{TokenView: t.View(), Token: token})
}

type tokenList struct {
	Tokens []desk.TokenView `json:"initial_tokens"`
}

func (a *API) listInitialTokens(c call) error {
	all, err := a.Desk.TokenViews(c.ctx())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tokenList{all})
}

func (a *API) revokeInitialToken(c call) error {
	var in reasonRequest
	if err := read(c, &in); err != nil {
		return err
	}
	t, err := a.Desk.Revoke(c.ctx(), desk.Act{Operator: c.operator, Reason: in.Reason}, c.id())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tokenAnswer{TokenView: t.View()})
}
