package deviceapi

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	tick       = 5 * time.Second  // looks anyway, in case a wake-up was lost; also the keep-alive
	streamLife = 5 * time.Minute  // then the phone proves its key again
	maxWait    = 25 * time.Second // of a long poll: under the usual 30 s of proxies
	maxStreams = 4                // of one phone on one node
)

// requests answers at once, or with ?wait=seconds&seen=hash once the list is no
// longer the one whose hash the phone names (long poll, for networks that break
// event streams).
func (a *API) requests(c echo.Context, d wallet.Device, _ []byte) error {
	wait, err := waitOf(c.QueryParam("wait"))
	if err != nil {
		return err
	}
	var body []byte
	send := func(b []byte, _ bool) (bool, error) {
		body = b
		return ecps.BodyHash(b) != c.QueryParam("seen"), nil
	}
	lasts(c.Response(), wait+ioTime)
	if err := a.follow(c.Request().Context(), d, wait, send); err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, body)
}

func waitOf(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fault.New(fault.Invalid, ecps.CodeMalformed, "wait is a number of seconds")
	}
	return min(time.Duration(n)*time.Second, maxWait), nil
}

// events is a stream of server-sent events (HTML standard 9.2): the whole list
// each time it changes. While the phone is locked or suspended the stream stays
// and says why, so that the phone sees at once when that ends.
func (a *API) events(c echo.Context, d wallet.Device, _ []byte) error {
	w := c.Response()
	last := ""
	send := func(b []byte, woken bool) (bool, error) {
		hash := ecps.BodyHash(b)
		switch {
		case hash != last:
			last = hash
			return false, push(w, fmt.Appendf(nil, "event: requests\ndata: %s\n\n", b))
		case woken: // strangers' requests that stay silent must not reach the phone, even as traffic
			return false, nil
		}
		return false, push(w, []byte(": still here\n\n"))
	}
	w.Header().Set(echo.HeaderContentType, "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	err := a.follow(c.Request().Context(), d, streamLife, send)
	if err != nil && w.Committed {
		a.deps.Log.DebugContext(c.Request().Context(), "stream ended", slog.Any("error", err))
		return nil
	}
	return err
}

func push(w *echo.Response, event []byte) error {
	lasts(w, ioTime)
	if _, err := w.Write(event); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// follow gives the list to send now and whenever it may have changed, until
// send says enough, life is over, the caller is gone or the server closes.
func (a *API) follow(ctx context.Context, d wallet.Device, life time.Duration, send func(list []byte, woken bool) (enough bool, err error)) error {
	if !a.enter(d.ID) {
		return fault.New(fault.Unavailable, ecps.CodeBusy, "too many streams of this phone")
	}
	defer a.leave(d.ID)
	wakes, cancel, err := a.deps.Wallet.WatchHolder(ctx, d)
	if err != nil {
		a.deps.Log.WarnContext(ctx, "phone is served by polling", slog.Any("error", err))
		wakes, cancel = nil, func() {}
	}
	defer cancel()
	end := a.deps.Clock.Now().Add(life)
	for woken := false; ; {
		list, err := a.list(ctx, d)
		if err != nil {
			return err
		}
		enough, err := send(list, woken)
		left := end.Sub(a.deps.Clock.Now())
		if err != nil || enough || left <= 0 {
			return err
		}
		var goOn bool
		if woken, goOn = a.pause(ctx, &wakes, min(tick, left)); !goOn {
			return nil
		}
	}
}

// pause waits for a wake-up, at most d. It tells whether one came, and whether
// to go on.
func (a *API) pause(ctx context.Context, wakes *<-chan []byte, d time.Duration) (woken, goOn bool) {
	passed, stop := a.deps.Clock.After(d)
	defer stop()
	select {
	case _, open := <-*wakes:
		if !open {
			*wakes = nil // the bus is gone: poll
		}
		return true, true
	case <-passed:
		return false, true
	case <-a.closing:
	case <-ctx.Done():
	}
	return false, false
}

// list is what the phone may see now; of a phone that may not answer, the reason.
func (a *API) list(ctx context.Context, d wallet.Device) ([]byte, error) {
	waiting, err := a.deps.Wallet.Waiting(ctx, d)
	if fault.Is(err, fault.Denied) {
		waiting = ecps.Requests{V: ecps.Version, Requests: []ecps.Request{}, Obstacle: fault.CodeOf(err)}
		err = nil
	}
	if err != nil {
		return nil, err
	}
	b, err := ecps.Encode(waiting)
	return bytes.TrimSpace(b), err
}

func (a *API) enter(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams[id] >= maxStreams {
		return false
	}
	a.streams[id]++
	return true
}

func (a *API) leave(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams[id]--; a.streams[id] <= 0 {
		delete(a.streams, id)
	}
}
