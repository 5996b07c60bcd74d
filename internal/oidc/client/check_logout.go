package client

import (
	"net/url"
	"strings"
)

// logout checks where the client is told of logouts: addresses this server, or
// the person's browser, will go to (BCL 2.2, FCL 2).
func (k *checker) logout() {
	l := k.c.Logout
	k.notice("backchannel_logout_uri", l.BackchannelURI)
	k.notice("frontchannel_logout_uri", l.FrontchannelURI)
	k.refuse(l.BackchannelSession && l.BackchannelURI == "", "backchannel_logout_session_required", "is of no use without backchannel_logout_uri")
	k.refuse(l.FrontchannelSession && l.FrontchannelURI == "", "frontchannel_logout_session_required", "is of no use without frontchannel_logout_uri")
	k.refuse(l.FrontchannelURI != "" && !k.c.sharesOrigin(l.FrontchannelURI), "frontchannel_logout_uri",
		"must have the scheme, host and port of a registered redirect URI (Front-Channel Logout 2)")
}

// notice holds an address to the rules of a web redirect URI; whether it is one
// that this server goes to is judged again when it is dialled (D8).
func (k *checker) notice(path, uri string) {
	if uri == "" {
		return
	}
	if err := CheckRedirect(uri, false); err != nil {
		k.bad(path, "%q %s", uri, err)
	}
}

// sharesOrigin tells that an address has the origin of a redirect URI.
func (c *Client) sharesOrigin(uri string) bool {
	for _, r := range c.RedirectURIs {
		if Origin(r) == Origin(uri) {
			return true
		}
	}
	return false
}

// Origin gives scheme, host and port of an address (RFC 6454 4), the port of the
// scheme left out; empty for what has none.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	host := u.Host
	if p := u.Port(); u.Scheme == "https" && p == "443" || u.Scheme == "http" && p == "80" {
		host = strings.TrimSuffix(host, ":"+p)
	}
	return u.Scheme + "://" + strings.ToLower(host)
}
