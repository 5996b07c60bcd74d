package client

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

const maxURI = 2000

// CheckRedirect says why a URI may not be registered, nil if it may (AZ4,
// RFC 9700 4.1, RFC 8252). Private-use schemes are for public clients only: a
// program that can keep a secret has a web address.
func CheckRedirect(uri string, public bool) error {
	if err := plainURI(uri); err != nil {
		return err
	}
	u, err := url.Parse(uri)
	if err != nil {
		return errors.New("is not a URI")
	}
	if u.User != nil {
		return errors.New("must not carry a user or password before the host")
	}
	if err := checkScheme(u, public); err != nil {
		return err
	}
	return checkTail(u)
}

// plainURI refuses what a browser and a parser may read in two ways.
func plainURI(uri string) error {
	switch {
	case uri == "":
		return errors.New("is empty")
	case len(uri) > maxURI:
		return fmt.Errorf("is longer than %d characters", maxURI)
	case strings.Contains(uri, "#"):
		return errors.New("must not have a fragment (#)")
	case strings.Contains(uri, `\`):
		return errors.New(`must not hold a backslash: browsers read it as "/"`)
	case strings.Contains(uri, "*"):
		return errors.New("must not hold a wildcard (*): each URI is registered whole and compared exactly")
	}
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>^`{|}", c) >= 0 {
			return fmt.Errorf("holds a character that must be percent-encoded or is forbidden, at position %d", i+1)
		}
	}
	return nil
}

func checkScheme(u *url.URL, public bool) error {
	switch u.Scheme {
	case "https", "http":
		if u.Opaque != "" || u.Hostname() == "" {
			return errors.New("has no host")
		}
		if p := u.Port(); strings.HasSuffix(u.Host, ":") || p != "" && !validPort(p) {
			return errors.New("has an impossible port")
		}
		if u.Scheme == "http" && !isLoopback(u.Hostname()) {
			return errors.New("must be https: plain http is for loopback addresses only")
		}
		return nil
	case "":
		return errors.New("must be absolute, with its scheme")
	}
	// RFC 8252 7.1: a private scheme is a domain name reversed, so it holds a
	// dot. This also keeps javascript:, data: and file: out.
	if !strings.Contains(u.Scheme, ".") {
		return fmt.Errorf("has the scheme %q: use https, or a private scheme that is your domain name reversed (fr.example.app)", u.Scheme)
	}
	if !public {
		return errors.New("has a private scheme, which only a public client (auth_method: none) may use")
	}
	if u.Host != "" {
		return errors.New("has a private scheme followed by two slashes: write fr.example.app:/path (RFC 8252 7.1)")
	}
	return nil
}

func isLoopback(host string) bool {
	return host == "127.0.0.1" || host == "::1" || host == "localhost"
}

// reservedParams are those of our own answer (RFC 6749 4.1.2, RFC 9207): a
// registered query with one of them would let the client read a false one.
var reservedParams = [...]string{"code", "state", "iss", "error", "error_description", "session_state", "id_token", "access_token"}

func checkTail(u *url.URL) error {
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return errors.New("must not climb with dot segments in its path")
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("has a query that cannot be read")
	}
	for _, name := range reservedParams {
		if query.Has(name) {
			return fmt.Errorf("has the parameter %q in its query, which belongs to the answer", name)
		}
	}
	return nil
}
