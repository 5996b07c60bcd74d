// Package softcard is a CPS card without the plastic: an emulator that answers
// real APDUs (cps-card.md sections 1 to 4), reached in this process (Slots) or
// as a card in a vpcd reader behind a real pcscd (Vpcd). It plays CPS3 in
// contact mode, CPS3 contactless and CPS4; what differs between them is in one
// table (model.go).
//
// It holds private keys of invented persons and guards nothing: its purpose is
// that the bridge meets the same bytes, status words and refusals as with a real
// card.
package softcard

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"sync"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// Options change a card from the one that its file describes.
type Options struct {
	Tries int // wrong PINs left; 0 means three, negative none
	Uses  int // PIN uses left by the use counter that some CPS3 have; 0 means no counter, negative none left
}

// Emulator is one card. Safe for concurrent use; a card answers one command at a time.
type Emulator struct {
	mu    sync.Mutex
	model *model
	root  *file
	pin   pin
	keys  map[byte]*rsa.PrivateKey // by key reference

	// What a reset forgets.
	current  *file
	verified bool
	pending  []byte               // answer that GET RESPONSE fetches
	chain    *command             // what chained commands have brought so far
	env      map[byte]environment // by template
	hash     []byte               // result of PSO HASH
}

// What cards carry: an empty unblock code would unblock for anybody.
var (
	tenDigits = regexp.MustCompile(`^[0-9]{10}$`)
	pinDigits = regexp.MustCompile(`^[0-9]{4,8}$`)
	pukDigits = regexp.MustCompile(`^[0-9]{8}$`)
)

// New puts the contents of a card file on a card. Errors: fault.Invalid.
func New(c igc.CardFile, o Options) (*Emulator, error) {
	m, known := models()[c.Model]
	if !known {
		return nil, fault.New(fault.Invalid, "", "no card model is called "+c.Model)
	}
	if !tenDigits.MatchString(c.Number) || !pinDigits.MatchString(c.PIN) || !pukDigits.MatchString(c.PUK) {
		return nil, fault.New(fault.Invalid, "", "card file: number, PIN or PUK is not of ten, four to eight, eight digits")
	}
	authentication, err := open(c.Authentication)
	if err != nil {
		return nil, err
	}
	signature, err := open(c.Signature)
	if err != nil {
		return nil, err
	}
	e := &Emulator{model: m, pin: newPIN(c, o), keys: map[byte]*rsa.PrivateKey{}}
	e.keys[m.authentication] = authentication.key
	e.keys[m.signature] = signature.key
	e.root = m.tree(contents{number: c.Number, authentication: authentication.der, signature: signature.der, holder: c.Holder})
	e.Reset()
	return e, nil
}

type pair struct {
	key *rsa.PrivateKey
	der []byte
}

func open(k igc.KeyPair) (pair, error) {
	bad := func(err error) (pair, error) {
		return pair{}, fault.Wrap(fault.Invalid, "", "card file: a key or certificate cannot be read", err)
	}
	secret, _ := pem.Decode([]byte(k.Key))
	public, _ := pem.Decode([]byte(k.Certificate))
	if secret == nil || public == nil {
		return bad(nil)
	}
	key, err := x509.ParsePKCS8PrivateKey(secret.Bytes)
	if err != nil {
		return bad(err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return bad(nil)
	}
	return pair{key: private, der: public.Bytes}, nil
}

// ATR is the answer to reset.
func (e *Emulator) ATR() []byte { return e.model.atr }

// T0 tells that the card speaks T=0.
func (e *Emulator) T0() bool { return e.model.t0 }

// Reset is a power cycle or a warm reset: selection and PIN are forgotten.
func (e *Emulator) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current, e.verified, e.pending, e.chain, e.hash, e.env = e.root, false, nil, nil, nil, map[byte]environment{}
}

// Transmit answers one command APDU; the last two bytes are the status.
func (e *Emulator) Transmit(apdu []byte) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := parse(apdu)
	if !ok {
		return status(swWrongLength)
	}
	if !e.model.class(c.cla) {
		return status(swClass)
	}
	if c.ins == insGetResponse && e.model.t0 {
		return e.getResponse(c)
	}
	e.pending = nil
	if c, ok = e.chained(c); !ok {
		return status(swChain)
	}
	if c.cla&chaining != 0 {
		return e.gather(c)
	}
	run, known := e.model.commands[c.ins]
	if !known {
		return status(swInstruction)
	}
	data, sw := run(e, c)
	return e.reply(c, data, sw)
}

// chained puts what came before in front of a command's data. Another command
// in the middle ends the chain: whatever was begun must not slip into it.
func (e *Emulator) chained(c command) (command, bool) {
	begun := e.chain
	e.chain = nil
	if begun == nil {
		return c, true
	}
	if !c.continues(*begun) {
		return c, false
	}
	c.data, c.hasData = append(begun.data, c.data...), true
	return c, true
}

// maxChain bounds a chained command: an RSA-2048 block with its indicator.
const maxChain = 512

// gather keeps a command that goes on (ISO 7816-4, 5.3.3).
func (e *Emulator) gather(c command) []byte {
	if len(c.data) > maxChain {
		return status(swWrongLength)
	}
	c.data = append([]byte{}, c.data...) // the caller may reuse its buffer
	e.chain = &c
	return status(swOK)
}

// reply shapes the answer for the protocol: T=0 cannot send data after it took
// some (61xx), and wants an exact length otherwise (6Cxx); T=1 cuts.
func (e *Emulator) reply(c command, data []byte, sw uint16) []byte {
	want := c.length()
	switch {
	case len(data) == 0 || sw != swOK:
		return status(sw)
	case e.model.t0 && c.hasData:
		e.pending = data
		return status(sized(0x6100, data))
	case e.model.t0 && want != len(data):
		return status(sized(0x6c00, data))
	case want < len(data):
		data = data[:want]
	}
	return append(append([]byte{}, data...), status(sw)...)
}

// sized is a status that tells a length, 00 for 256.
func sized(sw uint16, data []byte) uint16 { return sw | uint16(byte(len(data))) } //nolint:gosec // one byte

// getResponse hands out what a T=0 command left.
func (e *Emulator) getResponse(c command) []byte {
	data := e.pending
	switch want := c.length(); {
	case len(data) == 0:
		return status(swConditions)
	case want > len(data):
		return status(sized(0x6c00, data))
	case want < len(data):
		e.pending = data[want:]
		return append(append([]byte{}, data[:want]...), status(sized(0x6100, e.pending))...)
	}
	e.pending = nil
	return append(append([]byte{}, data...), status(swOK)...)
}
