package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/egide-id/egide/internal/platform/fault"
)

// What stands beside the provider's port when that one was chosen: 8480 to 8484.
const (
	appStep  = 1
	deskStep = 2
	mtlsStep = 3 // the provider's door for certificates
	apiStep  = 4 // the DMP's
)

// listen opens a loopback port: the demonstration is never on a network.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "the address must be host:port", err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, fault.New(fault.Denied, "", "the demonstration listens on loopback only")
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// listenBeside opens a port some steps from the provider's, or any free one.
func listenBeside(ctx context.Context, addr, host string, step int) (net.Listener, error) {
	if port := portOf(addr); port > 0 {
		if l, err := listen(ctx, net.JoinHostPort(host, strconv.Itoa(port+step))); err == nil {
			return l, nil
		}
	}
	return listen(ctx, net.JoinHostPort(host, "0"))
}

// portOf is the port of an address that listen has accepted; 0 is any.
func portOf(addr string) int {
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return port
}

// listenApp opens the port of the e-CPS app: a browser takes it for another
// origin, and cookies of the provider do not reach it. Over https there is none:
// the operator's certificate is for one name.
func (d *Demo) listenApp(ctx context.Context, o Options) (err error) {
	if o.TLSCert != "" {
		return nil
	}
	if d.app, err = listenBeside(ctx, o.Addr, "localhost", appStep); err != nil {
		return err
	}
	d.onClose(func(context.Context) error { return closed(d.app.Close()) })
	return nil
}

// closed forgives a listener that its server has closed before.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
