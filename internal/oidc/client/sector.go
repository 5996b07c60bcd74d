package client

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
)

// Pairwise tells that this service knows people by names of its own (Core 8).
func (c *Client) Pairwise() bool { return c.Answers.SubjectType == SubjectPairwise }

// Sector names the group of services that share the names of a pairwise client
// (Core 8.1): the host of the sector identifier URI, else the one host of all
// redirect URIs. Empty when there is no such host.
func (c *Client) Sector() string {
	if c.Answers.SectorURI != "" {
		return host(c.Answers.SectorURI)
	}
	sector := ""
	for _, uri := range c.RedirectURIs {
		h := host(uri)
		if h == "" || sector != "" && h != sector {
			return ""
		}
		sector = h
	}
	return sector
}

// host gives the host of an https address, empty for what names no service: an
// app's own scheme, and this machine, which every app has.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsLoopback() {
		return ""
	}
	return u.Hostname()
}

// subjects holds who may be known by what (Core 8, RE2). Services of the sector
// share one name. Outside it a name that differs is worth nothing beside a
// national identifier, a set of claims or a scope that gives one.
func (k *checker) subjects() {
	c := k.c
	k.refuse(c.Answers.SubjectType != SubjectPublic && c.Answers.SubjectType != SubjectPairwise, "subject_type", "must be public or pairwise")
	if !c.Pairwise() {
		k.refuse(c.Answers.SectorURI != "", "sector_identifier_uri", "goes with subject_type pairwise")
		return
	}
	k.refuse(c.Profile == ProfilePSC, "subject_type", "must be public in profile psc: its services know people by their national identifier")
	for _, s := range []string{ScopeIdentity, ScopeAll} {
		k.refuse(slices.Contains(c.Scopes, s), "scopes", s+" gives the national identifier, which a pairwise client must not have")
	}
	for i, name := range c.Answers.Claims {
		k.refuse(slices.Contains(Correlating(), name), fmt.Sprintf("claims[%d]", i), "tells a person apart everywhere, which a pairwise client must not")
	}
	k.refuse(c.Answers.SectorURI != "" && host(c.Answers.SectorURI) == "", "sector_identifier_uri", "must be an https address")
	k.refuse(c.Answers.SectorURI == "" && c.Sector() == "", "sector_identifier_uri",
		"is needed: the redirect URIs do not share one https host, so that nothing else names the sector")
}

// Correlating are the claims that name a person, or all but name him, to
// everybody: never for a pairwise client.
func Correlating() []string {
	return []string{"SubjectNameID", "PSISubjectNameID", "preferred_username", "otherIds", "SubjectRefPro", "SubjectOrganizationID"}
}
