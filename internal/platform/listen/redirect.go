package listen

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Redirect answers plain http (TL2): a person who typed an address without
// https is led to the same page over https, on an origin that the configuration
// names. All else is refused, without reading its body: a form, a token or a
// query that came in clear must fail where its sender notices, not work from then on.
func Redirect(origins ...string) http.Handler {
	secure := map[string]string{}
	for _, o := range origins {
		if u, err := url.Parse(o); err == nil && u.Scheme == "https" {
			secure[strings.ToLower(u.Hostname())] = u.Scheme + "://" + u.Host
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Connection", "close")
		origin := secure[strings.ToLower(hostname(r.Host))]
		if origin == "" || !page(r) {
			http.Error(w, "https only", http.StatusForbidden)
			return
		}
		// Never from the Host header itself (D7); path only, which cannot name another host.
		http.Redirect(w, r, origin+"/"+strings.TrimLeft(r.URL.EscapedPath(), "/"), http.StatusPermanentRedirect) //nolint:gosec // G710: the origin is the configuration's
	})
}

// page tells whether a request is a browser going to a page, and brings nothing
// that should not have travelled in clear.
func page(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	mode := r.Header.Get("Sec-Fetch-Mode")
	return (mode == "" || mode == "navigate") && strings.Contains(r.Header.Get("Accept"), "text/html") &&
		r.URL.RawQuery == "" && r.Header.Get("Authorization") == "" && r.ContentLength == 0
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}
