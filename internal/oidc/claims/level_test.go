package claims

import (
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
)

func TestACR(t *testing.T) {
	all := []authn.Means{authn.Card, authn.ECPS}
	psc := &client.Client{Profile: client.ProfilePSC, Means: all}
	oidc := &client.Client{Profile: client.ProfileOIDC, Means: all}
	pscOTP := &client.Client{Profile: client.ProfilePSC, Means: all, AllowOfflineOTP: true}
	oidcOTP := &client.Client{Profile: client.ProfileOIDC, Means: all, AllowOfflineOTP: true}
	cardOnly := &client.Client{Profile: client.ProfileOIDC, Means: []authn.Means{authn.Card}}
	cases := []struct {
		name  string
		c     *client.Client
		means authn.Means
		asked string
		want  string // empty: not enough
	}{
		{"psc, nothing asked", psc, authn.ECPS, "", "eidas1"},
		{"psc, nothing asked, card", psc, authn.Card, "", "eidas1"},
		{"psc, eidas1", psc, authn.Card, "eidas1", "eidas1"},
		{"psc, eidas2", psc, authn.ECPS, "eidas2", "eidas2"},
		{"psc, first of the list, not the highest", psc, authn.Card, "eidas1 eidas3", "eidas1"},
		{"psc, first that was reached", psc, authn.ECPS, "eidas3 eidas2 eidas1", "eidas2"},
		{"psc, card reaches eidas3", psc, authn.Card, "eidas3 eidas1", "eidas3"},
		{"psc, eidas3 alone needs a card", psc, authn.ECPS, "eidas3", ""},
		{"psc, nothing known asked", psc, authn.ECPS, "0 urn:x", "eidas1"},
		{"psc, unknown beside known", psc, authn.ECPS, "urn:x eidas2", "eidas2"},
		{"oidc, nothing asked", oidc, authn.ECPS, "", "eidas2"},
		{"oidc, nothing asked, card", oidc, authn.Card, "", "eidas3"},
		{"oidc, the highest reached", oidc, authn.ECPS, "eidas1", "eidas2"},
		{"oidc, one of those asked", oidc, authn.ECPS, "eidas3 eidas1", "eidas2"},
		{"oidc, not reached is never a lower answer", oidc, authn.ECPS, "eidas3", ""},
		{"oidc, nothing known asked", oidc, authn.ECPS, "urn:x", "eidas2"},
		{"means not accepted by the service", cardOnly, authn.ECPS, "", ""},
		{"offline code, not opted in", psc, authn.ECPSOffline, "", ""},
		{"offline code, not opted in but asked", oidc, authn.ECPSOffline, "offline-otp", ""},
		{"offline code, opted in", oidcOTP, authn.ECPSOffline, "", "offline-otp"},
		{"offline code, opted in, named", oidcOTP, authn.ECPSOffline, "offline-otp", "offline-otp"},
		{"offline code is not on the closed list of psc", pscOTP, authn.ECPSOffline, "", ""},
		{"offline code is not on the closed list of psc, named", pscOTP, authn.ECPSOffline, "offline-otp", ""},
		{"offline code never reaches an eidas level", oidcOTP, authn.ECPSOffline, "eidas1", ""},
		{"offline code beside a level", oidcOTP, authn.ECPSOffline, "eidas1 offline-otp", "offline-otp"},
		{"offline-otp alone is not reached by e-CPS", oidcOTP, authn.ECPS, "offline-otp", ""},
		{"a structure's certificate is no person", oidc, authn.OrgCertificate, "", ""},
		{"no means at all", oidc, "", "eidas1", ""},
	}
	for _, c := range cases {
		got, enough := ACR(c.c, Levels{Wanted: strings.Fields(c.asked)}, authn.Authentication{Means: c.means})
		if got != c.want || enough != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", c.name, got, enough, c.want)
		}
	}
}

func TestMeansOnTheWire(t *testing.T) {
	cases := []struct {
		means               authn.Means
		mode, level, palier string
	}{
		{authn.Card, "CARD", "1", "APPPRIP3^1.2.250.1.213.1.5.1.1.1"},
		{authn.ECPS, "MOBILE", "1", "APPPRIP3^1.2.250.1.213.1.5.1.1.1"},
		{authn.ECPSOffline, "MOBILE", "0", "APPPRIP2^1.2.250.1.213.1.5.1.1.1"},
	}
	for _, c := range cases {
		if authMode(c.means) != c.mode || authLevel(c.means) != c.level || palier(c.means) != c.palier {
			t.Errorf("%s: %s %s %s", c.means, authMode(c.means), authLevel(c.means), palier(c.means))
		}
	}
}

// AZ14, from the other side: a service that registered a least level is never
// answered below it, whatever a request asks.
func TestMinimumLevelHoldsWhateverIsAsked(t *testing.T) {
	card, phone, code := authn.Authentication{Means: authn.Card}, authn.Authentication{Means: authn.ECPS}, authn.Authentication{Means: authn.ECPSOffline}
	both := []authn.Means{authn.Card, authn.ECPS}
	for _, c := range []struct {
		name   string
		client client.Client
		asked  Levels
		auth   authn.Authentication
		acr    string
		enough bool
	}{
		{"psc asks nothing", client.Client{Profile: client.ProfilePSC, Means: both, MinACR: authn.Eidas2}, Levels{}, phone, authn.Eidas2, true},
		{"psc asks below", client.Client{Profile: client.ProfilePSC, Means: both, MinACR: authn.Eidas2}, Levels{Wanted: []string{authn.Eidas1}}, phone, authn.Eidas2, true},
		{"psc phone below", client.Client{Profile: client.ProfilePSC, Means: both, MinACR: authn.Eidas3}, Levels{Wanted: []string{authn.Eidas1}}, phone, "", false},
		{"oidc phone below", client.Client{Profile: client.ProfileOIDC, Means: both, MinACR: authn.Eidas3}, Levels{}, phone, "", false},
		{"oidc card", client.Client{Profile: client.ProfileOIDC, Means: both, MinACR: authn.Eidas3}, Levels{}, card, authn.Eidas3, true},
		{"oidc essential below", client.Client{Profile: client.ProfileOIDC, Means: both, MinACR: authn.Eidas2}, Levels{Must: []string{authn.Eidas1}}, card, "", false},
		{"offline code below", client.Client{Profile: client.ProfileOIDC, Means: both, AllowOfflineOTP: true, MinACR: authn.Eidas1}, Levels{}, code, "", false},
		{"offline code as least", client.Client{Profile: client.ProfileOIDC, Means: both, AllowOfflineOTP: true, MinACR: authn.OfflineOTP}, Levels{}, code, authn.OfflineOTP, true},
	} {
		if acr, enough := ACR(&c.client, c.asked, c.auth); acr != c.acr || enough != c.enough {
			t.Errorf("%s: %q %v", c.name, acr, enough)
		}
	}
}
