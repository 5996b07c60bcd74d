package deviceapi

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/fault"
)

// retryAfter is what a phone is told when a part of ours cannot confirm.
const retryAfter = "2"

// status is the one table from kind to HTTP status.
func status(err error) int {
	switch fault.KindOf(err) {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Expired:
		return http.StatusGone
	case fault.Used, fault.Conflict:
		return http.StatusConflict
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Denied:
		switch fault.CodeOf(err) {
		case ecps.CodeCall, ecps.CodeClock, ecps.CodeReplay:
			return http.StatusUnauthorized
		}
		return http.StatusForbidden
	case fault.Internal:
	}
	return http.StatusInternalServerError
}

// fail answers with a problem; nil stays nil. Causes go to the log only.
func (a *API) fail(c echo.Context, err error) error {
	if err == nil || c.Response().Committed {
		return nil
	}
	code := status(err)
	if code >= http.StatusInternalServerError {
		a.deps.Log.ErrorContext(c.Request().Context(), "device call failed", slog.Any("error", err))
	}
	if code == http.StatusServiceUnavailable {
		c.Response().Header().Set(echo.HeaderRetryAfter, retryAfter)
	}
	if code == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, ecps.Scheme)
	}
	return reply(c, code, a.problem(err))
}

func (a *API) problem(err error) ecps.Problem {
	p := ecps.Problem{Code: fault.CodeOf(err), Detail: "internal error", Time: a.deps.Clock.Now().Unix()}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Internal {
		p.Detail = f.Detail
	}
	if r, ok := errors.AsType[*wallet.Rejection](err); ok {
		p.TriesLeft, p.Moved = r.TriesLeft, r.Moved
	}
	return p
}

// reply writes a message in its canonical form.
func reply(c echo.Context, status int, message any) error {
	b, err := ecps.Encode(message)
	if err != nil {
		return err
	}
	return c.Blob(status, echo.MIMEApplicationJSON, b)
}
