package card

import (
	"context"
	"crypto/rsa"
)

// model is all that differs between the cards.
type model struct {
	class     byte
	reference byte // of the authentication key, where the card does not tell [C]

	serial     func(ctx context.Context, s *Session) ([]byte, error) // EF.SN.ICC
	enter      func(ctx context.Context, s *Session) error           // selects the application
	selectPath func(ctx context.Context, s *Session, path []byte) error
	tries      func(ctx context.Context, s *Session) (int, error)
	sign       func(ctx context.Context, s *Session, digestInfo []byte) ([]byte, error)
}

// Application names [C CL, OSC dir.c].
var (
	aidContact     = []byte{0xe8, 0x28, 0xbd, 0x08, 0x0f, 0x80, 0x25, 0x00, 0x00, 0x01, 0xff, 0x00, 0x10}
	aidContactless = []byte{0xe8, 0x28, 0xbd, 0x08, 0x0f, 0x80, 0x25, 0x00, 0x00, 0x01, 0xff, 0x00, 0x20}
	aidRoot        = []byte{0x80, 0x25, 0x00, 0x00, 0x01, 0xff, 0x01, 0x00}
	pathSerial     = []byte{0x3f, 0x00, 0xd0, 0x03}
)

func models() map[Kind]model {
	return map[Kind]model{
		CPS3: {
			class: 0x00, reference: 0x82, enter: enterApplication, selectPath: selectFromRoot, tries: triesByData, sign: signByAuthentication,
			serial: func(ctx context.Context, s *Session) ([]byte, error) { return s.readFile(ctx, pathSerial, maxChunk) },
		},
		CPS4: {
			class: 0x01, reference: 0x20, enter: enterApplication, selectPath: selectLast, tries: triesByVerify, sign: signByDecipher,
			serial: func(ctx context.Context, s *Session) ([]byte, error) {
				sw, err := s.selectAID(ctx, aidRoot)
				if err := expect("select card", insSelect, sw, err); err != nil {
					return nil, err
				}
				return s.readFile(ctx, pathSerial, maxChunk)
			},
		},
	}
}

// enterApplication selects the IAS application of the contact side. A card that
// has only the contactless one was reached without contact, whatever its reader says.
func enterApplication(ctx context.Context, s *Session) error {
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
	_, sw, err := s.send(ctx, s.command(insSelect, 0x09, 0x0c, path, -1))
	return expect("select file", insSelect, sw, err)
}

// selectLast is CPS4's way: the last identifier alone, and when it is not found
// from here, the folder above it first [C CL card-cps4.c].
func selectLast(ctx context.Context, s *Session, path []byte) error {
	one := func(id []byte) (int, error) {
		_, sw, err := s.send(ctx, s.command(insSelect, 0x09, 0x0c, id, -1))
		return sw, err
	}
	last := path[len(path)-2:]
	sw, err := one(last)
	if err == nil && sw == swNotFound && len(path) > 4 {
		if sw, err = one(path[len(path)-4 : len(path)-2]); err == nil && sw == swOK {
			sw, err = one(last)
		}
	}
	return expect("select file", insSelect, sw, err)
}

// signByAuthentication is CPS3: INTERNAL AUTHENTICATE, which pads by itself [C CL].
func signByAuthentication(ctx context.Context, s *Session, digestInfo []byte) ([]byte, error) {
	const clientAuthentication = 0x02
	set := []byte{0x80, 0x01, clientAuthentication, 0x84, 0x01, s.objects.reference}
	_, sw, err := s.send(ctx, s.command(insMSE, 0x41, 0xa4, set, -1))
	if err := expect("prepare key", insMSE, sw, err); err != nil {
		return nil, err
	}
	signature, sw, err := s.send(ctx, s.command(insInternalAuth, 0, 0, digestInfo, 0))
	return signature, expect("sign", insInternalAuth, sw, err)
}

// signByDecipher is CPS4: a raw RSA operation over a block that we pad [C CL card-cps4.c].
func signByDecipher(ctx context.Context, s *Session, digestInfo []byte) ([]byte, error) {
	_, sw, err := s.send(ctx, s.command(insMSE, 0x41, 0xb8, []byte{0x83, 0x01, s.objects.reference}, -1))
	if err := expect("prepare key", insMSE, sw, err); err != nil {
		return nil, err
	}
	signature, sw, err := s.chained(ctx, insPSO, 0x80, 0x86, padded(s.key, digestInfo))
	return signature, expect("sign", insPSO, sw, err)
}

// padded is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2): 00 01 FF..FF 00 DigestInfo.
func padded(key *rsa.PublicKey, digestInfo []byte) []byte {
	block := make([]byte, key.Size())
	for i := range block {
		block[i] = 0xff
	}
	block[0], block[1] = 0x00, 0x01
	at := len(block) - len(digestInfo)
	block[at-1] = 0x00
	copy(block[at:], digestInfo)
	return block
}
