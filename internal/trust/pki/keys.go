package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	chacha "math/rand/v2"

	"github.com/egide-id/egide/internal/platform/fault"
)

// draw gives randomness for one purpose: the system's, or what follows from the seed.
func (a *Authority) draw(purpose string, n uint64) io.Reader {
	if a.Seed == nil {
		return rand.Reader
	}
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, n) // a hash takes everything
	h.Write([]byte(purpose + "\x00"))
	h.Write(a.Seed)
	return chacha.NewChaCha8([32]byte(h.Sum(nil)))
}

// newKey makes an RSA key. crypto/rsa ignores a reader of ours, so that a key
// that must follow from a seed is searched for here.
func (a *Authority) newKey(purpose string, n uint64, bits int) (*rsa.PrivateKey, error) {
	if a.Seed == nil {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "", "pki: no key", err)
		}
		return key, nil
	}
	return seededKey(a.draw("key "+purpose, n), bits)
}

// sideBySide makes the keys of those authorities that are missing, all at once:
// whoever starts with an empty folder waits for nothing else.
func (a *Authority) sideBySide(names []string) error {
	type made struct {
		name string
		key  *rsa.PrivateKey
		err  error
	}
	keys := make(chan made)
	missing := 0
	for _, name := range names {
		if a.made[name] != nil || a.ready[name] != nil || a.kept(name) {
			continue
		}
		missing++
		go func() {
			key, err := a.newKey(name, 0, a.Bits)
			keys <- made{name, key, err}
		}()
	}
	var errs []error
	for range missing {
		m := <-keys
		a.ready[m.name] = m.key
		errs = append(errs, m.err)
	}
	return errors.Join(errs...)
}

// keyOf gives the key of an authority that is made now.
func (a *Authority) keyOf(name string) (*rsa.PrivateKey, error) {
	if key := a.ready[name]; key != nil {
		delete(a.ready, name)
		return key, nil
	}
	return a.newKey(name, 0, a.Bits)
}

const exponent = 65537

func seededKey(r io.Reader, bits int) (*rsa.PrivateKey, error) {
	one, e := big.NewInt(1), big.NewInt(exponent)
	for {
		p, err := prime(r, bits/2)
		if err != nil {
			return nil, err
		}
		q, err := prime(r, bits/2)
		if err != nil {
			return nil, err
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent}, D: d, Primes: []*big.Int{p, q},
		}
		key.Precompute()
		if err := key.Validate(); err != nil {
			return nil, fault.Wrap(fault.Internal, "", "pki: seeded key", err)
		}
		return key, nil
	}
}

// smallPrimes rule out most candidates before the costly test.
var smallPrimes = sieve(20000)

func sieve(limit int) []uint64 {
	var list []uint64
	composite := make([]bool, limit)
	for i := 2; i < limit; i++ {
		if composite[i] {
			continue
		}
		if i > 2 {
			list = append(list, uint64(i))
		}
		for j := i * i; j < limit; j += i {
			composite[j] = true
		}
	}
	return list
}

// prime searches upwards from a random odd number whose two top bits are set,
// so that two of them multiply to the full length.
func prime(r io.Reader, bits int) (*big.Int, error) {
	b := make([]byte, bits/8)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "pki: no randomness", err)
	}
	b[0] |= 0xc0
	b[len(b)-1] |= 1
	start := new(big.Int).SetBytes(b)
	rests := make([]uint64, len(smallPrimes))
	for i, s := range smallPrimes {
		rests[i] = new(big.Int).Mod(start, new(big.Int).SetUint64(s)).Uint64()
	}
search:
	for step := uint64(0); ; step += 2 {
		for i, s := range smallPrimes {
			if (rests[i]+step)%s == 0 {
				continue search
			}
		}
		p := new(big.Int).Add(start, new(big.Int).SetUint64(step))
		if p.ProbablyPrime(1) {
			return p, nil
		}
	}
}
