package redis

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/egide-id/egide/internal/platform/store"
)

// bus carries all topics over one channel and one connection per node, and
// hands messages on within the process. Thousands of waiting pages cost the
// server nothing, and a subscription is in force the moment it is made.
type bus struct {
	client  *redis.Client
	channel string
	local   *store.LocalBus
	log     *slog.Logger
	sub     *redis.PubSub
	reader  sync.WaitGroup
}

// busBacklog is how many messages may wait for the dispatcher of a node.
const busBacklog = 1024

func openBus(ctx context.Context, client *redis.Client, channel string, log *slog.Logger) (*bus, error) {
	b := &bus{client: client, channel: channel, local: store.NewLocalBus(), log: log}
	b.sub = client.Subscribe(ctx, channel)
	// The first answer confirms: what is published from here on arrives.
	if _, err := b.sub.Receive(ctx); err != nil {
		_ = b.sub.Close() // the first failure is the one to tell
		return nil, unavailable(err)
	}
	// The library pings, reconnects and subscribes again by itself; what is
	// lost meanwhile makes waiters late, and they poll.
	messages := b.sub.Channel(redis.WithChannelSize(busBacklog))
	b.reader.Go(func() { b.dispatch(messages) })
	return b, nil
}

func (b *bus) dispatch(messages <-chan *redis.Message) {
	ctx := context.Background()
	for m := range messages {
		topic, payload, ok := unframe(m.Payload)
		if !ok {
			b.log.WarnContext(ctx, "bus message is malformed", slog.Int("size", len(m.Payload)))
			continue
		}
		if err := b.local.Publish(ctx, topic, payload); err != nil {
			b.log.WarnContext(ctx, "bus message is lost", slog.Any("error", err))
		}
	}
}

func (b *bus) close() error {
	err := b.sub.Close()
	b.reader.Wait()
	return err
}

// Publish implements store.Bus.
func (s *Store) Publish(ctx context.Context, topic string, payload []byte) error {
	if err := s.client.Publish(ctx, s.bus.channel, frame(topic, payload)).Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// Subscribe implements store.Bus. ctx concerns the call only; the subscription
// lasts until cancel.
func (s *Store) Subscribe(ctx context.Context, topic string) (<-chan []byte, func(), error) {
	return s.bus.local.Subscribe(ctx, topic)
}

// frame puts the topic, with its length, in front of the payload.
func frame(topic string, payload []byte) []byte {
	b := make([]byte, 0, binary.MaxVarintLen32+len(topic)+len(payload))
	b = binary.AppendUvarint(b, uint64(len(topic)))
	return append(append(b, topic...), payload...)
}

func unframe(message string) (topic string, payload []byte, ok bool) {
	b := []byte(message)
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) { //nolint:gosec // size is at most len(b)
		return "", nil, false
	}
	b = b[size:]
	return string(b[:n]), b[n:], true
}
