package demo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/dmp"
	secure "github.com/egide-id/egide/internal/platform/listen"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/provider"
	"github.com/egide-id/egide/internal/trust/pki"
)

// services is what software that shows a certificate needs beside the provider.
type services struct {
	mtls, api net.Listener
	cert, key string // files, of both listeners
	url       string
	dmp       *dmp.Service

	ownCert, ownKey string // files, of the demonstration's structure
}

// prepareServices opens the doors for certificates, makes the structure's own
// and pins its authority. prepareCards has made that authority.
func (d *Demo) prepareServices(ctx context.Context, o Options, dir string) (provider.MTLSConfig, error) {
	c := provider.MTLSConfig{UnknownRevocation: "refuse"}
	s := &d.services
	var err error
	for _, door := range []struct {
		l    *net.Listener
		step int
	}{{&s.mtls, mtlsStep}, {&s.api, apiStep}} {
		if *door.l, err = listenBeside(ctx, o.Addr, "localhost", door.step); err != nil {
			return c, err
		}
		d.onClose(func(context.Context) error { return closed((*door.l).Close()) })
	}
	if s.cert, s.key = o.TLSCert, o.TLSKey; s.cert == "" {
		if s.cert, s.key, err = selfSigned(filepath.Join(dir, "tls"), o.Clock); err != nil {
			return c, err
		}
	}
	issuer, err := url.Parse(d.issuer(o))
	if err != nil {
		return c, err
	}
	s.url = fmt.Sprintf("https://localhost:%d%s", portOf(s.mtls.Addr().String()), issuer.Path)
	c.URL, c.Cert, c.Key = s.url, s.cert, s.key
	if err := s.order(d.cards.authority, filepath.Join(dir, "structure")); err != nil {
		return c, err
	}
	c.Authorities, err = pinServices(d.cards.authority, filepath.Join(dir, "service-authorities"))
	return c, err
}

// issuer is the issuer that configure will choose.
func (d *Demo) issuer(o Options) string {
	if o.Issuer != "" {
		return o.Issuer
	}
	return d.origin + realm
}

// order has the structure's administrator make a key and collect its certificate
// (S-72), as files like those of real software.
func (s *services) order(a *pki.Authority, dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("structure: %w", err)
	}
	pair, err := a.IssueOrganisation(pki.OrganisationOrder{
		Profile: "auth-cli", Structure: demoStructure, Organisation: "RESIDENCE FICTIVE", Department: "Rhône (69)", Common: "DMP-AUTO", Key: key,
	})
	if err != nil {
		return err
	}
	s.ownCert, s.ownKey = filepath.Join(dir, "auth-cli.pem"), filepath.Join(dir, "auth-cli.key")
	return writePair(dir, s.ownCert, s.ownKey, []byte(pair.Certificate), []byte(pair.Key))
}

func pinServices(a *pki.Authority, dir string) ([]provider.MTLSAuthority, error) {
	issuers, err := a.TrustedOrganisations(softwareRanges...)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("service authorities: %w", err)
	}
	var list []provider.MTLSAuthority
	for _, i := range issuers {
		p := provider.MTLSAuthority{
			Issuer: filepath.Join(dir, string(i.Range)+"-issuer.pem"), Root: filepath.Join(dir, string(i.Range)+"-root.pem"), OCSP: i.OCSP, CRL: i.CRL,
		}
		if err := errors.Join(writePEM(p.Issuer, i.Issuer), writePEM(p.Root, i.Root)); err != nil {
			return nil, fmt.Errorf("service authorities: %w", err)
		}
		list = append(list, p)
	}
	return list, nil
}

// line is what the sheet says of a client, with the files of one that
// authenticates by certificate.
func (s *services) line(c demoClient) Client {
	line := c.line()
	if c.ID == tlsClientID {
		line.Certificate, line.Key = s.ownCert, s.ownKey
	}
	return line
}

// startServices serves both doors.
func (d *Demo) startServices(ctx context.Context, o Options) error {
	s := &d.services
	asking, err := d.Provider.AskCertificates(s.mtls)
	if err != nil {
		return err
	}
	own, err := secure.Load(secure.Options{Cert: s.cert, Key: s.key, Clock: o.Clock, Log: o.Log})
	if err != nil {
		return err
	}
	d.serve(ctx, web.Server(d.Provider.ForCertificates(), o.Log), asking)
	d.serve(ctx, web.Server(s.dmp, o.Log), dmp.AskCertificates(s.api, own))
	d.sheet.MTLSURL, d.sheet.CAFile = s.url, s.cert
	d.sheet.DMPAPIURL = fmt.Sprintf("https://localhost:%d", portOf(s.api.Addr().String()))
	return nil
}
