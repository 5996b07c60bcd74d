package audit

import (
	fmtlog "github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"

	"github.com/egide-id/egide/internal/platform/fault"
)

// checkpoint is the head of the Merkle log: name, size, root.
type checkpoint = fmtlog.Checkpoint

// parseCheckpoint reads our own checkpoint without checking its signature.
func parseCheckpoint(raw []byte) (checkpoint, error) {
	var cp checkpoint
	if _, err := cp.Unmarshal(raw); err != nil {
		return cp, fault.Wrap(fault.Invalid, "", "checkpoint cannot be read", err)
	}
	return cp, nil
}

// openCheckpoint reads a checkpoint and checks who signed it (C2SP
// tlog-checkpoint).
func openCheckpoint(raw []byte, v note.Verifier) (*checkpoint, error) {
	cp, _, _, err := fmtlog.ParseCheckpoint(raw, v.Name(), v)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "checkpoint is not signed by the key of this log", err)
	}
	return cp, nil
}
