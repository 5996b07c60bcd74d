package provider

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/assets"
	"github.com/egide-id/egide/internal/means/ecps/deviceapi"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/web"
)

// The app lives on a host of its own: its origin holds the keys of phones, and
// no other page of the house, and no script of theirs, shares it.

// hosts sends what is for the app's host there, and all else to the rest. The
// host is compared as the browser sent it, port included.
func hosts(appURL string, app, rest http.Handler) (http.Handler, error) {
	if appURL == "" {
		return rest, nil
	}
	u, err := url.Parse(appURL)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == u.Host {
			app.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	}), nil
}

// app serves the app's files and, beside them, the API that it calls.
func (p *Provider) app(c Config, f features, phones *deviceapi.API) http.Handler {
	e := web.New(web.Options{
		Log: p.deps.Log, Rand: p.deps.Rand, Pages: f.pages, Environment: c.Environment, TrustedProxies: networks(c.TrustedProxies),
		Around: p.around(c),
	})
	e.Use(traceOrigin)
	phones.Mount(e.Group(wallet.BasePath))
	p.mountHealth(e)
	files := assets.LoadApp()
	serve := echo.WrapHandler(files)
	for _, path := range []string{"/", "/*"} {
		e.GET(path, func(c echo.Context) error {
			if !files.Has(c.Request().URL.Path) {
				return echo.ErrNotFound
			}
			return serve(c)
		})
	}
	return e
}
