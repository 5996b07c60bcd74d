package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/clock"
)

// wakes times logins from the form with the identifier to the event at the phone.
func (b *bench) wakes(ctx context.Context, s harness.Service, c *crowd, folks []rpps.Professional) error {
	took := make([]time.Duration, 0, len(folks))
	for _, p := range folks {
		for len(c.arrivals) > 0 {
			<-c.arrivals
		}
		asked, err := b.ask(s, &holder{id: p.ID})
		if err != nil {
			return err
		}
		late, stop := clock.System{}.After(10 * time.Second)
		select {
		case a := <-c.arrivals:
			if a.holder != p.ID {
				return fmt.Errorf("woken for another: %s", a.holder)
			}
			took = append(took, a.at.Sub(asked))
		case <-late:
			return fmt.Errorf("no event within 10 s for the %dth login", len(took)+1)
		case <-ctx.Done():
		}
		stop()
	}
	fmt.Printf("login form sent to event at the phone, %d open: %s\n", c.open.Load(), spreadOf(took))
	return nil
}

// reactions times approvals from the phone's tap to the answer of the long poll
// that the login page's script holds.
func (b *bench) reactions(ctx context.Context, s harness.Service, holders []*holder) error {
	took := make([]time.Duration, len(holders))
	err := each(len(holders), func(i int) error {
		if _, err := b.ask(s, holders[i]); err != nil {
			return err
		}
		if err := holders[i].fetch(ctx); err != nil {
			return err
		}
		var err error
		took[i], err = b.reaction(ctx, holders[i])
		return err
	})
	if err == nil {
		fmt.Printf("tap on the phone to the page's reaction, %d at once: %s\n", workers, spreadOf(took))
	}
	return err
}

func (b *bench) reaction(ctx context.Context, h *holder) (time.Duration, error) {
	var c clock.System
	var at time.Time
	reacted := make(chan error, 1)
	go func() {
		a, err := b.caller.do(ctx, http.MethodGet, h.poll, nil, func(r *http.Request) {
			for _, k := range h.cookies {
				r.AddCookie(k)
			}
		})
		at = c.Now()
		if err == nil && !strings.Contains(string(a.body), `"approved"`) {
			err = fmt.Errorf("the page was told %d %s", a.status, a.body)
		}
		reacted <- err
	}()
	stands, _ := c.After(settling)
	<-stands
	tap := c.Now()
	if err := h.approve(ctx); err != nil {
		return 0, err
	}
	err := <-reacted
	return at.Sub(tap), err
}

func spreadOf(took []time.Duration) string {
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[min(len(took)-1, int(share*float64(len(took))))].Microseconds()) / 1000
	}
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, slowest %.1f ms of %d", at(0.5), at(0.99), at(1), len(took))
}
