package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/web"
)

// drain is how long answers under way may take once the service stops.
const drain = 10 * time.Second

// linger is how long open streams may still speak before they are cut.
const linger = time.Second

// Serve listens where the configuration says and serves until ctx ends.
func (p *Provider) Serve(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return p.ServeOn(ctx, l)
}

// ServeOn serves on a listener of the caller's until ctx ends, with the jobs
// that a running node does beside answering.
func (p *Provider) ServeOn(ctx context.Context, l net.Listener) error {
	if p.config.TLS.Cert != "" {
		pair, err := tls.LoadX509KeyPair(p.config.TLS.Cert, p.config.TLS.Key)
		if err != nil {
			return errors.Join(fmt.Errorf("certificate: %w", err), l.Close())
		}
		l = tls.NewListener(l, &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"},
		})
	}
	admin, err := p.listenAdmin(ctx)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	jobs, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { p.res.clients.Watch(jobs) })
	running.Go(func() { p.carry(jobs) })
	running.Go(func() { p.wallet.Remind(jobs) })
	if p.pushes != nil {
		running.Go(func() { p.pushes.run(jobs) })
	}
	// Answers that wait (server-sent events, long polls) live on this context,
	// which ends shortly after the service was told to stop.
	open, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	public, local := web.Server(p, p.deps.Log), web.Server(p.adminHandler(), p.deps.Log)
	public.BaseContext = func(net.Listener) context.Context { return open }
	failed := make(chan error, 2)
	running.Go(func() { failed <- public.Serve(l) })
	running.Go(func() { failed <- local.Serve(admin) })

	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	p.phones.Load().Close()
	stopping, release := p.deps.Clock.After(linger)
	go func() {
		defer hangUp()
		select {
		case <-stopping:
		case <-jobs.Done():
		}
	}()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err = errors.Join(err, public.Shutdown(bounded), local.Shutdown(bounded))
	release()
	stop()
	running.Wait()
	hangUp()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
