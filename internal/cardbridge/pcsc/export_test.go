//go:build pcsc

package pcsc

import (
	"github.com/ebfe/scard"

	"github.com/egide-id/egide/internal/platform/clock"
)

// Begin is what Connect does once connected.
var Begin = func(card *scard.Card) error { return begin(clock.System{}, card) }
