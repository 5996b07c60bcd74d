//go:build !pcsc

package pcsc

import (
	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Open answers fault.Unavailable: this build has no readers.
func Open(clock.Clock) (cardbridge.Transport, error) {
	return nil, fault.New(fault.Unavailable, "", "this card-bridge was built without card readers: build it with CGO_ENABLED=1 go build -tags pcsc")
}
