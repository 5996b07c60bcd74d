package agent

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Listeners are the loopback addresses of one port.
type Listeners struct {
	Port int
	all  []net.Listener
}

// Listen takes the first free of the ports on 127.0.0.1, and on [::1] where the
// computer has it; 0 is any free port. Never another interface.
// Errors: fault.Conflict when all are taken.
func Listen(ctx context.Context, ports ...int) (*Listeners, error) {
	var last error
	for _, port := range ports {
		four, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		l := &Listeners{Port: port, all: []net.Listener{four}}
		if address, ok := four.Addr().(*net.TCPAddr); ok {
			l.Port = address.Port
		}
		if six, err := new(net.ListenConfig).Listen(ctx, "tcp6", net.JoinHostPort("::1", strconv.Itoa(l.Port))); err == nil {
			l.all = append(l.all, six)
		}
		return l, nil
	}
	return nil, fault.Wrap(fault.Conflict, "", "every port of the bridge is taken", last)
}

// Close releases the port.
func (l *Listeners) Close() error {
	var errs []error
	for _, x := range l.all {
		errs = append(errs, x.Close())
	}
	return errors.Join(errs...)
}

// Deadlines of the server: a page may wait as long as the holder types.
const (
	readDeadline = 10 * time.Second
	stopping     = 3 * time.Second
)

// Serve answers until ctx ends, then reports the watched cards and stops.
func (a *Agent) Serve(ctx context.Context, l *Listeners) error {
	s := &http.Server{
		Handler: a.Handler(l.Port), ReadHeaderTimeout: readDeadline, ReadTimeout: readDeadline,
		WriteTimeout: patience + keysPatient + 2*readDeadline, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	failed := make(chan error, len(l.all))
	var running sync.WaitGroup
	for _, x := range l.all {
		running.Go(func() { failed <- s.Serve(x) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	a.Close(bounded)
	if down := s.Shutdown(bounded); down != nil {
		err = errors.Join(err, s.Close())
	}
	running.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
