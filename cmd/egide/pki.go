package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// pkiCmd runs the test authority. Nothing it issues is accepted in production.
type pkiCmd struct {
	Init   pkiInitCmd   `cmd:"" help:"Make the authorities of the three ranges and print what a provider's configuration says about them."`
	Issue  pkiIssueCmd  `cmd:"" help:"Issue a card, or the certificate of an application or server."`
	Revoke pkiRevokeCmd `cmd:"" help:"Revoke a certificate, or both of a card."`
	CRL    pkiCRLCmd    `cmd:"" name:"crl" help:"Write the revocation lists of all authorities, good for a day."`
	OCSP   pkiOCSPCmd   `cmd:"" name:"ocsp" help:"Publish OCSP, revocation lists and issuers' certificates on loopback."`
}

// pkiFlags find the folder of the authority.
type pkiFlags struct {
	Dir string `help:"Folder of the test authority." default:"keys/igc-sante-test" env:"EGIDE_PKI_DIR" type:"path"`
}

func (f pkiFlags) open(a *app) (*pki.Authority, error) {
	authority, err := pki.New(pki.Options{Clock: a.Clock, Dir: f.Dir, Existing: true})
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Wrap(fault.NotFound, "", "there is no authority yet: run egide pki init", err)
	}
	return authority, err
}

type pkiInitCmd struct {
	pkiFlags
	BaseURL string `help:"Where certificates say that OCSP, lists and issuers are published; the folder's last one, or http://127.0.0.1:8490." placeholder:"URL"`
	Bits    int    `help:"Size of the authorities' keys: 4096 as the real ones, or 2048." default:"4096"`
}

// Run makes what is missing and prints the configuration.
func (c pkiInitCmd) Run(a *app) error {
	authority, err := pki.New(pki.Options{Clock: a.Clock, Dir: c.Dir, Bits: c.Bits, BaseURL: strings.TrimSuffix(c.BaseURL, "/")})
	if err != nil {
		return err
	}
	if err := authority.MakeAll(); err != nil {
		return err
	}
	issuers, err := authority.TrustedIssuers(igc.Fort, igc.Standard)
	if err != nil {
		return err
	}
	p := &printer{w: a.Out}
	p.line("# Test authority in %s. For a provider outside production:", c.Dir)
	p.line("card:")
	p.line("  authorities:")
	for _, i := range issuers {
		p.line("    - range: %s", i.Range)
		p.line("      root: %q", i.RootFile)
		p.line("      issuer: %q", i.IssuerFile)
		p.line("      ocsp: %q", i.OCSP)
		p.line("      crl: %q", i.CRL)
	}
	p.line("  policies: [%q]", igc.TestPolicy)
	p.line("  staff: true")
	return p.err
}

type pkiRevokeCmd struct {
	pkiFlags
	Serial string `arg:"" optional:"" help:"Serial number, in hex."`
	Card   string `help:"Card file, instead of a serial number: both its certificates." type:"existingfile" placeholder:"FILE"`
	Reason string `help:"unspecified, key-compromise, affiliation-changed, superseded or cessation." enum:"unspecified,key-compromise,affiliation-changed,superseded,cessation" default:"unspecified"`
}

// Run revokes.
func (c pkiRevokeCmd) Run(a *app) error {
	serials, err := c.serials()
	if err != nil {
		return err
	}
	authority, err := c.open(a)
	if err != nil {
		return err
	}
	p := &printer{w: a.Out}
	for _, serial := range serials {
		if err := authority.Revoke(serial, pki.Reasons()[c.Reason]); err != nil {
			return errors.Join(err, p.err)
		}
		p.line("certificate %s is revoked", serial)
	}
	return p.err
}

func (c pkiRevokeCmd) serials() ([]string, error) {
	if (c.Serial == "") == (c.Card == "") {
		return nil, fault.New(fault.Invalid, "", "give a serial number or --card, one of them")
	}
	if c.Serial != "" {
		return []string{c.Serial}, nil
	}
	card, err := igc.LoadCard(c.Card)
	if err != nil {
		return nil, err
	}
	return serialsOf(card)
}

// serialsOf gives the serial numbers of a card's two certificates.
func serialsOf(card igc.CardFile) ([]string, error) {
	authentication, err := pki.Serial(card.Authentication.Certificate)
	if err != nil {
		return nil, err
	}
	signature, err := pki.Serial(card.Signature.Certificate)
	return []string{authentication, signature}, err
}

type pkiCRLCmd struct {
	pkiFlags
	Out string `help:"Where the lists go; crl in the authority's folder by default." type:"path" placeholder:"DIR"`
}

// Run writes the lists.
func (c pkiCRLCmd) Run(a *app) error {
	authority, err := c.open(a)
	if err != nil {
		return err
	}
	lists, err := authority.Lists()
	if err != nil {
		return err
	}
	if c.Out == "" {
		c.Out = filepath.Join(c.Dir, "crl")
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil { //nolint:gosec // G301: lists are public
		return fmt.Errorf("lists: %w", err)
	}
	p := &printer{w: a.Out}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		path := filepath.Join(c.Out, name)
		if err := os.WriteFile(path, lists[name], 0o644); err != nil { //nolint:gosec // G306: lists are public
			return fmt.Errorf("lists: %w", err)
		}
		p.line("%s", path)
	}
	return p.err
}
