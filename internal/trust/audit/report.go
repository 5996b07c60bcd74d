package audit

import (
	"cmp"
	"fmt"
	"slices"
)

// FindingKind is what may be wrong with a log.
type FindingKind string

// What the verifier finds.
const (
	Changed      FindingKind = "changed"   // a record is not what was recorded
	Missing      FindingKind = "missing"   // records are gone from the middle
	Cut          FindingKind = "cut"       // records are gone from the end of a file
	Swapped      FindingKind = "swapped"   // records stand in another order than they were recorded
	Inserted     FindingKind = "inserted"  // a line that was never recorded
	BadSignature FindingKind = "signature" // a checkpoint the key of the log did not sign
	Rewritten    FindingKind = "rewritten" // the history contradicts the earlier checkpoint
	BadTree      FindingKind = "tree"      // the Merkle log does not give its signed root, or is damaged
)

// Finding is one fault, by file and number.
type Finding struct {
	Kind   FindingKind `json:"kind"`
	File   string      `json:"file"`
	From   uint64      `json:"from"` // first record concerned
	To     uint64      `json:"to"`   // last one
	Detail string      `json:"detail,omitempty"`
}

// String tells the fault in one line.
func (f Finding) String() string {
	s := fmt.Sprintf("%s: %s", f.File, f.Kind)
	switch {
	case f.Kind == BadSignature || f.Kind == BadTree:
	case f.From == f.To:
		s += fmt.Sprintf(": record %d", f.From)
	default:
		s += fmt.Sprintf(": records %d to %d", f.From, f.To)
	}
	if f.Detail != "" {
		s += " (" + f.Detail + ")"
	}
	return s
}

// Report is what a verification found out.
type Report struct {
	Origin   string    `json:"origin"`   // name of the log, as signed
	Size     uint64    `json:"size"`     // records the signed checkpoint covers
	Root     string    `json:"root"`     // of the tree, base64
	Earlier  *uint64   `json:"earlier"`  // size at the earlier checkpoint, if one was given
	Verified uint64    `json:"verified"` // records proven unchanged
	Purged   uint64    `json:"purged"`   // records deleted by rule, with a proven event that says so
	Pending  uint64    `json:"pending"`  // records younger than the checkpoint: whole, not yet provable
	Torn     int64     `json:"torn"`     // bytes after the last whole record: the provider repairs them at its next start
	Findings []Finding `json:"findings"`
}

// OK tells whether nothing is wrong.
func (r Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) add(f Finding) { r.Findings = append(r.Findings, f) }

// addNumbers adds one finding per run of neighbouring records.
func (r *Report) addNumbers(kind FindingKind, file string, numbers []uint64) {
	slices.Sort(numbers)
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] <= numbers[j]+1 {
			j++
		}
		r.add(Finding{Kind: kind, File: file, From: numbers[i], To: numbers[j]})
		i = j + 1
	}
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.File, b.File), cmp.Compare(a.Kind, b.Kind))
	})
}
