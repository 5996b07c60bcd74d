// Package templates holds the HTML pages of the house, French and English side
// by side: a sentence and its translation stand on one line, so that nobody
// changes one and forgets the other. Each page fills the frame of layout.html.
package templates

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/egide-id/egide/assets"
)

//go:embed *.html
var files embed.FS

const layout = "layout.html"

// Set is the parsed pages, ready to be used by many requests at once.
type Set struct {
	pages map[string]*template.Template
}

// Parse reads every page once, at start: a page that does not parse stops the
// program and not a login.
func Parse() (*Set, error) {
	frame, err := template.New(layout).
		Funcs(template.FuncMap{"asset": assets.Load().URL}).
		Option("missingkey=error").
		ParseFS(files, layout)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	names, err := fs.Glob(files, "*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	s := &Set{pages: map[string]*template.Template{}}
	for _, name := range names {
		if name == layout {
			continue
		}
		page, err := frame.Clone()
		if err == nil {
			page, err = page.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("templates: %s: %w", name, err)
		}
		s.pages[strings.TrimSuffix(path.Base(name), ".html")] = page
	}
	return s, nil
}

// Execute writes one page.
func (s *Set) Execute(w io.Writer, page string, data any) error {
	t, ok := s.pages[page]
	if !ok {
		return fmt.Errorf("templates: no page %q", page)
	}
	if err := t.ExecuteTemplate(w, layout, data); err != nil {
		return fmt.Errorf("templates: %s: %w", page, err)
	}
	return nil
}

// Names lists the pages.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.pages))
	for n := range s.pages {
		names = append(names, n)
	}
	return names
}
