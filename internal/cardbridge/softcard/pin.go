package softcard

import (
	"crypto/subtle"

	"github.com/egide-id/egide/internal/trust/igc"
)

// maxTries is the try counter of a fresh card [C].
const maxTries = 3

// refPIN is the reference of the holder's PIN [C OSC#2275; U on CPS4].
const refPIN = 0x01

// pin is the PIN object. Its counters survive a reset.
type pin struct {
	value, puk string
	tries      int
	pukTries   int
	uses       int // left by the use counter, if counted
	counted    bool
}

func newPIN(c igc.CardFile, o Options) pin {
	p := pin{value: c.PIN, puk: c.PUK, tries: maxTries, pukTries: maxTries}
	if o.Tries != 0 {
		p.tries = max(0, o.Tries)
	}
	if o.Uses != 0 {
		p.counted, p.uses = true, min(max(0, o.Uses), 255)
	}
	return p
}

// secret is the PIN, for a holder who types it on the reader.
func (e *Emulator) secret() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pin.value
}

// left is the answer to "how many tries": 63Cx or blocked. A use counter at
// zero blocks too, whatever tries remain [C]; with which status is [I].
func (p *pin) left() uint16 {
	switch {
	case p.tries == 0:
		return swBlocked
	case p.counted && p.uses == 0:
		return swUnusable
	}
	return 0x63c0 | uint16(p.tries) //nolint:gosec // at most three
}

// try compares a PIN in constant time and counts. The third wrong one is told by
// 63C0 [C CL card-cps4.c; I on CPS3], what comes after by 6983.
func (p *pin) try(value []byte) uint16 {
	if sw := p.left(); sw == swBlocked || sw == swUnusable {
		return sw
	}
	p.tries--
	if subtle.ConstantTimeCompare(value, []byte(p.value)) != 1 {
		return 0x63c0 | uint16(p.tries) //nolint:gosec // at most three
	}
	p.tries = maxTries
	if p.counted {
		p.uses--
	}
	return swOK
}

// verify is VERIFY: with data a try, without data a question.
func verify(e *Emulator, c command) ([]byte, uint16) {
	switch {
	case e.model.noPIN:
		return nil, swNoReference
	case c.p1 != 0 || c.p2 != refPIN:
		return nil, swNoReference
	case !c.hasData && e.verified:
		return nil, swOK
	case !c.hasData:
		return nil, e.pin.left()
	}
	sw := e.pin.try(c.data)
	e.verified = sw == swOK
	return nil, sw
}

// unblock is RESET RETRY COUNTER: unblock code, then the new PIN.
func unblock(e *Emulator, c command) ([]byte, uint16) {
	p := &e.pin
	if e.model.noPIN || c.p1 != 0 || c.p2 != refPIN {
		return nil, swNoReference
	}
	n := len(p.puk)
	if len(c.data) < n+4 || len(c.data) > n+8 {
		return nil, swWrongLength
	}
	if p.pukTries == 0 {
		return nil, swBlocked
	}
	p.pukTries--
	if subtle.ConstantTimeCompare(c.data[:n], []byte(p.puk)) != 1 {
		return nil, 0x63c0 | uint16(p.pukTries) //nolint:gosec // at most three
	}
	p.pukTries, p.tries, p.value = maxTries, maxTries, string(c.data[n:])
	return nil, swOK
}

// object is what GET DATA tells of the PIN [C OSC#2275]: 9A most tries, 9B tries
// left, 9D uses left on cards that count them, access rules.
func (p *pin) object() []byte {
	b := []byte{0x9a, 1, maxTries, 0x9b, 1, byte(p.tries)} //nolint:gosec // at most three
	if p.counted {
		b = append(b, 0x9d, 1, byte(p.uses)) //nolint:gosec // at most 255
	}
	return append(b, tlv(tagRules, tlv(tagContactRules, []byte{0xf3, 0x00, 0x00, 0x13, 0xff, 0x00}))...)
}
