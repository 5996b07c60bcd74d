package op

import (
	"context"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/fault"
)

// codeClosed tells that the register no longer holds the person (PG-03).
const codeClosed = "PF-ID-003"

// standing checks the person behind a grant again: at the answer, at redemption,
// at refresh, at UserInfo (D6). His epoch must be the one he logged in under,
// and the register must still hold him open. fault.Denied if not.
func (o *OP) standing(ctx context.Context, a authn.Authentication) (rpps.Professional, error) {
	epoch, err := o.subjects.Epoch(ctx, a.Sub)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return rpps.Professional{}, err
	}
	if err != nil || epoch != a.Epoch {
		return rpps.Professional{}, fault.New(fault.Denied, "", "the holder ended everything that was open")
	}
	p, err := o.directory.Lookup(ctx, a.Subject)
	if fault.Is(err, fault.NotFound) {
		return rpps.Professional{}, fault.New(fault.Denied, codeClosed, "the holder is not in the register")
	}
	if err != nil {
		return rpps.Professional{}, err
	}
	if p.Closed {
		return rpps.Professional{}, fault.New(fault.Denied, codeClosed, "the holder's record is closed")
	}
	return p, nil
}
