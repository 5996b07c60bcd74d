package dmp

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"

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
}

func loadRecords() (map[string]record, error) {
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
	return all, nil
}

// record gives one patient's record, without any right checked yet.
func (s *Service) record(id string) (record, error) {
	r, ok := s.records[id]
	if !ok {
		return record{}, fault.New(fault.NotFound, codeNoRecord, "no such record")
	}
	return r, nil
}

// list gives the records in the order of their id.
func (s *Service) list() []record {
	all := make([]record, 0, len(s.records))
	for _, r := range s.records {
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
