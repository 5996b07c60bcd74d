package deviceapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/fault"
)

// ask reads the signed message of a call and answers it with what do says.
func ask[In, Out any](do func(c echo.Context, d wallet.Device, in In) (Out, error)) handler {
	return func(c echo.Context, d wallet.Device, body []byte) error {
		in, err := ecps.Decode[In](body)
		if err != nil {
			return err
		}
		out, err := do(c, d, in)
		if err != nil {
			return err
		}
		return reply(c, http.StatusOK, out)
	}
}

// tell is ask for calls that have nothing to answer.
func tell[In any](do func(c echo.Context, d wallet.Device, in In) error) handler {
	return func(c echo.Context, d wallet.Device, body []byte) error {
		in, err := ecps.Decode[In](body)
		if err != nil {
			return err
		}
		if err := do(c, d, in); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
}

func (a *API) act(c echo.Context, d wallet.Device, in ecps.ActSubmission) (ecps.ActDone, error) {
	return a.deps.Wallet.Act(c.Request().Context(), d, in.Act)
}

func (a *API) start(c echo.Context, d wallet.Device, in ecps.Start) (ecps.Request, error) {
	return a.deps.Wallet.Claim(c.Request().Context(), d, in)
}

func (a *API) diagnose(c echo.Context, d wallet.Device, in ecps.DiagnosisAsk) (ecps.Diagnosis, error) {
	return a.deps.Wallet.DiagnosePhone(c.Request().Context(), d, in)
}

func (a *API) freeze(c echo.Context, d wallet.Device, in ecps.FreezeAsk) (ecps.FreezeDone, error) {
	frozen, err := a.deps.Wallet.FreezeBy(c.Request().Context(), d, in.SignIn, authn.ECPS)
	return ecps.FreezeDone{V: ecps.Version, FrozenAt: frozen.At.Unix(), Sessions: frozen.Sessions}, err
}

func (a *API) label(c echo.Context, d wallet.Device, in ecps.DeviceLabel) error {
	return a.deps.Wallet.Relabel(c.Request().Context(), d, in.Label)
}

// subscribe takes a push subscription only in a form that a push can go to: an
// address of ours, or of the provider's own network, would make us a proxy (SSRF).
func (a *API) subscribe(c echo.Context, d wallet.Device, in ecps.PushSubscription) error {
	if a.deps.CheckPush == nil {
		return fault.New(fault.Denied, ecps.CodeMalformed, "this provider sends no push")
	}
	if err := a.deps.CheckPush(in); err != nil {
		return err
	}
	return a.deps.Wallet.Subscribe(c.Request().Context(), d, in)
}

func (a *API) unsubscribe(c echo.Context, d wallet.Device, _ struct{}) error {
	return a.deps.Wallet.Unsubscribe(c.Request().Context(), d.ID)
}

func (a *API) devices(c echo.Context, d wallet.Device, _ []byte) error {
	list, err := a.deps.Wallet.Devices(c.Request().Context(), d)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, list)
}

func (a *API) history(c echo.Context, d wallet.Device, _ []byte) error {
	list, err := a.deps.Wallet.History(c.Request().Context(), d)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, list)
}
