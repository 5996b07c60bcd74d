// Package ecps is the protocol between a phone that carries an e-CPS and the
// provider: messages, keys, signatures. It knows no store, no database and no
// HTTP server, because half of it runs on somebody else's machine.
//
// The phone holds two keys. The device key (P-256) never leaves it and signs
// every call. The PIN key (Ed25519) exists only while the holder's PIN is in
// memory: it is derived from the PIN and a random secret. The provider stores
// both public halves, so it knows no PIN (PG-14); the phone stores neither PIN
// key nor any of its signatures, so it holds nothing against which a PIN could
// be tried (architecture, point 6). docs/protocols/ecps.md is the specification.
package ecps

// Version of every message of this protocol. A digest begins with it, so that
// no signature of one version can serve in another.
const Version = 1

// Kinds of asking device, as the holder reads them before he answers.
const (
	AskerComputer = "computer"
	AskerPhone    = "phone"
	AskerTablet   = "tablet"
	AskerUnknown  = "unknown"
)

// Limits of sizes. Whatever is longer is refused before it is looked at.
const (
	MaxMessage = 8 << 10 // one HTTP body
	maxToken   = 6 << 10 // one compact JWS
	maxText    = 256     // one text field
)
