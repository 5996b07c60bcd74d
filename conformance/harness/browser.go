package harness

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// TB is what a browser needs of a test; the load generator has its own.
type TB interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Browser is a browser without script: it keeps cookies, follows redirects up
// to a service's own address, reads forms and presses their buttons.
type Browser struct {
	t    TB
	http *http.Client
	stop func(*url.URL) bool // true where the service's own ground begins

	persevere bool
	scripted  bool
	set       []*http.Cookie

	Page *Page // what is on the screen; nil after Arrived was set
	// Arrived is the address at the service that the browser was sent to. It is
	// not requested: the tests read the answer from it.
	Arrived *url.URL
}

// Page is one HTML answer.
type Page struct {
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
	// Cookies are those set on the way here.
	Cookies []*http.Cookie
	root    *html.Node
}

// NewBrowser opens a fresh browser that stops at any address stop recognises.
func NewBrowser(t TB, stop func(*url.URL) bool) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, stop: stop, http: &http.Client{
		Jar: jar, Timeout: 40 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Cookies gives the cookies that the browser would send to an address.
func (b *Browser) Cookies(u *url.URL) []*http.Cookie { return b.http.Jar.Cookies(u) }

// At stops a browser at one callback address, whatever its query.
func At(callback string) func(*url.URL) bool {
	return func(u *url.URL) bool {
		bare := *u
		bare.RawQuery = ""
		return bare.String() == callback
	}
}

// ShareCookies makes this the same browser as another one, with its own eye for
// where a service begins.
func (b *Browser) ShareCookies(with *Browser) { b.http.Jar = with.http.Jar }

// StopAt changes where the service's own ground begins.
func (b *Browser) StopAt(stop func(*url.URL) bool) { b.stop = stop }

// Trust makes the browser believe a certificate, as its user would install it.
func (b *Browser) Trust(certFile string) {
	b.t.Helper()
	pem, err := os.ReadFile(certFile)
	if err != nil {
		b.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	b.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
}

// Persevere makes the person press reload while the provider is away or says
// that it cannot confirm, as people do.
func (b *Browser) Persevere() { b.persevere = true }

// Script makes the browser follow a waiting page by its long poll, as the page's
// script does; without it the person presses "continue".
func (b *Browser) Script() { b.scripted = true }

// Get opens an address.
func (b *Browser) Get(address string) {
	b.t.Helper()
	b.follow(http.MethodGet, address, nil)
}

// Post sends a form to an address.
func (b *Browser) Post(address string, form url.Values) {
	b.t.Helper()
	b.follow(http.MethodPost, address, form)
}

const (
	maxHops = 12
	reloads = 20 * time.Second
)

func (b *Browser) follow(method, address string, form url.Values) {
	b.t.Helper()
	b.Page, b.Arrived, b.set = nil, nil, nil
	for range maxHops {
		next, err := b.hop(method, address, form)
		if b.persevere && (err != nil || b.Page != nil && next == nil && b.Page.Status == http.StatusServiceUnavailable) {
			if Until("provider", reloads, func() bool {
				next, err = b.hop(method, address, form)
				return err == nil && (next != nil || b.Page.Status != http.StatusServiceUnavailable)
			}) != nil {
				b.t.Fatalf("%s %s: away for too long: %v", method, address, err)
			}
		}
		if err != nil {
			b.t.Fatalf("%s %s: %v", method, address, err)
		}
		if next == nil {
			return
		}
		if b.stop(next) {
			b.Arrived = next
			return
		}
		method, address, form = http.MethodGet, next.String(), nil
	}
	b.t.Fatalf("more than %d redirects, last to %s", maxHops, address)
}

// hop makes one request; next is nil when a page arrived.
func (b *Browser) hop(method, address string, form url.Values) (next *url.URL, err error) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(context.Background(), method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	req.Header.Set("Accept-Language", "fr-FR,fr;q=0.9")
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	b.set = append(b.set, res.Cookies()...)
	if location := res.Header.Get("Location"); location != "" && res.StatusCode >= 300 && res.StatusCode < 400 {
		if res.StatusCode == http.StatusTemporaryRedirect || res.StatusCode == http.StatusPermanentRedirect {
			return nil, fmt.Errorf("redirect %d would repeat the form elsewhere (AZ19)", res.StatusCode)
		}
		return res.Request.URL.Parse(location)
	}
	root, err := html.Parse(strings.NewReader(string(text)))
	b.Page = &Page{URL: res.Request.URL, Status: res.StatusCode, Header: res.Header, Body: string(text), Cookies: b.set, root: root}
	return nil, err
}

// Submit fills the form that holds the button with this id and presses it.
func (b *Browser) Submit(button string, fill map[string]string) {
	b.t.Helper()
	if b.Page == nil {
		b.t.Fatalf("no page to press %s on", button)
	}
	method, action, values, err := b.Page.form(button)
	if err != nil {
		b.t.Fatalf("%v; page was:\n%s", err, b.Page.Body)
	}
	for k, v := range fill {
		values.Set(k, v)
	}
	target, err := b.Page.URL.Parse(action)
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodGet {
		target.RawQuery = values.Encode()
		b.Get(target.String())
		return
	}
	b.Post(target.String(), values)
}

// Has tells whether the page has an element with that id.
func (p *Page) Has(id string) bool { return p != nil && find(p.root, id) != nil }

// Text gives the text of the element with that id.
func (p *Page) Text(id string) string {
	if p == nil {
		return ""
	}
	var sb strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			sb.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	if n := find(p.root, id); n != nil {
		walk(n)
	}
	return strings.TrimSpace(sb.String())
}

// Code gives the first data-code of the page: the error it shows.
func (p *Page) Code() string {
	if p == nil {
		return ""
	}
	return p.find("data-code")
}

// find gives the first attribute of that name on the page.
func (p *Page) find(name string) (value string) {
	each(p.root, func(n *html.Node) {
		if v := attr(n, name); v != "" && value == "" {
			value = v
		}
	})
	return value
}

// Attr gives an attribute of the element with that id.
func (p *Page) Attr(id, name string) string { return attr(find(p.root, id), name) }

// form finds the form of a button and what it would send.
func (p *Page) form(button string) (method, action string, values url.Values, err error) {
	pressed := find(p.root, button)
	if pressed == nil {
		return "", "", nil, errors.New("no element #" + button)
	}
	if pressed.Data == "a" {
		return http.MethodGet, attr(pressed, "href"), url.Values{}, nil
	}
	form := pressed // a form is sent by its own id where a script does it
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	if id := attr(pressed, "form"); id != "" {
		form = find(p.root, id)
	}
	if form == nil {
		return "", "", nil, errors.New("#" + button + " stands in no form")
	}
	method, action, values = http.MethodGet, attr(form, "action"), url.Values{}
	if strings.EqualFold(attr(form, "method"), "post") {
		method = http.MethodPost
	}
	each(form, func(n *html.Node) {
		kind := attr(n, "type")
		unchecked := (kind == "checkbox" || kind == "radio") && !has(n, "checked")
		if n.Data == "input" && attr(n, "name") != "" && kind != "submit" && !unchecked {
			values.Set(attr(n, "name"), attr(n, "value"))
		}
	})
	if name := attr(pressed, "name"); name != "" {
		values.Set(name, attr(pressed, "value"))
	}
	if a := attr(pressed, "formaction"); a != "" {
		action = a
	}
	return method, action, values, nil
}

func each(n *html.Node, do func(*html.Node)) {
	if n == nil {
		return
	}
	if n.Type == html.ElementNode {
		do(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, do)
	}
}

func find(root *html.Node, id string) (found *html.Node) {
	each(root, func(n *html.Node) {
		if found == nil && attr(n, "id") == id {
			found = n
		}
	})
	return found
}

func attr(n *html.Node, name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
