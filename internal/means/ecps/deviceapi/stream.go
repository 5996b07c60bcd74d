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
	ctx := c.Request().Context()
	s, err := a.open(ctx, d, wait, "")
	if err != nil {
		return err
	}
	defer s.close()
	lasts(c.Response(), wait+ioTime)
	for {
		body, err := a.list(ctx, s.device)
		if err != nil {
			return err
		}
		now := a.deps.Clock.Now()
		goOn := ecps.BodyHash(body) == c.QueryParam("seen") && now.Before(s.end)
		if goOn {
			_, goOn = a.pause(ctx, s, min(s.every(), s.end.Sub(now)))
		}
		if !goOn {
			return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, body)
		}
	}
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
	r, w := c.Request(), c.Response()
	s, err := a.open(r.Context(), d, streamLife, r.Header.Get(echo.HeaderAuthorization))
	if err != nil {
		return err
	}
	first, err := a.news(r.Context(), s)
	if err != nil {
		s.close()
		return err
	}
	w.Header().Set(echo.HeaderContentType, "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	if l := takeOver(w); l != nil {
		return a.detach(r.Context(), s, l, first)
	}
	defer s.close()
	s.out = func(event []byte) error { return push(w, event) }
	if err = s.out(first); err == nil {
		err = a.follow(r.Context(), s)
	}
	a.ended(r.Context(), err)
	return nil
}

// push writes one event over the server's own response.
func push(w *echo.Response, event []byte) error {
	lasts(w, ioTime)
	if _, err := w.Write(event); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// ended notes why a stream is over: nobody is left to be told.
func (a *API) ended(ctx context.Context, err error) {
	if err != nil {
		a.deps.Log.DebugContext(ctx, "stream ended", slog.Any("error", err))
	}
}

// news looks once, and gives the event that tells the list where it is not the
// one that the phone has, else nil.
func (a *API) news(ctx context.Context, s *stream) ([]byte, error) {
	list, err := a.list(ctx, s.device)
	if err != nil {
		return nil, err
	}
	hash := ecps.BodyHash(list)
	if hash == s.told {
		return nil, nil
	}
	s.told = hash
	return fmt.Appendf(nil, "event: requests\ndata: %s\n\n", list), nil
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
