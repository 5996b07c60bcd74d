package cps

import (
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/trust/igc"
)

// Card is what an authentication certificate says of a card and its holder.
// Names come from the register; those of the certificate only help to diagnose.
type Card struct {
	Holder     rpps.NationalID // CN: national identifier
	Number     string          // "8025000001/2800636234"
	Type       igc.CardType
	Category   igc.Category
	Profession int    // TRE_G15; 0 for staff
	Family     string // SN
	Given      string // GN
	Title      string
	Serial     string // of the certificate, in hex
	Issuer     string // common name of the authority
	Range      igc.Range
	NotBefore  time.Time
	NotAfter   time.Time
}

// Verdict is what the checks of an answer found, also beside an error: as much
// of the card as was read, the check that failed, and whether the card's key
// has signed this very login. Only then is the holder more than a claim.
type Verdict struct {
	Card   Card
	Check  int // number of the failed check (cps-card.md section 8); 0 if none failed
	Proven bool
}
