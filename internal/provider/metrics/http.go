package metrics

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/web"
)

// HTTP counts every answer under the pattern of its route.
func (m *Metrics) HTTP(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		var now clock.System // real time, whatever the sandbox does to its clock
		from := now.Now()
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		err := next(c)
		route := Route(c)
		m.latency.WithLabelValues(route).Observe(now.Now().Sub(from).Seconds())
		m.requests.WithLabelValues(route, Method(c.Request().Method), code(Status(c, err))).Inc()
		return err
	}
}

// Route is the pattern that the router found, never the path that was asked.
func Route(c echo.Context) string {
	if p := c.Path(); p != "" {
		return p
	}
	return "none"
}

// Method is one of those that HTTP names: a caller may send any word.
func Method(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions:
		return m
	}
	return other
}

// Status is what was answered, or will be for the error that a handler returned.
func Status(c echo.Context, err error) int {
	if err != nil && !c.Response().Committed {
		return web.StatusOf(err)
	}
	return c.Response().Status
}

// codes are the labels of all statuses, so that none is made for an answer.
var codes = func() (out [600]string) {
	for i := range out {
		out[i] = strconv.Itoa(i)
	}
	return out
}()

func code(status int) string {
	if status >= 0 && status < len(codes) {
		return codes[status]
	}
	return other
}
