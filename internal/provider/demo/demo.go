// Package demo assembles the demonstration: provider, DMP, sandbox phones and
// cards and an invented register, on loopback and nowhere else. `egide demo` and the
// conformance harness start the same thing.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/config"
	"github.com/egide-id/egide/internal/platform/courier"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/portal"
	"github.com/egide-id/egide/internal/provider"
	"github.com/egide-id/egide/internal/sandbox"
	"github.com/egide-id/egide/internal/trust/pki"
)

// Options say where the demonstration listens and what it adds.
type Options struct {
	Addr             string // provider; loopback only
	DMPAddr          string // DMP; "localhost:0" if empty
	DataDir          string // kept if named, else temporary
	ClientFiles      []string
	TLSCert, TLSKey  string
	Issuer           string
	AuthorizationURL string
	BridgePort       int           // of the card bridge in this process; 0 is any free port, as with a provider on any free port
	NoBridge         bool          // a real card bridge is expected instead
	RequestLife      time.Duration // how long a login waits for the phone; 0 is the provider's own
	CardsDir         string        // every persona's card as a file for a virtual reader, if named

	Clock   clock.Clock
	Rand    io.Reader
	Log     *slog.Logger
	Version string
}

// realm is the path that Pro Santé Connect clients hold as fixed text.
const realm = "/auth/realms/esante-wallet"

// Demo is a running demonstration.
type Demo struct {
	Provider *provider.Provider
	origin   string // where the provider listens, whatever its issuer says
	http     *http.Client
	cards    cards
	services services
	app      net.Listener // of the e-CPS app: another origin than the provider's; nil over https
	inbox    *courier.Inbox
	sheet    Sheet
	closers  []func(context.Context) error
	failed   chan error
}

// Start brings everything up; it is ready when Start returns.
func Start(ctx context.Context, o Options) (d *Demo, err error) {
	d = &Demo{failed: make(chan error, 4), inbox: courier.NewInbox(o.Clock)}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close(context.WithoutCancel(ctx)))
		}
	}()
	front, err := listen(ctx, o.Addr)
	if err != nil {
		return d, err
	}
	dmpAddr := o.DMPAddr
	if dmpAddr == "" {
		dmpAddr = "localhost:0"
	}
	side, err := listen(ctx, dmpAddr)
	if err != nil {
		return d, errors.Join(err, front.Close())
	}
	config, err := d.prepare(ctx, o, front.Addr().(*net.TCPAddr).Port)
	if err != nil {
		return d, errors.Join(err, front.Close(), side.Close())
	}
	dmpURL := fmt.Sprintf("http://localhost:%d", side.Addr().(*net.TCPAddr).Port)
	if err := d.startProvider(ctx, o, config, front, dmpURL); err != nil {
		return d, errors.Join(err, side.Close())
	}
	if err := d.startDMP(ctx, o, side, dmpURL); err != nil {
		return d, err
	}
	if err := d.startServices(ctx, o); err != nil {
		return d, err
	}
	if err := d.startCards(ctx, o); err != nil {
		return d, err
	}
	return d, d.startPhones(ctx, o)
}

// prepare makes the data folder, the register, the cards' authority and the
// configuration.
func (d *Demo) prepare(ctx context.Context, o Options, port int) (provider.Config, error) {
	dir, err := d.folder(o)
	if err != nil {
		return provider.Config{}, err
	}
	if d.http, err = trusting(o.TLSCert); err != nil {
		return provider.Config{}, err
	}
	d.onClose(func(context.Context) error { d.http.CloseIdleConnections(); return nil })
	if err := d.listenApp(ctx, o); err != nil {
		return provider.Config{}, err
	}
	c := d.configure(o, dir, port)
	if err := os.MkdirAll(c.ClientsDir, 0o700); err != nil {
		return c, fmt.Errorf("data folder: %w", err)
	}
	if err := copyClientFiles(o.ClientFiles, c.ClientsDir); err != nil {
		return c, err
	}
	// Keys of an authority take as long as the rest of the start together.
	pinned := make(chan error, 1)
	go func() {
		var err error
		if c.Card, err = d.prepareCards(ctx, o, dir); err == nil {
			c.MTLS, err = d.prepareServices(ctx, o, dir)
		}
		pinned <- err
	}()
	err = importPersonas(ctx, filepath.Join(dir, "register"), o)
	if err := errors.Join(err, <-pinned); err != nil {
		return c, err
	}
	if faults := c.Validate(); len(faults) > 0 {
		return c, fault.New(fault.Invalid, "", faults[0].Path+": "+faults[0].Message)
	}
	return c, nil
}

// folder is the data folder; one that nobody named goes with the demonstration.
func (d *Demo) folder(o Options) (string, error) {
	if o.DataDir != "" {
		return o.DataDir, nil
	}
	tmp, err := os.MkdirTemp("", "egide-demo-")
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	d.onClose(func(context.Context) error { return os.RemoveAll(tmp) })
	return tmp, nil
}

func (d *Demo) configure(o Options, dir string, port int) provider.Config {
	c := provider.Default()
	c.Environment, c.Node, c.DataDir = provider.Sandbox, "demo", dir
	c.ClientsDir, c.KeysDir = filepath.Join(dir, "clients"), filepath.Join(dir, "keys")
	c.Listen = o.Addr
	c.TLS = provider.TLSConfig{Cert: o.TLSCert, Key: o.TLSKey}
	scheme := "http"
	if o.TLSCert != "" {
		scheme = "https"
	}
	d.origin = fmt.Sprintf("%s://127.0.0.1:%d", scheme, port)
	c.Issuer, c.AuthorizationURL = d.origin+realm, d.origin+"/auth"
	if d.app != nil {
		c.ECPS.AppURL = fmt.Sprintf("http://localhost:%d", d.app.Addr().(*net.TCPAddr).Port)
		c.ECPS.Push.Contact = "mailto:bac-a-sable@exemple.invalid"
	}
	if o.RequestLife != 0 {
		c.Lifetimes.ECPS = config.Duration(o.RequestLife)
	}
	if o.Issuer != "" {
		c.Issuer, c.AuthorizationURL = o.Issuer, ""
	}
	if o.AuthorizationURL != "" {
		c.AuthorizationURL = o.AuthorizationURL
	}
	return c
}

func (d *Demo) startProvider(ctx context.Context, o Options, c provider.Config, l net.Listener, dmpURL string) error {
	p, err := provider.New(ctx, c, provider.Deps{Clock: o.Clock, Rand: o.Rand, Log: o.Log, Version: o.Version, Inbox: d.inbox, HTTP: d.calls()})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	d.Provider = p
	d.onClose(p.Close)
	d.sheet = Sheet{Issuer: p.Config().Issuer, AuthorizationEndpoint: p.Config().AuthorizationURL, DMPURL: dmpURL, Clients: []Client{}, BridgePorts: []int{}, AppURL: p.Config().ECPS.AppURL, PortalURL: d.origin + portal.Path}
	for _, c := range clients(dmpURL) {
		if err := c.register(p.Clients()); err != nil {
			return errors.Join(err, l.Close())
		}
		if c.listed {
			d.sheet.Clients = append(d.sheet.Clients, d.services.line(c))
		}
	}
	for _, p := range sandbox.Personas() {
		d.sheet.Personas = append(d.sheet.Personas, Persona{
			Login: p.Login, Name: p.Name, Means: p.Means, Behaviour: string(p.Behaviour), Card: p.Card.Model,
		})
	}
	if d.app != nil {
		d.serve(ctx, web.Server(p, o.Log), d.app)
	}
	d.run(ctx, func(ctx context.Context) error { return p.ServeOn(ctx, l) })
	return nil
}

// run keeps a part going until Close; its failure ends Wait.
func (d *Demo) run(ctx context.Context, part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := part(ctx); err != nil && ctx.Err() == nil {
			select {
			case d.failed <- err:
			default:
			}
		}
	}()
	d.onClose(func(context.Context) error {
		cancel()
		<-done
		return nil
	})
}

// Authority is the test authority of cards and services, for whoever orders more.
func (d *Demo) Authority() *pki.Authority { return d.cards.authority }

// Sheet tells what runs where.
func (d *Demo) Sheet() Sheet { return d.sheet }

// Wait returns when the context ends, or when a part has failed.
func (d *Demo) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.failed:
		return err
	}
}

// Close stops everything, last started first.
func (d *Demo) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i](ctx))
	}
	d.closers = nil
	return errors.Join(errs...)
}

func (d *Demo) onClose(f func(context.Context) error) { d.closers = append(d.closers, f) }
