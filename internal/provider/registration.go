package provider

import (
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/psc"
	"github.com/egide-id/egide/internal/oidc/registration"
)

// path is where services register themselves, empty where they do not.
func (d DynamicConfig) path() string {
	if !d.Enabled {
		return ""
	}
	return psc.RegistrationPath
}

// mountRegistration answers services that register themselves, below the issuer.
func (p *Provider) mountRegistration(e *echo.Echo, c Config) error {
	path := c.Registration.path()
	if path == "" {
		return nil
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return err
	}
	registration.New(registration.Deps{
		Desk: p.res.desk, Site: p.res.out, Failures: p.res.traces.Failure, Log: p.deps.Log, URL: c.Issuer + path,
	}).Mount(e, strings.TrimSuffix(issuer.Path, "/")+path)
	return nil
}
