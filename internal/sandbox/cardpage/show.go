package cardpage

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"

	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/sandbox"
)

// content is what the page shows.
type content struct {
	sandbox.Desk
	CSRF   string
	Alert  string
	French bool
}

// T chooses the language of a text.
func (c content) T(fr, en string) string {
	if c.French {
		return fr
	}
	return en
}

func (p *Page) show(w http.ResponseWriter, r *http.Request, failure error) {
	c := content{Desk: p.Cards.Desk(), CSRF: p.csrf, French: french(r.Header.Get("Accept-Language"))}
	status := http.StatusOK
	if failure != nil {
		status = web.StatusOf(failure)
		c.Alert = c.T("Impossible : les deux lecteurs sont pris, ou cette carte n'existe pas.", "Not possible: both readers are taken, or there is no such card.")
	}
	var b bytes.Buffer
	if err := p.tpl.Execute(&b, c); err != nil {
		p.Log.ErrorContext(r.Context(), "card page", slog.Any("error", err))
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader may be gone
}

// french is the language of the house, unless the browser names English first.
func french(accepted string) bool {
	return !strings.HasPrefix(strings.ToLower(strings.TrimSpace(accepted)), "en")
}
