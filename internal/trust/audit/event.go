// Package audit keeps the traces that make others believe us: a closed list of
// typed events, recorded durably before the answer leaves, in a tamper-evident
// log that anybody can verify without us (pgssi-s.md PG-60 to PG-64).
//
// The durable step is one line of JSON per record, appended to a file per node
// and day and synced once for all who wait. Behind it, without anybody
// waiting, a Merkle log takes in a salted hash of each line: line n is entry n
// (storage.md section 2, architecture point 5). A day can be deleted and every
// proof still holds; a changed, missing, swapped or cut record shows.
package audit

import (
	"context"
)

// Event is one consequential act. The list is closed: only this package can
// add a kind, one struct each, no free text. Never in an event: PIN, codes,
// tokens, keys, whole certificates, patient data (PG-62).
type Event interface {
	// event gives the stable name, "login.succeeded".
	event() string
}

// Recorder makes an event durable. When it answers nil the trace survives a
// crash; when it fails the act must be refused with fault.Unavailable.
type Recorder interface {
	Record(ctx context.Context, e Event) error
}

// Name gives the stable name under which an event is kept.
func Name(e Event) string { return e.event() }
