package client

import (
	"net/netip"
	"net/url"
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

// Correlating are the claims that name a person, or all but name him, to
// everybody: never for a pairwise client.
func Correlating() []string {
	return []string{"SubjectNameID", "PSISubjectNameID", "preferred_username", "otherIds", "SubjectRefPro", "SubjectOrganizationID"}
}
