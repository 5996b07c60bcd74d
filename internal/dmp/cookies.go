package dmp

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"

	"github.com/egide-id/egide/internal/platform/fault"
)

// The cookies of this service. Over https they take the prefix that forbids a
// neighbouring host to plant them; over http on loopback a browser would
// refuse that prefix.
const (
	browserCookie = "dmp_browser" // binds a login to the browser that began it
	sessionCookie = "dmp_session"
	logoutCookie  = "dmp_logout" // state of a logout on its way
)

type cookies struct{ secure bool }

func (c cookies) name(name string) string {
	if c.secure {
		return "__Host-" + name
	}
	return name
}

// get gives a cookie's value, "" if there is none.
func (c cookies) get(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.name(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// set gives the browser a cookie that no script reads and that no other site
// sends along with a form. Lax, since the way back from the provider is a
// cross-site navigation.
func (c cookies) set(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, c.make(name, value, 0))
}

func (c cookies) clear(w http.ResponseWriter, name string) {
	http.SetCookie(w, c.make(name, "", -1))
}

func (c cookies) make(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: Secure is off only for http on loopback, which could not send it
		Name: c.name(name), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	}
}

// secret gives 256 random bits as text.
func secret(rand io.Reader) (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(rand, b); err != nil {
		return "", fmt.Errorf("dmp: randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// ownForm tells whether a form came from a page of this session.
func ownForm(r *http.Request, csrf string) error {
	if subtle.ConstantTimeCompare([]byte(r.PostFormValue("csrf")), []byte(csrf)) != 1 {
		return fault.New(fault.Denied, codeForged, "the form does not belong to this session")
	}
	return nil
}
