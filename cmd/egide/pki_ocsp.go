package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

type pkiOCSPCmd struct {
	pkiFlags
	Addr string `help:"host:port on loopback; the one of the base URL by default."`
}

// Run publishes until it is interrupted.
func (c pkiOCSPCmd) Run(a *app) error {
	authority, err := c.open(a)
	if err != nil {
		return err
	}
	if c.Addr == "" {
		u, err := url.Parse(authority.BaseURL)
		if err != nil {
			return fault.Wrap(fault.Invalid, "", "the base URL is no URL", err)
		}
		c.Addr = u.Host
	}
	l, err := listenLoopback(a.Ctx, c.Addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.Out, "OCSP http://%[1]s/ocsp, lists http://%[1]s/CRL/ACI-FO-PP-TEST.crl and others, until Ctrl-C\n", l.Addr()); err != nil {
		return errors.Join(err, l.Close())
	}
	return serveUntilDone(a.Ctx, web.Server(authority.Handler(), a.Log), l)
}

// listenLoopback refuses any other network: a test authority is nobody's responder.
func listenLoopback(ctx context.Context, addr string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "the address must be a loopback address and a port, such as 127.0.0.1:8490", err)
	}
	if !at.Addr().IsLoopback() {
		return nil, fault.New(fault.Denied, "", "the test authority publishes on loopback only")
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// grace is what running requests get to finish.
const grace = 2 * time.Second

func serveUntilDone(ctx context.Context, server *http.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(bounded)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
