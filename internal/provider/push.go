package provider

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/webpush"
)

// requestPush is all that a push says: the phone then asks.
const requestPush = `{"k":"request"}`

// pushes wakes phones whose app is closed. A login page never waits for it.
type pushes struct {
	wallet.BusNotifier
	sender *webpush.Sender
	key    *webpush.VAPIDKey
	allow  webpush.Allow
	log    *slog.Logger
	count  func(outcome string)
	wallet atomic.Pointer[wallet.Wallet] // of the present configuration
	told   chan wallet.Notice
}

// pushBacklog is how many requests may wait for their phones to be looked up;
// more are found when the app is opened.
const pushBacklog = 4096

// newPushes makes the sender; nil when this provider sends none.
func (p *Provider) newPushes(c Config) (*pushes, error) {
	if c.ECPS.Push.Contact == "" {
		return nil, nil //nolint:nilnil // a provider without pushes is no failure
	}
	key, err := webpush.OpenKey(c.KeysDir, p.deps.Rand)
	if err != nil {
		return nil, err
	}
	n := &pushes{
		BusNotifier: wallet.NewBusNotifier(p.res.bus, p.deps.Log), key: key, log: p.deps.Log, count: p.res.metrics.Pushed, told: make(chan wallet.Notice, pushBacklog),
		allow: webpush.Allow{Loopback: c.Environment == Sandbox},
	}
	n.sender, err = webpush.New(webpush.Options{
		HTTP: &http.Client{}, Key: key, Subject: c.ECPS.Push.Contact, Clock: p.deps.Clock, Rand: p.deps.Rand, Log: p.deps.Log, Allow: n.allow, Results: n.result,
	})
	return n, err
}

// Notify implements wallet.Notifier: streams at once, pushes behind.
func (n *pushes) Notify(ctx context.Context, notice wallet.Notice) {
	n.BusNotifier.Notify(ctx, notice)
	select {
	case n.told <- notice:
	default: // the app finds the request when it is opened
	}
}

// run looks up where phones are reached, and sends, until ctx ends.
func (n *pushes) run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := n.sender.Run(ctx); err != nil {
			n.log.ErrorContext(ctx, "pushes stopped", slog.Any("error", err))
		}
	}()
	for {
		select {
		case notice := <-n.told:
			n.push(ctx, notice)
		case <-ctx.Done():
			<-done
			return
		}
	}
}

func (n *pushes) push(ctx context.Context, notice wallet.Notice) {
	for _, device := range notice.Devices {
		s, err := n.wallet.Load().Subscription(ctx, device)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			n.log.WarnContext(ctx, "a phone's subscription was not read", slog.Any("error", err))
			continue
		}
		n.sender.Enqueue(webpush.Push{
			Subscription: webpush.Subscription{ID: device, Endpoint: s.Endpoint, P256DH: s.P256DH, Auth: s.Auth},
			Payload:      []byte(requestPush), TTL: notice.Left(), Topic: "request", Urgency: "high", Expires: notice.Expires,
		})
	}
}

// result keeps what the push service said: a subscription that is gone is
// forgotten (RFC 8030 7.3), one that works is noted for support.
func (n *pushes) result(ctx context.Context, device string, o webpush.Outcome) {
	n.count(o.Kind.String())
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var err error
	switch o.Kind {
	case webpush.Accepted:
		err = n.wallet.Load().Reached(bounded, device)
	case webpush.Gone:
		err = n.wallet.Load().Unsubscribe(bounded, device)
	case webpush.Later, webpush.Refused, webpush.Failed:
	}
	if err != nil {
		n.log.WarnContext(ctx, "what became of a push was not noted", slog.Any("error", err))
	}
}

// check holds a subscription to what a push may be sent to.
func (n *pushes) check(s ecps.PushSubscription) error {
	return webpush.Subscription{ID: "phone", Endpoint: s.Endpoint, P256DH: s.P256DH, Auth: s.Auth}.Check(n.allow)
}
