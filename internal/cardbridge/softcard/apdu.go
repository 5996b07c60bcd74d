package softcard

// Instructions that the card knows (ISO 7816-4 and -8).
const (
	insVerify       = 0x20
	insMSE          = 0x22
	insPSO          = 0x2a
	insUnblock      = 0x2c
	insInternalAuth = 0x88
	insSelect       = 0xa4
	insReadBinary   = 0xb0
	insGetResponse  = 0xc0
	insGetData      = 0xcb
)

// chaining is the class bit of a command that goes on (ISO 7816-4, 5.3.3).
const chaining = 0x10

// Status words (cps-card.md section 4; ISO 7816-4).
const (
	swOK          = 0x9000
	swWrongLength = 0x6700
	swChain       = 0x6883 // another command than the one that goes on
	swSecurity    = 0x6982
	swBlocked     = 0x6983
	swUnusable    = 0x6984 // the use counter is at zero
	swConditions  = 0x6985
	swNoFile      = 0x6986
	swData        = 0x6a80
	swNotFound    = 0x6a82
	swParameters  = 0x6a86
	swNoReference = 0x6a88
	swPastTheEnd  = 0x6b00
	swInstruction = 0x6d00
	swClass       = 0x6e00
)

// command is one short APDU.
type command struct {
	cla, ins, p1, p2 byte
	data             []byte
	hasData, hasLe   bool
	le               byte
}

// parse reads the four short cases of ISO 7816-3; extended lengths do not exist
// on these cards.
func parse(b []byte) (command, bool) {
	const head = 4
	if len(b) < head {
		return command{}, false
	}
	c := command{cla: b[0], ins: b[1], p1: b[2], p2: b[3]}
	rest := b[head:]
	switch {
	case len(rest) == 0:
		return c, true
	case len(rest) == 1:
		c.hasLe, c.le = true, rest[0]
		return c, true
	}
	n := int(rest[0])
	if n == 0 || len(rest) < 1+n || len(rest) > 2+n {
		return command{}, false
	}
	c.hasData, c.data = true, rest[1:1+n]
	if len(rest) == 2+n {
		c.hasLe, c.le = true, rest[1+n]
	}
	return c, true
}

// parameters are P1 and P2 as one word.
func (c command) parameters() int { return int(c.p1)<<8 | int(c.p2) }

// continues tells that c carries on the chain that begun began.
func (c command) continues(begun command) bool {
	return c.ins == begun.ins && c.parameters() == begun.parameters()
}

// length is how many bytes the caller wants; 0 and absent mean 256.
func (c command) length() int {
	if !c.hasLe || c.le == 0 {
		return 256
	}
	return int(c.le)
}

func status(sw uint16) []byte { return []byte{byte(sw >> 8), byte(sw)} } //nolint:gosec // the two halves
