package softcard

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"slices"
)

// environment is what MSE SET prepares.
type environment struct {
	template  byte // A4 authentication, B6 signature, B8 confidentiality, AA hash
	algorithm byte
	key       byte
}

// Algorithm bytes of CPS3 [C CL].
const (
	algAuthenticate = 0x02
	algSignSHA1     = 0x12
	algSignSHA256   = 0x42
	algDecipher     = 0x1a
)

// setEnvironment is MSE SET; tags 80 and 84 come in either order [C].
func setEnvironment(e *Emulator, c command) ([]byte, uint16) {
	if c.p1 != 0x41 && c.p1 != 0x81 {
		return nil, swParameters
	}
	env := environment{template: c.p2}
	for b := c.data; len(b) > 0; {
		if len(b) < 3 || b[1] != 1 {
			return nil, swData
		}
		switch b[0] {
		case 0x80, 0x91:
			env.algorithm = b[2]
		case 0x83, 0x84:
			env.key = b[2]
		default:
			return nil, swData
		}
		b = b[3:]
	}
	if env.key != 0 && e.keys[env.key] == nil {
		return nil, swNoReference
	}
	e.env = env
	return nil, swOK
}

// ready holds what every use of a private key needs.
func (e *Emulator) ready(template, key byte) (*rsa.PrivateKey, uint16) {
	switch {
	case !e.verified:
		return nil, swSecurity
	case e.env.template != template || e.env.key != key:
		return nil, swConditions
	}
	return e.keys[key], swOK
}

// maxDigestInfo is 40 % of the modulus [I IAS-ECC].
const maxDigestInfo = 102

// internalAuthenticate is the login operation of CPS3: the card pads what it is
// given and signs with the authentication key [C CL].
func internalAuthenticate(e *Emulator, c command) ([]byte, uint16) {
	key, sw := e.ready(0xa4, e.model.authentication)
	if sw != swOK {
		return nil, sw
	}
	if e.env.algorithm != algAuthenticate {
		return nil, swConditions
	}
	if len(c.data) == 0 || len(c.data) > maxDigestInfo {
		return nil, swWrongLength
	}
	return pad(key, 0, c.data)
}

// pad signs with PKCS#1 v1.5; hash 0 takes a DigestInfo as it is.
func pad(key *rsa.PrivateKey, hash crypto.Hash, data []byte) ([]byte, uint16) {
	signature, err := rsa.SignPKCS1v15(nil, key, hash, data)
	if err != nil {
		return nil, swData
	}
	return signature, swOK
}

// operate is PSO on CPS3: hash, sign, decipher.
func operate(e *Emulator, c command) ([]byte, uint16) {
	switch {
	case c.p1 == 0x90 && c.p2 == 0xa0:
		return lastRound(e, c)
	case c.p1 == 0x9e && c.p2 == 0x9a:
		return computeSignature(e, c)
	case c.p1 == 0x80 && c.p2 == 0x86:
		return decipherCPS3(e, c)
	}
	return nil, swParameters
}

// computeSignature is PSO CDS with the signature key: over a hash that is
// given, or over the one that PSO HASH has finished.
func computeSignature(e *Emulator, c command) ([]byte, uint16) {
	key, sw := e.ready(0xb6, e.model.signature)
	if sw != swOK {
		return nil, sw
	}
	hash := crypto.SHA256
	if e.env.algorithm == algSignSHA1 {
		hash = crypto.SHA1
	} else if e.env.algorithm != algSignSHA256 {
		return nil, swConditions
	}
	digest := c.data
	if !c.hasData {
		digest, e.hash = e.hash, nil
	}
	if len(digest) != hash.Size() {
		return nil, swData
	}
	return pad(key, hash, digest)
}

// decipherCPS3 undoes PKCS#1 v1.5 encryption: indicator 81, then the block.
func decipherCPS3(e *Emulator, c command) ([]byte, uint16) {
	key, sw := e.ready(0xb8, e.model.authentication)
	if sw != swOK {
		return nil, sw
	}
	if e.env.algorithm != algDecipher {
		return nil, swConditions
	}
	if len(c.data) != 1+key.Size() || c.data[0] != 0x81 {
		return nil, swData
	}
	plain, err := rsa.DecryptPKCS1v15(nil, key, c.data[1:]) //nolint:staticcheck // the card's own operation
	if err != nil {
		return nil, swData
	}
	return plain, swOK
}

// operateCPS4 is PSO on CPS4: the login is a raw RSA operation over a block that
// the caller has padded [C CL card-cps4.c].
func operateCPS4(e *Emulator, c command) ([]byte, uint16) {
	switch {
	case c.p1 == 0x80 && c.p2 == 0x86:
		key, sw := e.ready(0xb8, e.model.authentication)
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
	case c.p1 == 0x9e && c.p2 == 0x9a:
		key, sw := e.ready(0xb6, e.model.signature)
		if sw != swOK {
			return nil, sw
		}
		if len(c.data) != sha256.Size {
			return nil, swData
		}
		return pad(key, crypto.SHA256, c.data)
	}
	return nil, swParameters
}

// lastRound finishes a SHA-256 whose first rounds the caller has computed:
// 90 {state, bit count} 80 {last block}.
func lastRound(e *Emulator, c command) ([]byte, uint16) {
	const state, count, block = 32, 8, 64
	b := c.data
	if len(b) < 2+state+count+2 || b[0] != 0x90 || b[1] != state+count {
		return nil, swData
	}
	head, rest := b[2:2+state+count], b[2+state+count:]
	if rest[0] != 0x80 || int(rest[1]) != len(rest)-2 || len(rest)-2 > block {
		return nil, swData
	}
	digest, ok := resume(head[:state], head[state:], rest[2:])
	if !ok {
		return nil, swData
	}
	e.hash = digest
	return nil, swOK
}

// resume goes on with a hash from its state, by the form in which Go saves one.
func resume(state, bits, last []byte) ([]byte, bool) {
	n := new(big.Int).SetBytes(bits).Uint64() / 8
	done := n - uint64(len(last))
	if n < uint64(len(last)) || done%64 != 0 {
		return nil, false
	}
	saved := slices.Concat([]byte("sha\x03"), state, make([]byte, 64), new(big.Int).SetUint64(done).FillBytes(make([]byte, 8)))
	h := sha256.New()
	u, ok := h.(interface{ UnmarshalBinary([]byte) error })
	if !ok || u.UnmarshalBinary(saved) != nil {
		return nil, false
	}
	h.Write(last)
	return h.Sum(nil), true
}
