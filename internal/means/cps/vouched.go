package cps

import "sync"

// knownCards bounds what is remembered: the cards of a large house, 10 MB.
const knownCards = 1 << 16

// vouched remembers which pinned authority has signed a certificate, by the
// SHA-256 of its bytes: the one thing that never changes about it, and the
// dearest to find out (RSA-4096: four fifths of a first login). Whether the authority
// and the certificate still stand is asked each time. Failures are not kept, so
// that nobody without a card of an authority fills it.
type vouched struct {
	limit int

	mu    sync.Mutex
	known map[[32]byte]TrustedIssuer
}

func newVouched(limit int) vouched {
	return vouched{limit: limit, known: map[[32]byte]TrustedIssuer{}}
}

// by gives what is known of a certificate, or finds it out. When it is full it
// starts afresh: each card then pays once more.
func (v *vouched) by(certificate [32]byte, find func() (TrustedIssuer, error)) (TrustedIssuer, error) {
	v.mu.Lock()
	issuer, found := v.known[certificate]
	v.mu.Unlock()
	if found {
		return issuer, nil
	}
	issuer, err := find()
	if err != nil {
		return TrustedIssuer{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.known) >= v.limit {
		clear(v.known)
	}
	v.known[certificate] = issuer
	return issuer, nil
}
