package dmp

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"

	xlanguage "golang.org/x/text/language"

	"github.com/egide-id/egide/internal/dmp/policy"
	"github.com/egide-id/egide/internal/platform/fault"
)

//go:embed pages
var pageFiles embed.FS

// page is all that a template may show.
type page struct {
	Name      string // the template of the main part
	Lang      string
	View      *view // nil: nobody is logged in
	Records   []record
	Record    *record
	Decision  *policy.Decision
	StepUp    string // link to a stronger login
	Next      string
	Code      string // of a failure
	Cause     string // the provider's own code for it
	LoggedOut bool
	Unchosen  bool
}

// pages are the templates, once for each language.
type pages struct {
	byLang map[string]*template.Template
	css    []byte
}

func loadPages() (*pages, error) {
	var texts map[string]policy.Text
	var labels map[string]string
	if err := errors.Join(readJSON("pages/texts.json", &texts), readJSON("pages/labels.json", &labels)); err != nil {
		return nil, err
	}
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		return nil, fmt.Errorf("dmp: pages: %w", err)
	}
	p := &pages{byLang: map[string]*template.Template{}, css: css}
	for _, lang := range []string{"fr", "en"} {
		t, err := template.New("").Funcs(template.FuncMap{
			"t": func(key string) (string, error) {
				text, ok := texts[key]
				if !ok {
					return "", fmt.Errorf("no text %q", key)
				}
				return text.In(lang), nil
			},
			"label": func(system, code string) string {
				if l := labels[system+"/"+code]; l != "" {
					return l
				}
				return code
			},
			"in": func(t policy.Text) string { return t.In(lang) },
		}).ParseFS(pageFiles, "pages/*.html")
		if err != nil {
			return nil, fmt.Errorf("dmp: pages: %w", err)
		}
		p.byLang[lang] = t
	}
	return p, nil
}

func readJSON(name string, into any) error {
	data, err := pageFiles.ReadFile(name)
	if err != nil {
		return fmt.Errorf("dmp: pages: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("dmp: %s: %w", name, err)
	}
	return nil
}

// language picks French or English, French when in doubt.
func language(r *http.Request) string {
	matcher := xlanguage.NewMatcher([]xlanguage.Tag{xlanguage.French, xlanguage.English})
	_, index := xlanguage.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return [...]string{"fr", "en"}[index]
}

// render writes a page whole or not at all.
func (s *Service) render(w http.ResponseWriter, r *http.Request, status int, data page) {
	data.Lang = language(r)
	var body bytes.Buffer
	if err := s.pages.byLang[data.Lang].ExecuteTemplate(&body, data.Name, data); err != nil {
		s.log.ErrorContext(r.Context(), "page failed", slog.String("page", data.Name), slog.String("error", err.Error()))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a browser that left is no fault of ours
}

// fail shows a failure: its code and what to do, never its cause.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := map[fault.Kind]int{
		fault.NotFound: http.StatusNotFound, fault.Expired: http.StatusBadRequest,
		fault.Denied: http.StatusForbidden, fault.Invalid: http.StatusBadGateway,
		fault.Unavailable: http.StatusServiceUnavailable,
	}[fault.KindOf(err)]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	if status >= http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "request failed", slog.Int("status", status), slog.String("error", err.Error()))
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	code := fault.CodeOf(err)
	if code == "" {
		code = "PF-DM-000"
	}
	data := page{Name: "failure", Code: code}
	if refused, ok := errors.AsType[*refusal](err); ok {
		data.Cause = refused.code
	}
	s.render(w, r, status, data)
}

func (s *Service) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, fault.New(fault.NotFound, codeNoRecord, "no such page"))
}

func (p *pages) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(p.css) // as above
}
