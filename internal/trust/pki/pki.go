// Package pki is a test certificate authority shaped like IGC-Santé: three
// ranges with a root and intermediates each, leaf profiles of cards and
// organisations, a revocation list and an OCSP responder (cps-card.md section
// 5). All it makes is marked TEST and of the test product category: nothing of
// it is accepted in production.
//
// Authorities are made when they are first needed: a sandbox that issues CPS
// cards alone pays for one root and one intermediate.
package pki

import (
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"maps"
	"math/big"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// Sizes and lives of what is made (cps-card.md section 5).
const (
	authorityBits = 4096
	leafBits      = 2048
	leafYears     = 3
	listLife      = 24 * time.Hour // lists are renewed each morning
)

// Options is what New needs; Clock is required.
type Options struct {
	Clock clock.Clock
	// Bits of the authorities' RSA keys; 0 means 4096, as the real ones. Tests
	// and the sandbox take 2048 to be ready sooner.
	Bits int
	// Seed makes keys and serial numbers follow from it: who knows the seed knows
	// the keys. Refused outside tests; nil draws them from the system.
	Seed []byte
	// BaseURL is where certificates say that CRLs, OCSP and issuers are published;
	// empty means the one of the folder's last use, or DefaultBaseURL.
	BaseURL string
	// Dir keeps everything; empty means memory.
	Dir string
	// Existing refuses a folder that holds no authority yet.
	Existing bool
}

// DefaultBaseURL is where "egide pki ocsp" publishes.
const DefaultBaseURL = "http://127.0.0.1:8490"

// Authority is the whole test authority. Safe for concurrent use, also by
// several processes on one folder.
type Authority struct {
	Options
	mu      sync.Mutex
	made    map[string]*authority      // by short name, "ACI-FO-PP"
	ready   map[string]*rsa.PrivateKey // keys of authorities that are about to be made
	helpers map[string]*authority      // OCSP responders, by the name of their authority
	ledger  ledger
}

// authority is one certificate with its key.
type authority struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

// New opens the authority. Errors: fault.Invalid, fault.Unavailable, fault.NotFound
// (Options.Existing), and fault.Denied for a seed outside a test.
func New(o Options) (*Authority, error) {
	if o.Clock == nil {
		return nil, fault.New(fault.Internal, "", "pki: the clock is missing")
	}
	if o.Bits == 0 {
		o.Bits = authorityBits
	}
	if o.Bits < leafBits {
		return nil, fault.New(fault.Invalid, "", "pki: keys of an authority have at least 2048 bits")
	}
	if o.Seed != nil && !testing.Testing() {
		return nil, fault.New(fault.Denied, "", "pki: keys that follow from a seed are for tests")
	}
	a := &Authority{Options: o, made: map[string]*authority{}, helpers: map[string]*authority{}, ready: map[string]*rsa.PrivateKey{}}
	if o.Existing {
		if _, err := os.Stat(a.file(ledgerFile)); err != nil {
			return nil, fault.Wrap(fault.NotFound, "", "pki: "+o.Dir+" holds no authority", err)
		}
	}
	return a, a.locked(func() error {
		a.BaseURL = cmp.Or(a.BaseURL, a.ledger.BaseURL, DefaultBaseURL)
		a.ledger.BaseURL = a.BaseURL
		return nil
	})
}

// TrustedIssuer is what a provider pins to accept cards or services of one range.
type TrustedIssuer struct {
	Range        igc.Range
	Root, Issuer *x509.Certificate
	OCSP, CRL    string // URLs

	RootFile, IssuerFile string // PEM; empty for an authority in memory
}

// TrustedIssuers gives the authorities of the cards, made if need be.
func (a *Authority) TrustedIssuers(ranges ...igc.Range) ([]TrustedIssuer, error) {
	return a.issuers(personsOf, ranges)
}

// TrustedOrganisations gives the authorities of software certificates, made if
// need be.
func (a *Authority) TrustedOrganisations(ranges ...igc.Range) ([]TrustedIssuer, error) {
	return a.issuers(organisationsOf, ranges)
}

func (a *Authority) issuers(of func(igc.Range) string, ranges []igc.Range) ([]TrustedIssuer, error) {
	var list []TrustedIssuer
	err := a.locked(func() error {
		var names []string
		for _, r := range ranges {
			names = append(names, rootOf(r), of(r))
		}
		if err := a.sideBySide(names); err != nil {
			return err
		}
		for _, r := range ranges {
			issuer, err := a.authority(of(r))
			if err != nil {
				return err
			}
			root, err := a.authority(rootOf(r))
			if err != nil {
				return err
			}
			list = append(list, TrustedIssuer{
				Range: r, Root: root.cert, Issuer: issuer.cert, OCSP: a.BaseURL + "/ocsp", CRL: a.BaseURL + listPath(of(r)),
				RootFile: a.file(rootOf(r) + certificateSuffix), IssuerFile: a.file(of(r) + certificateSuffix),
			})
		}
		return nil
	})
	return list, err
}

// MakeAll makes every authority of the three ranges that is missing.
func (a *Authority) MakeAll() error { return a.makeAll(slices.Sorted(maps.Keys(specs()))) }

// MakeFor makes those of cards and of software certificates that are missing, all
// at once: their keys take time.
func (a *Authority) MakeFor(cards, software []igc.Range) error {
	var names []string
	for _, r := range cards {
		names = append(names, rootOf(r), personsOf(r))
	}
	for _, r := range software {
		names = append(names, rootOf(r), organisationsOf(r))
	}
	return a.makeAll(names)
}

func (a *Authority) makeAll(names []string) error {
	return a.locked(func() error {
		if err := a.sideBySide(names); err != nil {
			return err
		}
		for _, name := range names {
			if _, err := a.authority(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// serial draws 128 bits, as the real leaves have.
func (a *Authority) serial() (*big.Int, error) {
	b := make([]byte, 16)
	if _, err := a.draw("serial", a.ledger.Drawn).Read(b); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "pki: no randomness", err)
	}
	a.ledger.Drawn++
	b[0] = b[0]&0x7f | 0x40 // positive, and always as long
	return new(big.Int).SetBytes(b), nil
}
