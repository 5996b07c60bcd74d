package deviceapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// ioTime bounds the reading of one call and the writing of one answer or event:
// a phone that dribbles bytes holds nothing for long.
const ioTime = 10 * time.Second

// deadlines sets them for this exchange, whatever the server's own are. Sockets
// live in real time, also where the sandbox's clock is moved.
func (a *API) deadlines(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		rc, until := http.NewResponseController(c.Response()), clock.System{}.Now().Add(ioTime)
		_, _ = rc.SetReadDeadline(until), rc.SetWriteDeadline(until)
		c.Response().Header().Set("Cache-Control", "no-store")
		return next(c)
	}
}

// lasts lets an exchange whose call was read go on for d. The reading side has
// no deadline any more: the server reads ahead to notice that the caller left,
// and would take a deadline that passed for his leaving.
func lasts(w http.ResponseWriter, d time.Duration) {
	rc := http.NewResponseController(w)
	_, _ = rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(clock.System{}.Now().Add(d))
}

// handler serves a phone that has proven its key; body is what it signed.
type handler func(c echo.Context, d wallet.Device, body []byte) error

// signed proves the phone before the handler runs.
func (a *API) signed(h handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		body, err := readBody(c)
		if err != nil {
			return a.fail(c, err)
		}
		proof, ok := strings.CutPrefix(c.Request().Header.Get(echo.HeaderAuthorization), ecps.Scheme+" ")
		if !ok {
			return a.stranger(c, audit.FailureDeviceAuth, fault.New(fault.Denied, ecps.CodeCall, "the call is not signed"))
		}
		r := c.Request()
		d, err := a.deps.Wallet.Authenticate(r.Context(), proof, ecps.Received{Method: r.Method, Path: under(r), Body: body})
		if err != nil {
			return a.stranger(c, audit.FailureDeviceAuth, err)
		}
		return a.fail(c, h(c, d, body))
	}
}

// under gives path and query below the base of the API: what a proxy put before
// it is not part of what the phone signs.
func under(r *http.Request) string {
	_, path, _ := strings.Cut(r.URL.EscapedPath(), wallet.BasePath)
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	return path
}

// readBody reads at most one message.
func readBody(c echo.Context) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, ecps.MaxMessage))
	if err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return nil, fault.Wrap(fault.Invalid, ecps.CodeMalformed, "message is too long", err)
		}
		return nil, fault.Wrap(fault.Invalid, ecps.CodeMalformed, "message did not arrive", err)
	}
	return body, nil
}

// stranger counts a failure of somebody who has proven nothing.
func (a *API) stranger(c echo.Context, kind audit.FailureKind, err error) error {
	a.deps.Failures(c.Request().Context(), audit.Failure{Kind: kind, Code: fault.CodeOf(err)})
	return a.fail(c, err)
}
