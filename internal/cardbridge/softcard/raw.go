package softcard

import (
	"crypto"
	"math/big"
)

// Algorithm bytes of CPS4 [C CL internal.h]. SHA-1 (0A, 15) and PSS (2C) are not played.
const (
	algRaw            = 0x00 // MSE for the raw operation names none
	algSignSHA256CPS4 = 0x28
)

// operateCPS4 is PSO on CPS4: sign a hash, or the raw operation.
func operateCPS4(e *Emulator, c command) ([]byte, uint16) {
	switch c.parameters() {
	case psoDecipher:
		return rawRSA(e, c)
	case psoSign:
		key, sw := e.ready(templateSignature, e.model.signature, algSignSHA256CPS4)
		if sw != swOK {
			return nil, sw
		}
		if len(c.data) != crypto.SHA256.Size() {
			return nil, swData
		}
		return pad(key, crypto.SHA256, c.data)
	}
	return nil, swParameters
}

// rawRSA is the login operation of CPS4: the private operation over a block
// that the caller has padded [C CL card-cps4.c].
func rawRSA(e *Emulator, c command) ([]byte, uint16) {
	key, sw := e.ready(templateConfidential, e.model.authentication, algRaw)
	if sw != swOK {
		return nil, sw
	}
	if len(c.data) != key.Size() {
		return nil, swWrongLength
	}
	m := new(big.Int).SetBytes(c.data)
	if m.Cmp(key.N) >= 0 {
		return nil, swData
	}
	// No blinding: an emulator has no secret worth a side channel.
	return m.Exp(m, key.D, key.N).FillBytes(make([]byte, key.Size())), swOK
}
