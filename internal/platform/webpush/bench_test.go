package webpush

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// BenchmarkPush is the work of one push but for the network: encryption, padding,
// headers. Its token is the one that its push service has seen before; "new
// service" signs one.
func BenchmarkPush(b *testing.B) {
	key, err := OpenKey(b.TempDir(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	now := clock.NewManual(time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC))
	s, err := New(Options{HTTP: &http.Client{}, Key: key, Subject: "mailto:push@exemple.invalid", Clock: now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	p := Push{Subscription: browserKeys(b), Payload: []byte("look"), TTL: time.Minute, Topic: "demande", Expires: now.Now().Add(time.Minute)}
	for name, before := range map[string]func(){
		"known service": func() {},
		"new service":   func() { clear(s.tokens.held) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				before()
				if _, err := s.request(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
