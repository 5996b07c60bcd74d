package deviceapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/trust/audit"
)

func (a *API) parameters(c echo.Context) error {
	return reply(c, http.StatusOK, a.deps.Wallet.Parameters())
}

// enrol is signed by the very key it brings; the invitation is what lets it in.
func (a *API) enrol(c echo.Context) error {
	body, err := readBody(c)
	if err != nil {
		return a.fail(c, err)
	}
	m, err := ecps.Decode[ecps.EnrolmentSubmission](body)
	if err != nil {
		return a.fail(c, err)
	}
	done, err := a.deps.Wallet.Enrol(c.Request().Context(), m.Enrolment)
	if err != nil {
		return a.stranger(c, audit.FailureEnrolment, err)
	}
	return reply(c, http.StatusCreated, done)
}

func (a *API) device(c echo.Context, d wallet.Device, _ []byte) error {
	info, err := a.deps.Wallet.Info(c.Request().Context(), d)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, info)
}

func (a *API) request(c echo.Context, d wallet.Device, _ []byte) error {
	r, err := a.deps.Wallet.Request(c.Request().Context(), d, c.Param("id"))
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, r)
}

func (a *API) delivered(to wallet.Delivery) handler {
	return func(c echo.Context, d wallet.Device, _ []byte) error {
		if err := a.deps.Wallet.Delivered(c.Request().Context(), d, c.Param("id"), to); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
}

func (a *API) answer(c echo.Context, d wallet.Device, body []byte) error {
	m, err := ecps.Decode[ecps.Submission](body)
	if err != nil {
		return err
	}
	receipt, err := a.deps.Wallet.Answer(c.Request().Context(), d, c.Param("id"), m.Answer)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, receipt)
}
