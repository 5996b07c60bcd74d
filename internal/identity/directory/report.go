package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Report tells what an import read, what it changed and why it stopped
// (rpps-import.md 6, rule 8). It holds line numbers and counts, never a name.
type Report struct {
	At          time.Time      `json:"at"`
	Elapsed     time.Duration  `json:"elapsed_ns"`
	Published   bool           `json:"published"`  // a new register is in service
	UpToDate    bool           `json:"up_to_date"` // the same files again: nothing to do
	Accepted    bool           `json:"accepted"`   // a human overrode the guard rails
	Refusals    []Refusal      `json:"refusals"`   // what stopped it, or would have without --accept
	Files       []FileReport   `json:"files"`
	Changes     []SourceReport `json:"changes"`
	Persons     int            `json:"persons"` // in the register after the import
	Closed      int            `json:"closed"`  // of which closed
	Entities    int            `json:"entities"`
	Aliases     int            `json:"aliases"`
	Ambiguous   int            `json:"ambiguous_aliases"` // claimed by two persons: resolved to nobody
	Resumed     int            `json:"resumed_files"`     // taken over from an import that died
	Fingerprint string         `json:"fingerprint"`       // of the files the register is made of
}

// Refusal is one guard rail that was hit.
type Refusal struct {
	Rule   string `json:"rule"` // bad-lines, too-few-rows, older, created, updated, missing, closed
	Source string `json:"source"`
	Detail string `json:"detail"`
}

// FileReport is what was found in one file.
type FileReport struct {
	Name           string         `json:"name"`
	Kind           string         `json:"kind"`
	Sources        []string       `json:"sources"`        // what it speaks for, as in Changes
	Date           string         `json:"date,omitempty"` // from the file's name, "202611220812"
	Rows           int            `json:"rows"`
	Bytes          int64          `json:"bytes"`
	SHA256         string         `json:"sha256"`
	Encoding       string         `json:"encoding"`
	Columns        int            `json:"columns,omitempty"`
	UnknownColumns []ExtraColumn  `json:"unknown_columns,omitempty"`
	RenamedColumns []ExtraColumn  `json:"renamed_columns,omitempty"` // read by their place
	BadLines       int            `json:"bad_lines"`
	FirstBadLines  []BadLine      `json:"first_bad_lines,omitempty"`
	Duplicates     int            `json:"duplicates"`
	KeyWarnings    int            `json:"wrong_check_digits"`
	UnknownCodes   []UnknownCode  `json:"unknown_codes,omitempty"`
	Skipped        map[string]int `json:"skipped,omitempty"` // known kinds of record that are not used
}

// ExtraColumn is a column this program does not know, kept aside.
type ExtraColumn struct {
	Position int    `json:"position"`
	Name     string `json:"name"`
	Filled   int    `json:"filled"`
}

// BadLine says where and why, never what the line held.
type BadLine struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// UnknownCode is a code absent from our nomenclature; the row is kept.
type UnknownCode struct {
	Column string `json:"column"`
	Code   string `json:"code"`
	Rows   int    `json:"rows"`
}

// SourceReport counts the persons (or entities) one source changed.
type SourceReport struct {
	Source    string `json:"source"`
	Before    int    `json:"before"`
	Created   int    `json:"created"`
	Updated   int    `json:"updated"`
	Unchanged int    `json:"unchanged"`
	Missing   int    `json:"missing"` // held before, absent from this file
	Closed    int    `json:"closed"`  // missing for the second time, or stated closed
	Reopened  int    `json:"reopened"`
}

// Info says what the register in service is made of.
type Info struct {
	Format   int                    `json:"format"`
	At       time.Time              `json:"at"`
	Sources  map[string]SourceState `json:"sources"`
	Persons  int                    `json:"persons"`
	Closed   int                    `json:"closed"`
	Entities int                    `json:"entities"`
	Aliases  int                    `json:"aliases"`
}

// SourceState is the last file (or files) of one source.
type SourceState struct {
	Files  []string  `json:"files"`
	Date   string    `json:"date,omitempty"`
	SHA256 string    `json:"sha256"`
	Rows   int       `json:"rows"`
	At     time.Time `json:"at"`
}

// fingerprint names the content by the files it came from.
func (i Info) fingerprint() string {
	h := sha256.New()
	for s := range sourceCount {
		if state, ok := i.Sources[s.String()]; ok {
			_, _ = h.Write([]byte(s.String() + "=" + state.SHA256 + "\n")) // a hash never fails
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
