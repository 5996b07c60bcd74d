package wallet

import (
	"context"
	"log/slog"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/store"
)

// Notice says that something waits for a holder's phones.
type Notice struct {
	Holder  string // key of the holder: says nothing about who he is
	Request string
	Devices []string  // phones that may answer; none for a request that stays silent
	Opened  time.Time // now
	Expires time.Time // of the request
}

// Left is how long the notice is of any use.
func (n Notice) Left() time.Duration { return n.Expires.Sub(n.Opened) }

// notice names the phones that may be told.
func (w *Wallet) notice(r record, devices []device, now time.Time) Notice {
	n := Notice{Holder: r.Key, Request: r.ID, Opened: now, Expires: r.ExpiresAt}
	for _, d := range devices {
		if !r.Silent && d.obstacle(now) == "" {
			n.Devices = append(n.Devices, d.id)
		}
	}
	return n
}

// Notifier wakes phones. It returns at once and never fails: a phone that was
// not woken finds the request when it asks. It is called for requests that no
// phone will ever see too, so that they take the same time.
type Notifier interface {
	Notify(ctx context.Context, n Notice)
}

// BusNotifier wakes the phones that hold a stream open, on any node.
type BusNotifier struct {
	bus store.Bus
	log *slog.Logger
}

// NewBusNotifier makes one.
func NewBusNotifier(bus store.Bus, log *slog.Logger) BusNotifier { return BusNotifier{bus, log} }

// Notify implements Notifier.
func (b BusNotifier) Notify(ctx context.Context, n Notice) {
	wake(ctx, b.bus, b.log, holderTopic(n.Holder))
}

func wake(ctx context.Context, bus store.Bus, log *slog.Logger, topic string) {
	if err := bus.Publish(ctx, topic, []byte("1")); err != nil {
		log.WarnContext(ctx, "a wake-up was lost", slog.Any("error", err))
	}
}

func holderTopic(key string) string  { return "ecps.holder." + key }
func requestTopic(id string) string  { return "ecps.request." + id }
func holderKey(holder string) string { return ecps.Hash("egide.ecps.holder " + holder) }

// wakePage tells the page that its request has moved.
func (w *Wallet) wakePage(ctx context.Context, id string) {
	wake(ctx, w.Bus, w.Log, requestTopic(id))
}

// wakePhones tells the phones that hold a stream open to look again: a request
// has gone, or what they may do has changed.
func (w *Wallet) wakePhones(ctx context.Context, key string) {
	wake(ctx, w.Bus, w.Log, holderTopic(key))
}

// wakeHolder is wakePhones for an identifier as stored, whatever it is now.
func (w *Wallet) wakeHolder(ctx context.Context, holder string) {
	key, err := w.keyOf(ctx, Device{Holder: holder})
	if err != nil {
		w.Log.WarnContext(ctx, "a wake-up was lost", slog.Any("error", err))
		return
	}
	w.wakePhones(ctx, key)
}

// WatchHolder gives a value whenever the requests of the phone's holder may have
// changed, best effort. cancel releases it and closes the channel.
func (w *Wallet) WatchHolder(ctx context.Context, d Device) (wakes <-chan []byte, cancel func(), err error) {
	key, err := w.keyOf(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	return w.Bus.Subscribe(ctx, holderTopic(key))
}
