// Package card drives a CPS card over a cardbridge.Card: which card it is,
// where its authentication key and certificate lie, the PIN, the signature
// (cps-card.md sections 1 to 4). What differs between CPS3 and CPS4 is in one
// table (model.go).
//
// Its rules: nothing is hard-coded that the card itself tells; the PIN counter
// is read first; one PIN per call and never a second one by itself; no data of
// a command that carries a secret ever enters an error.
package card

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"slices"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Kind is which card stands in a reader, in the words of the protocol.
type Kind string

// The kinds.
const (
	CPS3        Kind = "cps3"
	CPS4        Kind = "cps4"
	Contactless Kind = "contactless"
	Unknown     Kind = "unknown"
	None        Kind = "none"
)

// pattern is an ATR and the bits of it that count.
type pattern struct {
	kind      Kind
	atr, mask []byte
}

// patterns are the ATRs of cps-card.md section 1.
func patterns() []pattern {
	exact := func(n int) []byte { return bytes.Repeat([]byte{0xff}, n) }
	return []pattern{
		// [C CL, OSC, PL]; also older cards of the family.
		{CPS3, []byte{0x3b, 0xac, 0x00, 0x40, 0x2a, 0x00, 0x12, 0x25, 0x00, 0x64, 0x80, 0x00, 0x00, 0x00, 0x00, 0x90, 0x00},
			[]byte{0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff}},
		// [C CL, PL, RUN]
		{Contactless, []byte{0x3b, 0x8f, 0x80, 0x01, 0x00, 0x31, 0xb8, 0x64, 0x00, 0x00, 0xec, 0xc0, 0x73, 0x94, 0x01, 0x80, 0x82, 0x90, 0x00, 0x0e},
			slices.Concat(exact(8), []byte{0x00, 0x00, 0xff, 0xc0}, exact(8))},
		// [C CL]: deployed, release candidate, T=0 only.
		{CPS4, []byte{0x3b, 0x9b, 0x18, 0x80, 0x01, 0x00, 0x12, 0x25, 0x00, 0x64, 0x80, 0x04, 0x01, 0x00, 0x00, 0x90, 0x44}, exact(17)},
		{CPS4, []byte{0x3b, 0x9b, 0x18, 0x80, 0x01, 0x00, 0x12, 0x25, 0x00, 0x64, 0x80, 0x00, 0x04, 0x01, 0x00, 0x90, 0x44}, exact(17)},
		{CPS4, []byte{0x3b, 0xdc, 0x18, 0xff, 0x00, 0x00, 0x12, 0x25, 0x00, 0x64, 0x80, 0x00, 0x04, 0x01, 0x00, 0x90, 0x00}, exact(17)},
	}
}

// Identify reads the kind from an answer to reset. It is a hint: Open confirms it.
func Identify(atr []byte) Kind {
	if len(atr) == 0 {
		return None
	}
	for _, p := range patterns() {
		if len(atr) != len(p.atr) {
			continue
		}
		same := true
		for i := range atr {
			same = same && (atr[i]^p.atr[i])&p.mask[i] == 0
		}
		if same {
			return p.kind
		}
	}
	return Unknown
}

// Session is the use of one card, from its selection to its signature.
type Session struct {
	link    cardbridge.Card
	kind    Kind
	model   model
	sent    int  // APDUs, bounded
	tried   bool // a PIN was sent: nothing is begun anew after it
	again   bool // begun anew once
	objects objects
	key     *rsa.PublicKey // of the authentication certificate, once read
}

// Open selects the card's application and reads where things lie.
// Errors: fault.Denied with CodeContactless or CodeCardUnknown, fault.NotFound
// with CodeCardRemoved, fault.Unavailable with CodeCardError.
func Open(ctx context.Context, link cardbridge.Card) (*Session, error) {
	s := &Session{link: link, kind: Identify(link.ATR())}
	switch s.kind {
	case CPS3, CPS4:
	case Contactless:
		return nil, fault.New(fault.Denied, cps.CodeContactless, "a contactless card proves no person")
	case Unknown, None:
		return nil, unknown("its answer to reset is none of ours")
	}
	s.model = models()[s.kind]
	if err := s.begin(ctx, s.prepare); err != nil {
		return nil, err
	}
	return s, nil
}

// Kind gives the kind of the card.
func (s *Session) Kind() Kind { return s.kind }

// begin runs a step, and once in a session begins anew from the selection when
// another program has reset the card; never after a PIN was sent.
func (s *Session) begin(ctx context.Context, step func(context.Context) error) error {
	err := step(ctx)
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	if s.tried || s.again {
		return fault.Wrap(fault.Unavailable, cps.CodeCardError, "another program disturbs the card", err)
	}
	s.again = true
	if err := s.link.Reconnect(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return step(ctx)
}

// prepare selects the application and reads its directories.
func (s *Session) prepare(ctx context.Context) error {
	if err := s.confirm(ctx); err != nil {
		return err
	}
	if err := s.model.enter(ctx, s); err != nil {
		return err
	}
	found, err := s.readObjects(ctx)
	s.objects = found
	return err
}

// issuer begins EF.SN.ICC of every card of ours [C CL, OSC#2275].
var issuer = []byte{0x5a, 0x0a, 0x80, 0x25, 0x00, 0x00, 0x01}

// confirm checks what the answer to reset has only hinted at.
func (s *Session) confirm(ctx context.Context) error {
	b, err := s.model.serial(ctx, s)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(b, issuer) {
		return unknown("another authority has issued it")
	}
	return nil
}

// Certificate reads the authentication certificate (DER).
// Errors: as Open; fault.Unavailable with CodeCardError for what is none.
func (s *Session) Certificate(ctx context.Context) ([]byte, error) {
	var der []byte
	err := s.begin(ctx, func(ctx context.Context) error {
		var err error
		der, err = s.readFile(ctx, s.objects.certificate, maxFile)
		return err
	})
	if err != nil {
		return nil, err
	}
	der = trim(der)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, cps.CodeCardError, "the card's certificate cannot be read", err)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fault.New(fault.Unavailable, cps.CodeCardError, "the card's key is of another kind")
	}
	s.key = key
	return der, nil
}

func unknown(why string) error {
	return fault.New(fault.Denied, cps.CodeCardUnknown, "not a card of health professionals: "+why)
}
