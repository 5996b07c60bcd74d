// Package directory is the register of health professionals: it imports the
// files of the Annuaire Santé and FINESS, answers who somebody is, and can
// invent a whole register for tests (rpps-import.md).
//
// The rows of every source are kept as they came, side by side in one record
// per person; they become a rpps.Professional when somebody asks. Which source
// wins is thus one function (see assemble), and each file can be imported
// alone, in any order.
package directory

import (
	"context"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// Directory answers who a professional is.
type Directory interface {
	// Lookup finds a person by any known identifier. A closed record is
	// returned with Closed set (S-94). What it returns is shared: read only.
	// Errors: fault.NotFound with PF-ID-002.
	Lookup(ctx context.Context, id rpps.NationalID) (rpps.Professional, error)
}

var _ Directory = (*Register)(nil)
