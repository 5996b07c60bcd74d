// Package fault holds the few kinds of failure that the house knows.
//
// Deep code says what went wrong with a kind, a public code and a cause; each
// edge (OAuth JSON, redirect, page, phone, command line) has one table from
// kind to its own words. Whatever is not a fault is Internal: logged with its
// whole chain, shown to nobody.
package fault

import (
	"errors"
	"fmt"
)

// Kind is what an edge needs to know to choose its answer.
type Kind uint8

// The kinds, and what a caller may do about each.
const (
	Internal    Kind = iota // ours; nothing the caller can do
	NotFound                // no such thing, or none this caller may know of
	Expired                 // was good, too late
	Used                    // was good, already consumed
	Denied                  // known, understood, refused
	Invalid                 // malformed or inconsistent input
	Conflict                // somebody else changed it first
	Unavailable             // a part we need cannot confirm; try again later
)

var names = [...]string{"internal", "not_found", "expired", "used", "denied", "invalid", "conflict", "unavailable"}

// String names the kind as logs and tests spell it.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return names[Internal]
}

// Error is a failure of a known kind. Detail is safe to show to the caller;
// the cause goes to the log only.
type Error struct {
	Kind   Kind
	Code   string // public code, "PF-EC-010" (ux.md 3.5), or empty
	Detail string // one English sentence without secrets or personal data
	cause  error
}

// New makes a failure without a deeper cause.
func New(kind Kind, code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail}
}

// Wrap makes a failure that keeps its cause for the log.
func Wrap(kind Kind, code, detail string, cause error) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail, cause: cause}
}

// Error prints the whole chain, for logs.
func (e *Error) Error() string {
	s := e.Kind.String() + ": " + e.Detail
	if e.Code != "" {
		s = e.Code + ": " + s
	}
	if e.cause != nil {
		s = fmt.Sprintf("%s: %v", s, e.cause)
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// KindOf gives the kind of the outermost fault in the chain, Internal if none.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Kind
	}
	return Internal
}

// Is tells whether err is a fault of that kind. A nil error is of no kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// CodeOf gives the public code of the outermost fault that carries one.
func CodeOf(err error) string {
	for err != nil {
		f, ok := errors.AsType[*Error](err)
		if !ok {
			return ""
		}
		if f.Code != "" {
			return f.Code
		}
		err = f.cause
	}
	return ""
}
