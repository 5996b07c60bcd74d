package softcard

import (
	"crypto"
	"crypto/rsa"
)

// Algorithm bytes of CPS3 [C CL].
const (
	algAuthenticate = 0x02
	algHashSHA1     = 0x10
	algSignSHA1     = 0x12
	algDecipher     = 0x1a
	algHashSHA256   = 0x40
	algSignSHA256   = 0x42
)

// maxDigestInfo is 40 % of the modulus [I IAS-ECC].
const maxDigestInfo = 102

// internalAuthenticate is the login operation of CPS3: the card pads what it is
// given and signs with the authentication key [C CL].
func internalAuthenticate(e *Emulator, c command) ([]byte, uint16) {
	key, sw := e.ready(templateAuthentication, e.model.authentication, algAuthenticate)
	if sw != swOK {
		return nil, sw
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

// Operations of PSO: what comes out, what goes in.
const (
	psoHash     = 0x90a0
	psoSign     = 0x9e9a
	psoDecipher = 0x8086
)

// operate is PSO on CPS3: hash, sign, decipher.
func operate(e *Emulator, c command) ([]byte, uint16) {
	switch c.parameters() {
	case psoHash:
		return lastRound(e, c)
	case psoSign:
		return computeSignature(e, c)
	case psoDecipher:
		return decipher(e, c)
	}
	return nil, swParameters
}

// computeSignature is PSO CDS with the signature key: over a hash that is
// given, or over the one that PSO HASH has finished.
func computeSignature(e *Emulator, c command) ([]byte, uint16) {
	key, sw := e.ready(templateSignature, e.model.signature, algSignSHA1, algSignSHA256)
	if sw != swOK {
		return nil, sw
	}
	hash := crypto.SHA256
	if e.env[templateSignature].algorithm == algSignSHA1 {
		hash = crypto.SHA1
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

// decipher undoes PKCS#1 v1.5 encryption on CPS3: indicator 81, then the block.
func decipher(e *Emulator, c command) ([]byte, uint16) {
	const indicator = 0x81
	key, sw := e.ready(templateConfidential, e.model.authentication, algDecipher)
	if sw != swOK {
		return nil, sw
	}
	if len(c.data) != 1+key.Size() || c.data[0] != indicator {
		return nil, swData
	}
	plain, err := rsa.DecryptPKCS1v15(nil, key, c.data[1:]) //nolint:staticcheck // the card's own operation
	if err != nil {
		return nil, swData
	}
	return plain, swOK
}
