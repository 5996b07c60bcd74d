package login

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/web"
)

// mountTexts routes the pages that every footer links to, always at the same
// place (WCAG 3.2.6).
func (l *Login) mountTexts(e *echo.Echo) {
	for path, page := range map[string]string{
		"/aide": "help", "/accessibilite": "accessibility", "/confidentialite": "privacy",
	} {
		e.GET(path, func(c echo.Context) error {
			return l.Pages.Render(c, http.StatusOK, page, web.Locale(c, c.QueryParam("ui_locales")), nil)
		})
	}
}
