package admin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/strictjson"
)

// clientAnswer is a registration, and the secret in the one answer that made it.
type clientAnswer struct {
	desk.View
	Secret string `json:"client_secret,omitempty"`
}

type clientList struct {
	Clients []desk.View `json:"clients"`
	Next    *string     `json:"next"` // "after" of the next page; null at the end
}

const (
	defaultPage = 100
	maxPage     = 500
)

func (a *API) listClients(c call) error {
	limit := defaultPage
	if s := c.query.Get("limit"); c.query.Has("limit") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxPage {
			return fault.New(fault.Invalid, codeForm, "limit is a number from 1 to 500")
		}
		limit = n
	}
	all, err := a.Desk.Views(c.ctx())
	if err != nil {
		return err
	}
	after := c.query.Get("after")
	all = slices.DeleteFunc(all, func(v desk.View) bool { return v.ID <= after })
	out := clientList{Clients: all}
	if len(all) > limit {
		out.Clients, out.Next = all[:limit], &all[limit-1].ID
	}
	return c.JSON(http.StatusOK, out)
}

func (a *API) getClient(c call) error {
	kept, err := a.Desk.Get(c.ctx(), c.id())
	return a.answer(c, http.StatusOK, kept, "", err)
}

// answer shows a registration with its version as ETag.
func (a *API) answer(c call, status int, kept desk.Kept, secret string, err error) error {
	if err != nil {
		return err
	}
	view, err := kept.View()
	if err != nil {
		return err
	}
	if view.Version > 0 {
		c.Response().Header().Set("ETag", etag(view.Version))
	}
	return c.JSON(status, clientAnswer{View: view, Secret: secret})
}

type putRequest struct {
	Reason       string          `json:"reason"`
	Registration json.RawMessage `json:"registration"`
}

// putClient registers with If-None-Match: * and replaces with If-Match: one
// request each, that can be sent again without doing it twice.
func (a *API) putClient(c call) error {
	var in putRequest
	if err := read(c, &in); err != nil {
		return err
	}
	version, fresh, err := precondition(c.Request())
	if err != nil {
		return err
	}
	document, err := registration(c.id(), in.Registration)
	if err != nil {
		return err
	}
	act := desk.Act{Operator: c.operator, Reason: in.Reason}
	if fresh {
		kept, secret, err := a.Desk.Add(c.ctx(), act, c.id(), document)
		return a.answer(c, http.StatusCreated, kept, secret, err)
	}
	kept, secret, err := a.Desk.Put(c.ctx(), act, c.id(), version, document)
	return a.answer(c, http.StatusOK, kept, secret, err)
}

// registration gives the document that the desk reads. What the house alone
// sets is refused, not ignored: secrets are made, states have their own acts.
func registration(id string, raw json.RawMessage) ([]byte, error) {
	members, err := strictjson.Object(raw)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, codeForm, "registration "+err.Error(), err)
	}
	for _, key := range client.HouseKeys() {
		if _, ok := members[key]; ok {
			return nil, fault.New(fault.Invalid, codeForm, "registration sets "+key+", which the house alone does")
		}
	}
	own, err := json.Marshal(id)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, codeForm, "the address cannot be read", err)
	}
	var named string
	if given, ok := members["id"]; ok && (json.Unmarshal(given, &named) != nil || named != id) {
		return nil, fault.New(fault.Invalid, codeForm, "registration names another id than the address")
	}
	members["id"] = own
	document, err := client.Compose(members)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, codeForm, "registration cannot be read", err)
	}
	return document, nil
}

type reasonRequest struct {
	Reason string `json:"reason"`
}

func (a *API) disableClient(c call) error {
	var in reasonRequest
	if err := read(c, &in); err != nil {
		return err
	}
	kept, err := a.Desk.Disable(c.ctx(), desk.Act{Operator: c.operator, Reason: in.Reason}, c.id(), desk.Any)
	return a.answer(c, http.StatusOK, kept, "", err)
}

func (a *API) enableClient(c call) error {
	var in reasonRequest
	if err := read(c, &in); err != nil {
		return err
	}
	kept, err := a.Desk.Enable(c.ctx(), desk.Act{Operator: c.operator, Reason: in.Reason}, c.id(), desk.Any)
	return a.answer(c, http.StatusOK, kept, "", err)
}

type rotateRequest struct {
	Reason  string `json:"reason"`
	Overlap int64  `json:"overlap_seconds"` // 0: the old secret ends now
}

// rotateSecret needs the version that was seen: sent twice by mistake, it makes
// one secret.
func (a *API) rotateSecret(c call) error {
	var in rotateRequest
	if err := read(c, &in); err != nil {
		return err
	}
	version, fresh, err := precondition(c.Request())
	if err != nil {
		return err
	}
	if fresh {
		return fault.New(fault.Invalid, codePrecondition, "If-Match must name the version that was seen")
	}
	if in.Overlap < 0 || in.Overlap > int64(desk.MaxOverlap/time.Second) {
		return fault.New(fault.Invalid, codeForm, "overlap_seconds is a number from 0 to 2592000")
	}
	kept, secret, err := a.Desk.Rotate(c.ctx(), desk.Act{Operator: c.operator, Reason: in.Reason}, c.id(), version, time.Duration(in.Overlap)*time.Second)
	return a.answer(c, http.StatusOK, kept, secret, err)
}

type matrixAnswer struct {
	Rows []claims.Row `json:"rows"`
}

func (a *API) matrix(c call) error {
	rows := a.Desk.Matrix()
	if c.query.Has("client") {
		rows = slices.DeleteFunc(rows, func(r claims.Row) bool { return r.Client != c.query.Get("client") })
	}
	return c.JSON(http.StatusOK, matrixAnswer{rows})
}
