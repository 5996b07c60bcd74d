package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// ErrAddress is an address that a request must not lead this server to.
var ErrAddress = errors.New("the address is in a network that is not public")

const maxURL = 2048 // bytes

// Allow is the leave to go where a stranger must not send us. The zero value
// allows public addresses over https and nothing else.
type Allow struct {
	Loopback bool // this machine, over http too: the sandbox and test set-ups
	Private  bool // private networks, over https: the services of a hospital
}

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

// address tells whether a request may go there. Link-local addresses are never
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

// URL reads an address that a stranger gave and refuses early what the guard
// would refuse at every try. Where a name leads is judged only when it is
// dialled. Errors: fault.Invalid, without the address: it may be a secret.
func (a Allow) URL(raw string) (*url.URL, error) {
	u, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	ip, err := netip.ParseAddr(u.Hostname())
	literal := err == nil
	here := literal && ip.Unmap().IsLoopback() || u.Hostname() == "localhost"
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !here || !a.Loopback):
		return nil, invalid("is not https")
	case here && !a.Loopback, literal && !a.address(ip):
		return nil, invalid("is in a network that is not public")
	}
	return u, nil
}

// Parse reads an absolute address without user, fragment or strange host; its host
// comes back in lower case. Errors: fault.Invalid.
func Parse(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, invalid("is too long")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, invalid("is no address") // the cause would repeat it
	case u.User != nil || u.Opaque != "" || u.Fragment != "" || u.Hostname() == "":
		return nil, invalid("is no plain address")
	case strings.Trim(strings.ToLower(u.Host), "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") != "":
		return nil, invalid("has strange characters in its host")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, invalid("has a port that is none")
		}
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

func invalid(why string) error { return fault.New(fault.Invalid, "", "the address "+why) }

// control judges the very address that is dialled, after names were resolved: a
// name that led to a good address when it was looked at may lead to another now.
func (a Allow) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !a.address(to.Addr()) {
		return ErrAddress
	}
	return nil
}

// Guarded makes a client that dials only what the guard has judged and follows
// no redirect: what is sent is for its own addressee alone. Nothing but the TLS
// settings of c stays: a proxy would resolve names behind the guard's back.
// patience bounds connecting; perHost the connections to one host.
// Errors: fault.Internal if c's transport cannot be looked into.
func Guarded(c *http.Client, allow Allow, names *net.Resolver, patience time.Duration, perHost int) (*http.Client, error) {
	base, ok := c.Transport.(*http.Transport)
	if c.Transport != nil && !ok {
		return nil, fault.New(fault.Internal, "", "outbound: the guard cannot be put into this transport")
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
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
