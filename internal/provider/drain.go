package provider

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// drain stops a node without a failed call (HA2). First it only says that it is
// not ready, and serves on, while load balancers turn away and clients' idle
// connections end after their next answer. Then it takes no new connection, lets
// open streams end by themselves, cuts them after a moment, and lets answers
// under way finish.
func (p *Provider) drain(jobs context.Context, servers []*http.Server, hangUp func()) error {
	p.draining.Store(true)
	if delay := time.Duration(p.config.Drain.Delay); delay > 0 {
		over, release := p.deps.Clock.After(delay)
		<-over
		release()
	}
	p.phones.Load().Close()
	stopping, release := p.deps.Clock.After(linger)
	defer release()
	go func() {
		defer hangUp()
		select {
		case <-stopping:
		case <-jobs.Done():
		}
	}()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(jobs), time.Duration(p.config.Drain.Timeout))
	defer cancel()
	errs := make(chan error, len(servers))
	for _, s := range servers {
		go func() { errs <- s.Shutdown(bounded) }()
	}
	var all error
	for range servers {
		all = errors.Join(all, <-errs)
	}
	return all
}

// drainable ends a client's connection with its next answer once the node is on
// its way out: closed by the server between two answers, it would take a request
// with it that was just being sent.
func (p *Provider) drainable(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}
