package deviceapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// errNoActivation answers where this provider can write to nobody.
func errNoActivation() error {
	return fault.New(fault.Denied, ecps.CodeActivation, "this provider activates by card only")
}

// activate begins way B. Everybody gets the same answer.
func (a *API) activate(c echo.Context) error {
	body, err := readBody(c)
	if err != nil {
		return a.fail(c, err)
	}
	in, err := ecps.Decode[ecps.ActivationAsk](body)
	if err != nil {
		return a.fail(c, err)
	}
	if a.deps.Activations == nil {
		return a.fail(c, errNoActivation())
	}
	out, err := a.deps.Activations.Begin(c.Request().Context(), in.Identifier, c.RealIP())
	if err != nil {
		return a.stranger(c, audit.FailureEnrolment, err)
	}
	return reply(c, http.StatusAccepted, out)
}

// prove takes one of the two secrets.
func (a *API) prove(c echo.Context) error {
	body, err := readBody(c)
	if err != nil {
		return a.fail(c, err)
	}
	in, err := ecps.Decode[ecps.ActivationSecret](body)
	if err != nil {
		return a.fail(c, err)
	}
	if a.deps.Activations == nil {
		return a.fail(c, errNoActivation())
	}
	out, err := a.deps.Activations.Prove(c.Request().Context(), c.Param("id"), in)
	if err != nil {
		return a.stranger(c, audit.FailureEnrolment, err)
	}
	return reply(c, http.StatusOK, out)
}
