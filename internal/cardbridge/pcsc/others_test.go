//go:build pcsc

package pcsc_test

import (
	"testing"

	"github.com/ebfe/scard"

	"github.com/egide-id/egide/internal/cardbridge/pcsc"
)

// Another program ends with a reset, as we do ourselves, between our connection
// and our transaction: the login goes on.
func TestProgramThatLeavesWithAReset(t *testing.T) {
	b := newBench(t)
	b.insert(0, "cps3", nil)
	name := b.Readers[0]
	ours, err := scard.EstablishContext()
	must(t, err)
	c, err := ours.Connect(name, scard.ShareShared, scard.ProtocolAny)
	must(t, err)
	theirs, err := scard.EstablishContext()
	must(t, err)
	other, err := theirs.Connect(name, scard.ShareShared, scard.ProtocolAny)
	must(t, err)
	must(t, other.BeginTransaction())
	must(t, other.Disconnect(scard.ResetCard))
	must(t, theirs.Release())
	must(t, pcsc.Begin(c))
	answer, err := c.Transmit([]byte{0x00, 0xa4, 0x09, 0x0c, 0x02, 0x3f, 0x00})
	must(t, err)
	if len(answer) != 2 || answer[0] != 0x90 {
		t.Errorf("% x", answer)
	}
	must(t, c.Disconnect(scard.ResetCard))
	must(t, ours.Release())
}
