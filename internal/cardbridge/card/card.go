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
	"errors"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Session is the use of one card, from its selection to its signature.
type Session struct {
	link    cardbridge.Card
	kind    Kind
	model   model
	sent    int  // APDUs, bounded
	tried   bool // a PIN was sent: nothing is begun anew after it
	again   bool // begun anew once
	objects objects
	public  *rsa.PublicKey // of the authentication certificate, once read
}

// Open selects the card's application and reads where things lie.
// Errors: fault.Denied with CodeContactless or CodeCardUnknown, fault.NotFound
// with CodeCardRemoved, fault.Unavailable with CodeCardError.
func Open(ctx context.Context, link cardbridge.Card) (*Session, error) {
	s := &Session{link: link, kind: Identify(link.ATR())}
	switch s.kind {
	case CPS3, CPS4:
	case Contactless:
		return nil, contactless()
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
		return disturbed(err)
	}
	s.again = true
	if err = s.link.Reconnect(ctx); err == nil {
		err = s.prepare(ctx)
	}
	if err == nil {
		err = step(ctx)
	}
	if fault.Is(err, fault.Conflict) && fault.CodeOf(err) != cps.CodeBusy {
		return disturbed(err)
	}
	return err
}

// prepare selects the application and reads its directories.
func (s *Session) prepare(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.confirm, s.locate, s.enter, s.readObjects} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// EF.SN.ICC, and how it begins on every card of ours [C CL, OSC#2275].
var (
	pathSerial = []byte{0x3f, 0x00, 0xd0, 0x03}
	issuer     = []byte{0x5a, 0x0a, 0x80, 0x25, 0x00, 0x00, 0x01}
)

// confirm checks what the answer to reset has only hinted at.
func (s *Session) confirm(ctx context.Context) error {
	if err := s.model.start(ctx, s); err != nil {
		return err
	}
	b, err := s.readFile(ctx, pathSerial)
	if errors.Is(err, errAbsent) || err == nil && !bytes.HasPrefix(b, issuer) {
		return unknown("another authority has issued it")
	}
	return err
}

// Lengths of an authentication key: 2048 bits on every card seen [C OSC#2267].
const (
	shortestKey = 2048 / 8
	longestKey  = 4096 / 8
)

// Certificate reads the authentication certificate (DER).
// Errors: as Open; fault.Unavailable with CodeCardError for what is none.
func (s *Session) Certificate(ctx context.Context) ([]byte, error) {
	var file []byte
	err := s.begin(ctx, func(ctx context.Context) error {
		var err error
		file, err = s.readFile(ctx, s.objects.certificate)
		return err
	})
	if err != nil {
		return nil, err
	}
	der, _, ok := next(file) // files are allocated larger than what they hold
	if !ok {
		return nil, faulty("its certificate cannot be read")
	}
	cert, err := x509.ParseCertificate(der.whole)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, cps.CodeCardError, "card: its certificate cannot be read", err)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || key.Size() < shortestKey || key.Size() > longestKey {
		return nil, faulty("its key is of another kind")
	}
	s.public = key
	return der.whole, nil
}

func unknown(why string) error {
	return fault.New(fault.Denied, cps.CodeCardUnknown, "not a card of health professionals: "+why)
}

func contactless() error {
	return fault.New(fault.Denied, cps.CodeContactless, "a contactless card proves no person")
}
