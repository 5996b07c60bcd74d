// Package cps is login by professional card, protocol "cps-auth:1": what the
// provider asks (Challenge), what a bridge answers (Answer), the bytes a card
// signs (Message), and how the provider judges the answer (Verifier).
//
// It runs on both sides of the wire and so knows neither store nor database nor
// pages. The life of a challenge and of a card at the provider is in cps/cards;
// the bridge itself is in internal/cardbridge. The protocol is written down in
// docs/protocols/card-bridge.md (cps-card.md section 8).
package cps

import "time"

// Protocol is the name and version that both sides must speak.
const Protocol = "cps-auth:1"

// Limits of the protocol.
const (
	ChallengeLife  = 120 * time.Second // iat to exp
	Skew           = 60 * time.Second  // clocks of bridge and provider may differ by it
	MaxBody        = 16 << 10          // bytes of any message
	MaxCertificate = 8 << 10           // bytes of DER
	maxToken       = 4 << 10           // bytes of a challenge
)

// Ports are tried by the page in this order; the bridge takes the first free one.
func Ports() []int { return []int{17651, 17652, 17653} }

// RemovalPath is where a bridge reports a pulled card, on the host of the
// challenge's issuer.
const RemovalPath = "/cps/v1/removal"
