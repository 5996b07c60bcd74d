package cardpage

import (
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

// maxForm bounds what is posted: a token of 43 characters.
const maxForm = 4 << 10

// act does one order, "P1/insert": logins of staff have a slash of their own.
func (p *Page) act(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	form, ok := p.allowed(r)
	if !ok {
		http.Error(w, "a form of this page, or JSON", http.StatusForbidden)
		return
	}
	persona, do := p.order(r.PathValue("order"))
	if do == nil {
		http.NotFound(w, r)
		return
	}
	err := do(persona)
	if err != nil && fault.KindOf(err) == fault.Internal {
		p.Log.ErrorContext(r.Context(), "card could not be moved", slog.String("persona", persona), slog.Any("error", err))
	}
	switch {
	case form && err != nil:
		p.show(w, r, err)
	case form:
		to := url.URL{Path: "/", Fragment: persona}
		http.Redirect(w, r, to.String(), http.StatusSeeOther)
	case err != nil:
		p.answer(w, web.StatusOf(err), map[string]string{"error": reason(err)})
	default:
		p.answer(w, http.StatusOK, p.Cards.Desk())
	}
}

// order reads whose card, and what to do with it; nil when it is none.
func (p *Page) order(path string) (persona string, do func(persona string) error) {
	at := max(0, strings.LastIndexByte(path, '/'))
	switch path[at:] {
	case "/insert":
		do = p.Cards.Insert
	case "/remove":
		do = p.Cards.Remove
	case "/wrong-pin":
		do = p.Cards.WrongPIN
	}
	return path[:at], do
}

// allowed tells whether a POST is a form of ours, or one that needed a preflight.
func (p *Page) allowed(r *http.Request) (form, ok bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "application/json" || r.Header.Get(Header) == "1" {
		return false, true
	}
	return true, subtle.ConstantTimeCompare([]byte(r.PostFormValue("csrf")), []byte(p.csrf)) == 1
}

// reason tells a person what was wrong with his order, and nothing of our faults.
func reason(err error) string {
	switch fault.KindOf(err) {
	case fault.NotFound:
		return "no persona with a card has this key or login"
	case fault.Conflict:
		return "both readers are taken: remove a card first"
	case fault.Internal, fault.Denied, fault.Expired, fault.Used, fault.Invalid, fault.Unavailable:
	}
	return "the card could not be moved"
}

func (p *Page) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.Log.Debug("the answer was not read to its end", slog.Any("error", err))
	}
}
