package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/dmp"
	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/sandbox"
)

// importPersonas brings the invented register into service the way a real one
// comes: as files, through the importer.
func importPersonas(ctx context.Context, dir string, o Options) error {
	var persons []rpps.Professional
	for _, p := range sandbox.Personas() {
		if !p.Person.ID.IsZero() {
			p.Person.Closed = p.Behaviour == sandbox.ClosedRecord
			persons = append(persons, p.Person)
		}
	}
	folder, err := os.MkdirTemp("", "egide-register-")
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	extract, ids := filepath.Join(folder, "Extraction_ProSanteConnect_Personne_activite_202611220000.txt"), filepath.Join(folder, "identifiants.csv")
	err = errors.Join(
		writeFile(extract, func(f *os.File) error { return directory.WriteRestricted(f, persons) }),
		writeFile(ids, func(f *os.File) error { return directory.WriteAlternativeIDs(f, persons) }),
	)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	report, err := directory.Import(ctx, directory.ImportOptions{
		Dir: dir, Files: []string{extract, ids}, Accept: true, Clock: o.Clock, Log: o.Log,
	})
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	if !report.Published && !report.UpToDate {
		return fmt.Errorf("register: the personas were not taken: %v", report.Refusals)
	}
	return nil
}

func writeFile(path string, write func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// trusting gives a client that believes the demonstration's own certificate
// beside the system's: laptops make one for themselves.
func trusting(certFile string) (*http.Client, error) {
	t := &http.Transport{MaxIdleConnsPerHost: 32}
	if certFile == "" {
		return &http.Client{Transport: t}, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	pem, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, "", "the certificate file holds no certificate in PEM form")
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: t}, nil
}

// calls is the same client for plain calls: bounded in time, following nothing.
func (d *Demo) calls() *http.Client {
	c := *d.http
	c.Timeout = 10 * time.Second
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// startDMP runs the relying service beside the provider. It knows the provider
// by its issuer alone, like any stranger.
func (d *Demo) startDMP(ctx context.Context, o Options, l net.Listener, url string) error {
	service, err := dmp.New(dmp.Config{
		Issuer: d.sheet.Issuer, ClientID: dmpClientID, ClientSecret: published("dmp"), PublicURL: url,
	}, dmp.Deps{Clock: o.Clock, Rand: o.Rand, Log: o.Log, HTTP: d.calls()})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	d.serve(ctx, web.Server(service, o.Log), l)
	d.services.dmp = service
	return nil
}

// serve answers on a listener until Close.
func (d *Demo) serve(ctx context.Context, s *http.Server, l net.Listener) {
	d.run(ctx, func(ctx context.Context) error {
		stopped := context.AfterFunc(ctx, func() { _ = s.Close() })
		defer stopped()
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}

// startPhones switches the personas' phones on.
func (d *Demo) startPhones(ctx context.Context, o Options) error {
	phones, err := sandbox.Start(ctx, sandbox.Deps{
		Wallet: d.Provider.Wallet(), HTTP: d.http, Origin: d.origin, Clock: o.Clock, Rand: o.Rand, Log: o.Log,
	}, sandbox.Personas())
	if err != nil {
		return err
	}
	d.onClose(func(context.Context) error { phones.Close(); return nil })
	return nil
}
