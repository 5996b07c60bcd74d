package dmp

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/egide-id/egide/internal/platform/fault"
)

//go:embed records.json
var recordsFile []byte

// record is one invented patient. No identity number of the State appears,
// not even a made-up one: nobody should mistake this for data.
type record struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Born     string   `json:"born"`
	CareTeam []string `json:"care_team"` // technical ids of the structures around the patient
	Entries  []entry  `json:"entries"`
}

type entry struct {
	Date  string `json:"date"`
	Title string `json:"title"`
	Text  string `json:"text"`
	Site  string `json:"site,omitempty"` // where it was written, as its writer says
}

// shelf holds the records. Safe for concurrent use.
type shelf struct {
	mu  sync.Mutex
	all map[string]record
}

// maxEntries bounds a record: this is a demonstration that runs for days.
const maxEntries = 200

func loadRecords() (*shelf, error) {
	dec := json.NewDecoder(bytes.NewReader(recordsFile))
	dec.DisallowUnknownFields()
	var list []record
	if err := dec.Decode(&list); err != nil {
		return nil, fmt.Errorf("dmp: records: %w", err)
	}
	all := make(map[string]record, len(list))
	for _, r := range list {
		all[r.ID] = r
	}
	return &shelf{all: all}, nil
}

// get gives one patient's record, without any right checked yet.
func (s *shelf) get(id string) (record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.all[id]
	if !ok {
		return record{}, fault.New(fault.NotFound, codeNoRecord, "no such record")
	}
	return r, nil
}

// add puts a document on top of a record. Records given out before do not change.
func (s *shelf) add(id string, e entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.all[id]
	switch {
	case !ok:
		return fault.New(fault.NotFound, codeNoRecord, "no such record")
	case len(r.Entries) >= maxEntries:
		return fault.New(fault.Conflict, codeFullRecord, "the record is full")
	}
	r.Entries = append(slices.Clone(r.Entries), e)
	s.all[id] = r
	return nil
}

// list gives the records in the order of their id.
func (s *shelf) list() []record {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]record, 0, len(s.all))
	for _, r := range s.all {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b record) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	return all
}

// caredForBy tells whether the structure of a situation is in the care team,
// a fact of this service's own records and not of the token.
func (r record) caredForBy(s *situation) bool {
	return s != nil && s.StructureID != "" && slices.Contains(r.CareTeam, s.StructureID)
}
