// Command dmp is a relying service: it shows a fictitious shared medical
// record to the professionals whom its rights matrix lets in.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/egide-id/egide/internal/dmp"
	"github.com/egide-id/egide/internal/dmp/policy"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/listen"
)

// options is the whole command line; each flag also reads its environment variable.
type options struct {
	Issuer       string   `help:"Issuer of the provider, as its discovery document spells it." required:"" env:"DMP_ISSUER"`
	DiscoveryURL string   `help:"Discovery document, when not under the issuer." name:"discovery-url" env:"DMP_DISCOVERY_URL"`
	ClientID     string   `help:"Registered client id." default:"dmp-demo" env:"DMP_CLIENT_ID"`
	SecretFile   string   `help:"File that holds the client secret." required:"" type:"existingfile" env:"DMP_SECRET_FILE"`
	PublicURL    string   `help:"Where browsers find this service." default:"http://localhost:8090" name:"public-url" env:"DMP_PUBLIC_URL"`
	Addr         string   `help:"Address to listen on." default:"127.0.0.1:8090" env:"DMP_ADDR"`
	TLSAddr      string   `help:"Address where programs call with a certificate (RFC 8705); none without." name:"tls-addr" optional:"" env:"DMP_TLS_ADDR"`
	TLSCert      string   `help:"Certificate of that address." name:"tls-cert" type:"existingfile" optional:"" env:"DMP_TLS_CERT"`
	TLSKey       string   `help:"Its key." name:"tls-key" type:"existingfile" optional:"" env:"DMP_TLS_KEY"`
	Scopes       []string `help:"Scopes to ask for." default:"openid,scope_all" env:"DMP_SCOPES"`
	ACR          []string `help:"Levels to ask for, preferred first." default:"eidas1" name:"acr" env:"DMP_ACR"`
	Matrix       string   `help:"Rights matrix (JSON) in place of the one that ships." type:"existingfile" optional:"" env:"DMP_MATRIX"`
	LogFormat    string   `help:"text or json." enum:"text,json" default:"text" env:"DMP_LOG_FORMAT"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	kong.Parse(&o, kong.Name("dmp"), kong.Description("Relying service of the Égide demonstration. Invented persons and records only."))
	if err := run(ctx, o, os.Stderr, nil); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "dmp:", err)
		os.Exit(1)
	}
}

// run serves until the context ends. listening, when given, learns the address
// in use: tests ask for port 0.
func run(ctx context.Context, o options, logTo io.Writer, listening func(net.Addr)) error {
	log := logger(logTo, o.LogFormat)
	service, err := o.service(log)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return err
	}
	listeners := []net.Listener{listener}
	if o.TLSAddr != "" {
		programs, err := o.listenTLS(ctx, log)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		listeners = append(listeners, programs)
	}
	log.InfoContext(ctx, "listening", slog.String("addr", listener.Addr().String()), slog.String("public_url", o.PublicURL))
	if listening != nil {
		listening(listener.Addr())
	}
	return serve(ctx, service, listeners)
}

// listenTLS opens the door for programs that show a certificate.
func (o options) listenTLS(ctx context.Context, log *slog.Logger) (net.Listener, error) {
	own, err := listen.Load(listen.Options{Cert: o.TLSCert, Key: o.TLSKey, Clock: clock.System{}, Log: log})
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.TLSAddr)
	if err != nil {
		return nil, err
	}
	return dmp.AskCertificates(l, own), nil
}

func (o options) service(log *slog.Logger) (*dmp.Service, error) {
	secret, err := os.ReadFile(o.SecretFile)
	if err != nil {
		return nil, err
	}
	deps := dmp.Deps{Clock: clock.System{}, Rand: rand.Reader, Log: log}
	if o.Matrix != "" {
		data, err := os.ReadFile(o.Matrix)
		if err != nil {
			return nil, err
		}
		if deps.Policy, err = policy.Load(data); err != nil {
			return nil, err
		}
	}
	return dmp.New(dmp.Config{
		Issuer: o.Issuer, DiscoveryURL: o.DiscoveryURL,
		// An editor's final newline is no part of the secret.
		ClientID: o.ClientID, ClientSecret: strings.TrimRight(string(secret), "\r\n"),
		PublicURL: strings.TrimSuffix(o.PublicURL, "/"), Scopes: o.Scopes, ACRValues: o.ACR,
	}, deps)
}

// serve answers until the context ends, then lets running requests finish.
func serve(ctx context.Context, h http.Handler, listeners []net.Listener) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 60 * time.Second, MaxHeaderBytes: 32 << 10,
	}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- server.Serve(l) }()
	}
	var first error
	left := len(listeners)
	select {
	case first = <-failed:
		left--
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := errors.Join(first, server.Shutdown(grace))
	for range left {
		if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	return err
}

func logger(w io.Writer, format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}
