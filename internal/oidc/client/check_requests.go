package client

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
)

// maxMaxAge bounds default_max_age: beyond a year it says nothing.
const maxMaxAge = 366 * 24 * time.Hour

// requests checks how the client may ask: what a request that says nothing
// means for it (Registration 2), and whether the person is asked before anything
// is told.
func (k *checker) requests() {
	c := k.c
	for i, level := range c.Requests.DefaultACRs {
		path := fmt.Sprintf("default_acr_values[%d]", i)
		k.refuse(!c.knowsLevel(level), path, "must be eidas1, eidas2 or eidas3, or offline-otp with allow_offline_otp")
		k.refuse(slices.Index(c.Requests.DefaultACRs, level) < i, path, "stands twice in the list")
	}
	k.refuse(len(c.Requests.DefaultACRs) > 0 && c.AllowsGrant(GrantCode) && !c.reaches(c.Requests.DefaultACRs...), "default_acr_values",
		"none of the means this service accepts reaches any of them: nobody could log in")
	k.refuse(c.MinACR != "" && !c.knowsLevel(c.MinACR), "min_acr", "must be eidas1, eidas2 or eidas3, or offline-otp with allow_offline_otp")
	k.refuse(c.MinACR != "" && c.AllowsGrant(GrantCode) && !c.reaches(c.MinACR), "min_acr",
		"is reached by none of the means this service accepts: nobody could log in")
	if age := c.Requests.DefaultMaxAge; age != nil {
		k.refuse(*age < 0 || *age > maxMaxAge || *age%time.Second != 0, "default_max_age", "must be whole seconds, from 0s to a year")
	}
	k.refuse(c.Requests.Consent && c.Profile == ProfilePSC, "consent",
		"is for services outside the sector: a psc client answers for its own right to know")
	k.refuse(c.Requests.Consent && !c.AllowsGrant(GrantCode), "consent", "needs authorization_code: without a page nobody can be asked")
	k.refuse(c.Requests.Consent && strings.TrimSpace(c.Purpose) == "", "purpose", "is needed with consent: the person must read what for")
}

// knowsLevel tells whether a level means something to this client.
func (c *Client) knowsLevel(level string) bool {
	switch level {
	case authn.Eidas1, authn.Eidas2, authn.Eidas3:
		return true
	case authn.OfflineOTP:
		return c.AllowOfflineOTP && c.Profile != ProfilePSC
	}
	return false
}

// reaches tells that somebody could log in with one of the levels.
func (c *Client) reaches(levels ...string) bool {
	for _, m := range [...]authn.Means{authn.Card, authn.ECPS, authn.ECPSOffline} {
		if c.AllowsMeans(m) && slices.ContainsFunc(levels, func(level string) bool { return slices.Contains(m.Levels(), level) }) {
			return true
		}
	}
	return false
}
