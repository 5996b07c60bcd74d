package dmp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/egide-id/egide/internal/platform/fault"
)

// document is what a program adds to a record.
type document struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Site  string `json:"site"` // of the structure's sites, the one where it was written; its certificate serves them all (S-78)
}

// Limits of a document.
const (
	maxDocument = 16 << 10
	maxTitle    = 200
	maxSite     = 40
)

// apiAdd adds a document: for a structure that shows its certificate, or for the
// person a token stands for. It answers that the document is there and nothing of
// what else is (S-81).
func (s *Service) apiAdd(w http.ResponseWriter, r *http.Request) {
	token, ok := presented(w, r)
	if !ok {
		return
	}
	facts, _, err := s.factsOf(r, token)
	if err != nil {
		s.apiFail(w, err)
		return
	}
	d := s.policy.DecideAdding(facts)
	id, known := r.PathValue("id"), "unknown"
	if rec, err := s.records.get(id); err == nil {
		known = rec.ID
	}
	s.note(r, known, d)
	if !d.Granted {
		s.apiDecide(w, language(r), d, record{}, nil)
		return
	}
	doc, err := readDocument(w, r)
	if err == nil {
		err = s.records.add(id, entry{Date: s.clock.Now().UTC().Format(time.DateOnly), Title: doc.Title, Text: doc.Text, Site: doc.Site})
	}
	if err != nil {
		s.apiFail(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, apiAnswer{Decision: "granted", Rule: d.Rule, Fact: d.Fact})
}

// readDocument reads one JSON object, strictly.
func readDocument(w http.ResponseWriter, r *http.Request) (document, error) {
	bad := func(why string) (document, error) { return document{}, fault.New(fault.Invalid, "", why) }
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDocument))
	if err != nil {
		return bad("the document is too large or did not arrive")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var doc document
	if err := dec.Decode(&doc); err != nil {
		return bad("the document is no JSON object of title, text and site")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return bad("the document is more than one object")
	}
	switch {
	case !utf8.Valid(body):
		return bad("the document is no UTF-8")
	case strings.TrimSpace(doc.Title) == "" || len(doc.Title) > maxTitle:
		return bad("title is needed, at most 200 bytes")
	case strings.TrimSpace(doc.Text) == "":
		return bad("text is needed")
	case len(doc.Site) > maxSite:
		return bad("site is longer than 40 bytes")
	}
	return doc, nil
}
