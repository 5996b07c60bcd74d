package softcard

import "crypto/rsa"

// environment is one template of the security environment: which key, for
// which algorithm.
type environment struct{ algorithm, key byte }

// Templates (ISO 7816-4, 10.3). Each is set on its own: preparing the hash does
// not undo the key that will sign it.
const (
	templateAuthentication = 0xa4
	templateHash           = 0xaa
	templateSignature      = 0xb6
	templateConfidential   = 0xb8
)

// Tags inside a template, and the first parameter of MSE.
const (
	tagAlgorithm     = 0x80
	tagAsymmetricKey = 0x83
	tagPrivateKey    = 0x84
	tagSigning       = 0x91 // of CPS4: algorithm, then key
	mseComputation   = 0x41
	mseSigningCPS4   = 0x81
)

// setEnvironment is MSE SET on CPS3; tags 80 and 84 come in either order [C].
func setEnvironment(e *Emulator, c command) ([]byte, uint16) {
	if c.p1 != mseComputation {
		return nil, swParameters
	}
	var env environment
	for b := c.data; len(b) > 0; b = b[3:] {
		if len(b) < 3 || b[1] != 1 {
			return nil, swData
		}
		switch b[0] {
		case tagAlgorithm:
			env.algorithm = b[2]
		case tagPrivateKey:
			env.key = b[2]
		default:
			return nil, swData
		}
	}
	return nil, e.prepare(c.p2, env)
}

// setEnvironmentCPS4 is MSE SET on CPS4 [C CL card-cps4.c]: the key alone for
// the raw operation; algorithm and key for a signature, where bit 80 of the key
// says that a hash will come.
func setEnvironmentCPS4(e *Emulator, c command) ([]byte, uint16) {
	const ofHash = 0x80
	b := c.data
	switch {
	case c.p1 == mseComputation && c.p2 == templateConfidential && len(b) == 3 && b[0] == tagAsymmetricKey && b[1] == 1:
		return nil, e.prepare(c.p2, environment{key: b[2]})
	case c.p1 == mseSigningCPS4 && c.p2 == templateSignature && len(b) == 4 && b[0] == tagSigning && b[1] == 2:
		return nil, e.prepare(c.p2, environment{algorithm: b[2], key: b[3] &^ ofHash})
	}
	return nil, swData
}

func (e *Emulator) prepare(template byte, env environment) uint16 {
	switch template {
	case templateAuthentication, templateHash, templateSignature, templateConfidential:
	default:
		return swParameters
	}
	if env.key != 0 && e.keys[env.key] == nil {
		return swNoReference
	}
	e.env[template] = env
	return swOK
}

// ready holds what every use of a private key needs: the PIN, and the one key
// that the operation is for. A key for signatures cannot log in, nor the other
// way round [C OSC#2267].
func (e *Emulator) ready(template, key byte, algorithms ...byte) (*rsa.PrivateKey, uint16) {
	env, set := e.env[template]
	if !e.verified {
		return nil, swSecurity
	}
	if !set || env.key != key {
		return nil, swConditions
	}
	for _, a := range algorithms {
		if a == env.algorithm {
			return e.keys[key], swOK
		}
	}
	return nil, swConditions
}
