package portal

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

const (
	stoppedCookie = "egide-portal-stopped"
	stoppedLife   = 10 * time.Minute
)

// stopped is what a holder is told after « Tout arrêter » or « Tout fermer »: his session is gone
// with the rest, so it waits for him under a secret of its own.
type stopped struct {
	At       time.Time `json:"at"` // zero: nothing was
	Phones   int       `json:"phones"`
	Sessions int       `json:"sessions"`
	Services []string  `json:"services"`
	ByCard   bool      `json:"by_card"` // the contested login was by card, which then does not undo it

	OnlySessions bool `json:"only_sessions,omitempty"` // « Tout fermer »: no means was stopped
}

// tellStopped keeps what was stopped for the page that follows.
func (p *Portal) tellStopped(v *visit, told stopped) error {
	secret, err := web.Secret(p.Rand)
	if err != nil {
		return err
	}
	if err := p.stopped.Put(v.c.Request().Context(), ecps.Hash(secret), told, stoppedLife); err != nil {
		return err
	}
	p.setCookie(v.c, stoppedCookie, secret, stoppedLife)
	return nil
}

// justStopped finds what this browser stopped a moment ago.
func (p *Portal) justStopped(c echo.Context) (stopped, error) {
	secret := p.cookie(c, stoppedCookie)
	if secret == "" {
		return stopped{}, nil
	}
	told, err := p.stopped.Get(c.Request().Context(), ecps.Hash(secret))
	if fault.Is(err, fault.NotFound) {
		return stopped{}, nil
	}
	return told, err
}
