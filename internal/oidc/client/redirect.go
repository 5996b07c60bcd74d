package client

import (
	"slices"
	"strings"
)

// MatchRedirect tells whether the URI of a request is one of the registered
// ones: exact string comparison, nothing decoded, folded or cleaned (AZ2,
// RFC 9700 2.1). For public clients, which are native programs, the port of a
// registered http loopback literal may vary (RFC 8252 7.3).
func (c *Client) MatchRedirect(uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	if !c.Public() {
		return false
	}
	got, ok := splitLoopback(uri)
	if !ok {
		return false
	}
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		want, ok := splitLoopback(registered)
		return ok && got == want
	})
}

// MatchPostLogout tells whether a post_logout_redirect_uri is registered: the
// exact string, for every kind of client (RP-Initiated Logout 3).
func (c *Client) MatchPostLogout(uri string) bool {
	return slices.Contains(c.PostLogoutRedirectURIs, uri)
}

// loopback is an http loopback URI without its port.
type loopback struct {
	origin string // "http://127.0.0.1"
	rest   string // path and query, as written
}

// The literals of RFC 8252 7.3. The name "localhost" is absent on purpose: it
// may resolve elsewhere, so its port never varies (8.3).
var loopbackOrigins = [...]string{"http://127.0.0.1", "http://[::1]"}

// splitLoopback takes the port out of an http loopback URI, by plain cutting:
// a URL parser would accept spellings that a browser reads differently.
func splitLoopback(uri string) (loopback, bool) {
	for _, origin := range loopbackOrigins {
		rest, ok := strings.CutPrefix(uri, origin)
		if !ok {
			continue
		}
		if port, ok := strings.CutPrefix(rest, ":"); ok {
			n := 0
			for n < len(port) && port[n] >= '0' && port[n] <= '9' {
				n++
			}
			if !validPort(port[:n]) {
				return loopback{}, false
			}
			rest = port[n:]
		}
		// What follows must begin a path or query, else the host goes on:
		// http://127.0.0.1.evil.example or http://127.0.0.1:80@evil.example.
		if rest != "" && rest[0] != '/' && rest[0] != '?' {
			return loopback{}, false
		}
		return loopback{origin: origin, rest: rest}, true
	}
	return loopback{}, false
}

func validPort(s string) bool {
	if s == "" || len(s) > 5 || s[0] == '0' {
		return false
	}
	return len(s) < 5 || s <= "65535"
}
