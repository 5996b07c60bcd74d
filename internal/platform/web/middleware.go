package web

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/telemetry"
)

// RequestID is the correlation id of the request: in every log line, every
// trace and on every error page (PG6).
func RequestID(c echo.Context) string { return telemetry.RequestID(c.Request().Context()) }

// requestID always makes the id itself: an id chosen by a caller could be used
// to hide his lines among somebody else's.
func requestID(rand io.Reader) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			var b [8]byte
			if _, err := io.ReadFull(rand, b[:]); err != nil {
				return fault.Wrap(fault.Unavailable, "", "no randomness", err)
			}
			id := hex.EncodeToString(b[:])
			c.Response().Header()[echo.HeaderXRequestID] = []string{id}
			c.SetRequest(c.Request().WithContext(telemetry.WithRequestID(c.Request().Context(), id)))
			return next(c)
		}
	}
}

// recovery turns a panic into an internal failure: the stack goes to the log,
// never to the caller (PG6).
func recovery(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				r := recover()
				if r == nil {
					return
				}
				// net/http's own way to drop a connection must reach net/http.
				if e, ok := r.(error); ok && errors.Is(e, http.ErrAbortHandler) {
					panic(r)
				}
				log.ErrorContext(c.Request().Context(), "handler panicked",
					slog.String("path", c.Path()), slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
				err = fault.New(fault.Internal, "", "handler panicked")
			}()
			return next(c)
		}
	}
}

// bodyLimit refuses what announces too much and cuts what lies about it.
func bodyLimit(limit int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength > limit {
				return echo.ErrStatusRequestEntityTooLarge
			}
			if r.Body != nil && r.Body != http.NoBody {
				r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
			}
			return next(c)
		}
	}
}
