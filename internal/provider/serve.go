package provider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/web"
)

// linger is how long open streams may still speak before they are cut.
const linger = time.Second

// listener is one door of this node: its name in the log, where it opens, and
// what answers behind it.
type listener struct {
	name string
	net.Listener
	handler http.Handler
}

// Serve listens where the configuration says and serves until ctx ends.
func (p *Provider) Serve(ctx context.Context) error {
	var doors []listener
	for _, l := range p.config.listeners() {
		door, err := p.openPublic(ctx, l)
		if err != nil {
			return errors.Join(err, shut(doors))
		}
		doors = append(doors, door)
	}
	return p.serve(ctx, doors)
}

// ServeOn serves on a listener of the caller's, with the certificate of the
// simple form, until ctx ends.
func (p *Provider) ServeOn(ctx context.Context, l net.Listener) error {
	secured, err := p.secure(l, ListenerConfig{Cert: p.config.TLS.Cert, Key: p.config.TLS.Key})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return p.serve(ctx, []listener{{"public", secured, p}})
}

// inner opens the doors that are not the public's. Each part of the house that
// has one adds itself to the list.
func (p *Provider) inner(ctx context.Context) ([]listener, error) {
	var doors []listener
	for _, open := range []func(context.Context) ([]listener, error){
		p.mtlsListener, p.adminListener, p.metricsListener, p.adminAPI,
	} {
		more, err := open(ctx)
		if err != nil {
			return nil, errors.Join(err, shut(doors))
		}
		doors = append(doors, more...)
	}
	return doors, nil
}

// serve answers on all doors until ctx ends, with the jobs that a running node
// does beside answering.
func (p *Provider) serve(ctx context.Context, doors []listener) error {
	inner, err := p.inner(ctx)
	if err != nil {
		return errors.Join(err, shut(doors))
	}
	doors = slices.Concat(doors, inner)
	jobs, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	p.work(jobs, &running)
	// Answers that wait (server-sent events, long polls) live on this context,
	// which ends shortly after the service was told to stop.
	open, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	failed := make(chan error, len(doors))
	servers := make([]*http.Server, len(doors))
	for i, door := range doors {
		s := web.Server(p.drainable(door.handler), p.deps.Log)
		s.BaseContext = func(net.Listener) context.Context { return open }
		servers[i] = s
		running.Go(func() { failed <- p.answer(s, door) })
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	err = errors.Join(err, p.drain(jobs, servers, hangUp))
	stop()
	running.Wait()
	hangUp()
	return err
}

// answer serves one door; that it was asked to stop is no failure.
func (p *Provider) answer(s *http.Server, door listener) error {
	if err := s.Serve(door.Listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("%s listener: %w", door.name, err)
	}
	return nil
}

// work starts what a running node does beside answering.
func (p *Provider) work(jobs context.Context, running *sync.WaitGroup) {
	running.Go(func() { p.res.clients.Watch(jobs) })
	running.Go(func() { p.carry(jobs) })
	running.Go(func() { p.rotateKeys(jobs) })
	running.Go(func() { p.res.accord.watch(jobs) })
	running.Go(func() { p.res.notices.Run(jobs) })
	running.Go(func() { p.wallet.Remind(jobs) })
	for _, c := range p.certificates.all() {
		running.Go(func() { c.Watch(jobs) })
	}
	if p.pushes != nil {
		running.Go(func() { p.pushes.run(jobs) })
	}
}

func shut(doors []listener) error {
	var errs []error
	for _, d := range doors {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}
