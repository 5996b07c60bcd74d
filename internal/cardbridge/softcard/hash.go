package softcard

import (
	"crypto"
	"encoding"
	"encoding/binary"
	"slices"
)

// lastRound finishes a hash whose first rounds the caller has computed: 90
// {state, bit count of the whole message} 80 {last block}. 90 is empty when the
// message fits into the last block [C CL card-cps3.c].
func lastRound(e *Emulator, c command) ([]byte, uint16) {
	var begun saved
	switch e.env[templateHash].algorithm {
	case algHashSHA1:
		begun = saved{hash: crypto.SHA1, magic: "sha\x01"}
	case algHashSHA256:
		begun = saved{hash: crypto.SHA256, magic: "sha\x03"}
	default:
		return nil, swConditions
	}
	rounds, last, ok := hashInput(c.data)
	if !ok {
		return nil, swData
	}
	if e.hash, ok = begun.finish(rounds, last); !ok {
		return nil, swData
	}
	return nil, swOK
}

// blockSize of both hash functions.
const blockSize = 64

// hashInput takes the two objects apart.
func hashInput(b []byte) (rounds, last []byte, ok bool) {
	if len(b) < 2 || b[0] != 0x90 || len(b) < 2+int(b[1])+2 {
		return nil, nil, false
	}
	rounds, b = b[2:2+int(b[1])], b[2+int(b[1]):]
	if b[0] != 0x80 || int(b[1]) != len(b)-2 || len(b)-2 > blockSize {
		return nil, nil, false
	}
	return rounds, b[2:], true
}

// saved is a hash function and the mark of the form in which Go saves it.
type saved struct {
	hash  crypto.Hash
	magic string
}

// finish goes on from the caller's rounds, by way of that saved form: mark,
// state, a block of leftovers, length.
func (s saved) finish(rounds, last []byte) ([]byte, bool) {
	const count = 8
	h := s.hash.New()
	if len(rounds) > 0 {
		if len(rounds) != h.Size()+count {
			return nil, false
		}
		state, total := rounds[:h.Size()], binary.BigEndian.Uint64(rounds[h.Size():])/8
		done := total - uint64(len(last))
		if total < uint64(len(last)) || done%blockSize != 0 {
			return nil, false
		}
		form := slices.Concat([]byte(s.magic), state, make([]byte, blockSize), binary.BigEndian.AppendUint64(nil, done))
		u, ok := h.(encoding.BinaryUnmarshaler)
		if !ok || u.UnmarshalBinary(form) != nil {
			return nil, false
		}
	}
	h.Write(last)
	return h.Sum(nil), true
}
