// Package cardpage is the desk of the sandbox's cards on a loopback port of its
// own: a page for people and JSON for their CI, to put cards in and pull them.
// The test authority publishes its revocations on the same port.
//
// Whoever reaches it can log in as any invented person, as anybody can who reads
// the table of personas. What it guards against is other web pages: they can
// neither read it (no CORS, exact Host) nor press its buttons (same origin, and
// a token in forms or a preflight for scripts).
package cardpage

import (
	"embed"
	"html/template"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/sandbox"
)

// Header stands on a POST that is no form: no page of another origin can send
// it without a preflight, which nobody passes here.
const Header = "X-Egide-Sandbox"

//go:embed page.html page.css
var files embed.FS

// Deps is what New needs; all are required but Inbox.
type Deps struct {
	Cards     *sandbox.Cards
	Authority http.Handler // OCSP, lists and certificates of the test authority
	Inbox     interface {  // what would have been sent to invented people; may be nil
		Mount(mux *http.ServeMux)
	}
	Port int // where the handler is served, on loopback
	Rand io.Reader
	Log  *slog.Logger
}

// Page is the desk.
type Page struct {
	Deps
	csrf string
	tpl  *template.Template
}

// New prepares the page. Errors: fault.Unavailable without randomness.
func New(d Deps) (*Page, error) {
	csrf, err := web.Secret(d.Rand)
	if err != nil {
		return nil, err
	}
	tpl, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "card page", err)
	}
	return &Page{Deps: d, csrf: csrf, tpl: tpl}, nil
}

// Handler serves the desk and the authority.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { p.show(w, r, nil) })
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "page.css") })
	mux.HandleFunc("GET /cards", func(w http.ResponseWriter, _ *http.Request) { p.answer(w, http.StatusOK, p.Cards.Desk()) })
	mux.HandleFunc("POST /cards/{order...}", p.act)
	if p.Inbox != nil {
		p.Inbox.Mount(mux)
	}
	mux.Handle("/", p.Authority)
	return p.guard(mux)
}

// guard refuses a name that was bound anew to the loopback address, and every
// request that a page of another origin has caused.
func (p *Page) guard(next http.Handler) http.Handler {
	hosts := map[string]bool{}
	for _, name := range []string{"127.0.0.1", "localhost", "::1"} {
		hosts[net.JoinHostPort(name, strconv.Itoa(p.Port))] = true
	}
	same := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // no-referrer would make our own forms send "Origin: null"
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		if !hosts[r.Host] {
			http.Error(w, "unknown host", http.StatusMisdirectedRequest)
			return
		}
		if err := same.Check(r); err != nil {
			http.Error(w, "not from this page", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
