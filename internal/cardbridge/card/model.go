package card

import (
	"context"
	"errors"
)

// model is all that differs between the cards.
type model struct {
	class byte

	start      func(ctx context.Context, s *Session) error // before the first file
	selectPath func(ctx context.Context, s *Session, path []byte) error
	tries      func(ctx context.Context, s *Session) (int, error)
	key        func(told byte) byte // reference of the authentication key
	sign       func(ctx context.Context, s *Session, digestInfo []byte) ([]byte, error)
}

// Application names [C CL, OSC dir.c].
var (
	aidContact     = []byte{0xe8, 0x28, 0xbd, 0x08, 0x0f, 0x80, 0x25, 0x00, 0x00, 0x01, 0xff, 0x00, 0x10}
	aidContactless = []byte{0xe8, 0x28, 0xbd, 0x08, 0x0f, 0x80, 0x25, 0x00, 0x00, 0x01, 0xff, 0x00, 0x20}
	aidRoot        = []byte{0x80, 0x25, 0x00, 0x00, 0x01, 0xff, 0x01, 0x00} // ChipDoc on CPS4
	aidIDS         = []byte{0xa0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00}
	aidCPS2ter     = []byte{0x80, 0x25, 0x00, 0x00, 0x01, 0xff, 0x00, 0x02}
)

func models() map[Kind]model {
	return map[Kind]model{
		CPS3: {
			class: 0x00, start: startAtOnce, selectPath: selectFromRoot,
			tries: triesByData, key: keyAsTold, sign: signByAuthentication,
		},
		CPS4: { // all on logical channel 1
			class: 0x01, start: startChipDoc, selectPath: selectLast,
			tries: triesByVerify, key: keyOfCPS4, sign: signByDecipher,
		},
	}
}

func startAtOnce(context.Context, *Session) error { return nil }

// startChipDoc selects the application that is CPS4's root on its channel, by
// the detour of the Cryptolib when it is not there at first [C CL card-cps4.c].
func startChipDoc(ctx context.Context, s *Session) error {
	sw, err := s.selectAID(ctx, aidRoot)
	if err != nil || sw == swOK {
		return err
	}
	if _, err = s.selectAID(ctx, aidIDS); err != nil {
		return err
	}
	s.model.class = 0x00 // the one command on the basic channel
	_, err = s.selectAID(ctx, aidCPS2ter)
	s.model.class = 0x01
	if err != nil {
		return err
	}
	sw, err = s.selectAID(ctx, aidRoot)
	err = expect("select card", insSelect, sw, err)
	if errors.Is(err, errAbsent) {
		return unknown("it has no application of ours")
	}
	return err
}

// enter selects the IAS application of the contact side. A card that has only
// the contactless one was reached without contact, whatever its reader says.
func (s *Session) enter(ctx context.Context) error {
	sw, err := s.selectAID(ctx, aidContact)
	if err == nil && sw == swNotFound {
		if other, err := s.selectAID(ctx, aidContactless); err == nil && other == swOK {
			return contactless()
		}
		return unknown("it has no application for logins")
	}
	return expect("select application", insSelect, sw, err)
}

// selectFromRoot selects by the whole path [C].
func selectFromRoot(ctx context.Context, s *Session, path []byte) error {
	_, sw, err := s.send(ctx, apdu{ins: insSelect, p1: 0x09, p2: 0x0c, data: path, want: none})
	return expect("select file", insSelect, sw, err)
}

// selectLast is CPS4's way: without 3F00, the last identifier alone, and when it
// is not found from here, the folder first and the rest from there [C CL
// card-cps4.c]. What lies right below 3F00 goes by P1 00.
func selectLast(ctx context.Context, s *Session, path []byte) error {
	const byID, byPath = 0x00, 0x09
	one := func(p1 byte, path []byte) (int, error) {
		_, sw, err := s.send(ctx, apdu{ins: insSelect, p1: p1, p2: 0x0c, data: path, want: none})
		return sw, err
	}
	below := path[len(root):]
	if len(below) == 2 {
		sw, err := one(byID, below)
		return expect("select file", insSelect, sw, err)
	}
	sw, err := one(byPath, below[len(below)-2:])
	if err == nil && sw == swNotFound {
		if sw, err = one(byID, below[:2]); err == nil && sw == swOK {
			sw, err = one(byPath, below[2:])
		}
	}
	return expect("select file", insSelect, sw, err)
}
