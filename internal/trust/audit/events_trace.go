package audit

import "time"

// TailRepaired says that at start, bytes after the last whole record were set aside.
// They were never acknowledged to anybody.
type TailRepaired struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	Kept  string `json:"kept"` // where the bytes were put aside
}

// FailuresSummarised counts what strangers tried in vain.
type FailuresSummarised struct {
	Kind   FailureKind `json:"kind"`
	Code   string      `json:"code,omitempty"`
	Source string      `json:"source"` // network prefix, "unknown", or "others" past the cap
	Count  uint64      `json:"count"`
	From   time.Time   `json:"from"`
	To     time.Time   `json:"to"`
}

// TracesRead says that somebody read traces, and why (PG-68).
type TracesRead struct {
	Reader string `json:"reader"`
	Reason string `json:"reason"` // reference of the request, never prose
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
}

// TracesPurged says that every record before Before may be gone, by rule and not by
// fault (PG-66). It is recorded before the first file is deleted, and it counts
// from the beginning, so that the last one alone explains every missing day.
type TracesPurged struct {
	Before uint64 `json:"before"` // number of the first record kept
	Day    string `json:"day"`    // first day kept
}

// ReserveReleased says that the disk was full and the space kept for real acts is in use.
type ReserveReleased struct {
	Bytes int64 `json:"bytes"`
}

func (TailRepaired) event() string       { return "traces.tail_repaired" }
func (FailuresSummarised) event() string { return "failures.summarised" }
func (TracesRead) event() string         { return "traces.read" }
func (TracesPurged) event() string       { return "traces.purged" }
func (ReserveReleased) event() string    { return "traces.reserve_released" }
