package webpush

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// errGuard is an address that a push must not lead this server to.
var errGuard = errors.New("the address is in a network that is not public")

// closed are blocks inside the public ranges that lead elsewhere (IANA
// special-purpose registries, RFC 6890): shared, protocol, documentation,
// benchmark, reserved and tunnelled addresses.
var closed = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

var (
	global6 = netip.MustParsePrefix("2000::/3")
	nat64   = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: an IPv4 address is inside
)

func prefixes(blocks ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(blocks))
	for i, b := range blocks {
		out[i] = netip.MustParsePrefix(b)
	}
	return out
}

// address tells whether a push may go there. Link-local addresses are never
// allowed: the metadata of clouds live there.
func (a Allow) address(ip netip.Addr) bool {
	ip = ip.Unmap()
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case ip.Zone() != "" || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast():
		return false
	case ip.IsLoopback():
		return a.Loopback
	case ip.IsPrivate():
		return a.Private
	case ip.Is6() && !global6.Contains(ip):
		return false
	}
	for _, b := range closed {
		if b.Contains(ip) {
			return false
		}
	}
	return true
}

// control judges the very address that is dialled, after names were resolved: a
// name that led to a good address when it was looked at may lead to another now.
func (a Allow) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !a.address(to.Addr()) {
		return errGuard
	}
	return nil
}

// guarded makes a client that dials only what the guard has judged. Nothing but
// the TLS settings of c stays: a proxy would resolve names behind the guard's back.
// Errors: fault.Internal if c's transport cannot be looked into.
func guarded(c *http.Client, allow Allow, names *net.Resolver) (*http.Client, error) {
	base, ok := c.Transport.(*http.Transport)
	if c.Transport != nil && !ok {
		return nil, fault.New(fault.Internal, "", "webpush: the guard cannot be put into this transport")
	}
	dialer := &net.Dialer{Timeout: patience, KeepAlive: 30 * time.Second, Resolver: names, ControlContext: allow.control}
	t := &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: patience,
		MaxIdleConns: 128, MaxIdleConnsPerHost: perHost, MaxConnsPerHost: perHost,
		IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
	}
	if base != nil {
		t.TLSClientConfig = base.TLSClientConfig.Clone()
	}
	return &http.Client{
		Transport: t,
		// An endpoint's payload and token are for its own service alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
