// Package inboxpage shows what the demonstration would have sent: the mails and
// messages to invented people, on a page for people and as JSON for their CI.
package inboxpage

import (
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

//go:embed page.html inbox.css
var files embed.FS

// Message is one mail or SMS, as its reader would see it.
type Message struct {
	Channel string    `json:"channel"` // mail | sms
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Body    string    `json:"body"`
	At      time.Time `json:"at"`
}

// Deps is what New needs; all are required.
type Deps struct {
	Messages func() []Message // newest last
	Log      *slog.Logger
}

// Page is the inbox.
type Page struct {
	Deps
	tpl *template.Template
}

// New prepares the page.
func New(d Deps) (*Page, error) {
	tpl, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "inbox page", err)
	}
	return &Page{Deps: d, tpl: tpl}, nil
}

// Mount serves /inbox, its style, and /inbox.json: all messages, or with
// ?to=address those to one reader, newest first.
func (p *Page) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /inbox", p.show)
	mux.HandleFunc("GET /inbox.json", p.list)
	mux.HandleFunc("GET /inbox.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, fs.FS(files), "inbox.css") })
}

// newest gives the messages to a reader, newest first.
func (p *Page) newest(to string) []Message {
	list := []Message{}
	all := p.Messages()
	for i := len(all) - 1; i >= 0; i-- {
		if to == "" || strings.EqualFold(all[i].To, to) {
			list = append(list, all[i])
		}
	}
	return list
}

func (p *Page) show(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := p.tpl.Execute(w, p.newest("")); err != nil {
		p.Log.WarnContext(r.Context(), "inbox was not shown", slog.Any("error", err))
	}
}

func (p *Page) list(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(p.newest(r.URL.Query().Get("to"))); err != nil {
		p.Log.WarnContext(r.Context(), "inbox was not listed", slog.Any("error", err))
	}
}
