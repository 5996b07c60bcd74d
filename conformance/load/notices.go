package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
)

const (
	slowServices = 20
	slowness     = 4 * time.Second // within the patience of a try, so that every hand stays busy
	backlog      = 10_000
)

// sites are services that are to be told and answer late, each on a host of its own.
type sites struct {
	all  [slowServices]*httptest.Server
	told atomic.Int64
}

func newSites() *sites {
	s := &sites{}
	for i := range s.all {
		s.all[i] = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s.told.Add(1)
			late, stop := clock.System{}.After(slowness)
			defer stop()
			select {
			case <-late:
			case <-r.Context().Done():
			}
		}))
	}
	return s
}

func (s *sites) close() {
	for _, one := range s.all {
		one.Close()
	}
}

// notices measures what ten thousand notices to services that are slow or dead
// do to the requests of others (HA6): UserInfo and code flow, before and beside.
func notices(ctx context.Context, binary string, span time.Duration) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dir, err := os.MkdirTemp("", "egide-notices-")
	if err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := newSites()
	defer s.close()
	folks := harness.People(1)
	folder, err := harness.Register(ctx, dir, folks)
	if err != nil {
		return err
	}
	services := []harness.Service{{ID: "bench-es256", Secret: benchSecret, Redirect: "https://bench.invalid/es", Profile: "oidc", IDTokenAlg: "ES256", AccessFormat: "opaque"}}
	for i := range slowServices {
		one := harness.Service{ID: fmt.Sprintf("slow-%d", i), Secret: benchSecret, Redirect: s.all[i].URL + "/cb", Profile: "oidc", IDTokenAlg: "ES256", AccessFormat: "opaque", Told: s.all[i].URL + "/notice"}
		if i%4 == 3 {
			one.Told = "http://127.0.0.1:9/notice" // nobody listens there
		}
		services = append(services, one)
	}
	n, err := harness.StartNode(ctx, harness.NodeOptions{Binary: binary, Name: "bench", Dir: dir, Register: folder, Services: services})
	if err != nil {
		return err
	}
	defer n.Stop()
	if err := n.Ready(ctx); err != nil {
		return err
	}
	if err := harness.Phones(ctx, n, folks); err != nil {
		return err
	}
	b := &bench{node: n, caller: newCaller()}
	if b.session, err = b.logIn(ctx, services[0], folks[0].ID.String()); err != nil {
		return err
	}
	flow := b.codeWithSession(services[0])
	if _, err := paced(ctx, span/4, flow); err != nil { // warm caches and connections
		return err
	}
	for range 3 { // alternating, since the machine is shared and drifts
		if err := b.beside(ctx, filepath.Join(dir, "egide.db"), s, span, flow); err != nil {
			return err
		}
	}
	return nil
}

// beside measures without notices, then with a full outbox.
func (b *bench) beside(ctx context.Context, database string, s *sites, span time.Duration, flow func(context.Context, int) error) error {
	alone, err := paced(ctx, span, flow)
	if err != nil {
		return err
	}
	fmt.Printf("code flow, outbox empty: %s\n", spreadOf(alone))
	if err := fill(ctx, database); err != nil {
		return err
	}
	before := s.told.Load()
	with, err := paced(ctx, span, flow)
	if err != nil {
		return err
	}
	fmt.Printf("code flow, %d notices due to services of which 15 of 20 take %s and 5 are dead: %s; %d tries meanwhile\n", backlog, slowness, spreadOf(with), s.told.Load()-before)
	return empty(ctx, database)
}

// pace is one request of each of the callers every so often: a load the machine
// bears, or its queue would be all that is measured.
const pace = 40 * time.Millisecond

func paced(ctx context.Context, span time.Duration, op func(context.Context, int) error) ([]time.Duration, error) {
	var c clock.System
	end := c.Now().Add(span)
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for at := c.Now(); at.Before(end); at = at.Add(pace) {
				due, stop := c.After(at.Sub(c.Now()))
				<-due
				stop()
				err := op(ctx, w)
				mu.Lock()
				took, failed = append(took, c.Now().Sub(at)), errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return took, failed
}

// fill puts notices that are due into the node's outbox, as sessions that ended
// while its services were away would have left them.
func fill(ctx context.Context, database string) error {
	now := clock.System{}.Now()
	return written(ctx, database, func(tx *sql.Tx) error {
		for i := range backlog {
			sid, service := fmt.Sprintf("sid-%d-%d", now.UnixMilli(), i), fmt.Sprintf("slow-%d", i%slowServices)
			_, err := tx.ExecContext(ctx, `INSERT INTO notices (id, client, sub, sid, state, attempts, created_at, next_at, ends_at) VALUES ($1, $2, 'sub', $3, 'waiting', 0, $4, $4, $5)`,
				sid+":"+service, service, sid, now.UnixMilli(), now.Add(24*time.Hour).UnixMilli())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func empty(ctx context.Context, database string) error {
	return written(ctx, database, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM notices`)
		return err
	})
}

func written(ctx context.Context, database string, fn func(tx *sql.Tx) error) error {
	d, err := db.Open(ctx, database)
	if err != nil {
		return err
	}
	return errors.Join(d.Tx(ctx, fn), d.Close())
}
