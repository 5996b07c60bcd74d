package demo

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/oidc/psc"
	"github.com/egide-id/egide/internal/platform/fault"
)

// listenBridge opens the bridge's port and gives where pages look for one; nil
// means the ports of the protocol. Without a free port there is no bridge, and
// the sheet says so.
func (d *Demo) listenBridge(ctx context.Context, o Options) []int {
	ports := []int{o.BridgePort}
	switch {
	case portOf(o.Addr) == 0 && !o.NoBridge:
		ports = []int{0}
	case o.BridgePort == cps.Ports()[0]:
		ports = cps.Ports()
	}
	if !o.NoBridge {
		l, err := agent.Listen(ctx, ports...)
		if err == nil {
			d.cards.bridge = l
			d.onClose(func(context.Context) error { return closed(l.Close()) })
			return []int{l.Port}
		}
		o.Log.WarnContext(ctx, "no card bridge: its ports are taken", slog.Any("error", err))
	}
	if ports[0] == 0 {
		return nil
	}
	return ports
}

// newBridge is the real bridge, with the desk's readers and holder.
func (d *Demo) newBridge(o Options) (*agent.Agent, error) {
	front, err := url.Parse(d.sheet.AuthorizationEndpoint)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "authorization endpoint is no URL", err)
	}
	issuer, err := url.Parse(d.sheet.Issuer)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "issuer is no URL", err)
	}
	client := d.calls()
	client.Transport = nearby{public: front.Host, origin: d.origin, next: d.http.Transport}
	return agent.New(agent.Options{
		Providers: []agent.Provider{{
			Origin: front.Scheme + "://" + front.Host,
			Keys:   &agent.Fetched{URL: d.origin + issuer.Path + psc.CertsPath, HTTP: client, Clock: o.Clock},
		}},
		Transport: d.cards.all.Transport(), Prompter: d.cards.all.Holder(),
		HTTP: client, Clock: o.Clock, Log: o.Log, Version: o.Version, French: true,
	})
}

// nearby reaches the provider where it listens: its public name may exist only
// behind somebody's proxy.
type nearby struct {
	public, origin string
	next           http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (n nearby) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == n.public {
		to, err := url.Parse(n.origin)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = to.Scheme, to.Host, ""
	}
	return n.next.RoundTrip(r)
}
