package gooidc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// browser does what a person without script does: follow, fill in, press.
type browser struct {
	t        *testing.T
	client   *http.Client
	callback string // where the browser stops: the service itself plays no part
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	b.client = &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if b.arrived(r.URL) {
			return http.ErrUseLastResponse
		}
		if len(via) > 10 {
			return errors.New("ten redirects")
		}
		return nil
	}}
	return b
}

func (b *browser) arrived(u *url.URL) bool {
	at := *u
	at.RawQuery = ""
	return at.String() == b.callback
}

// page is where the browser stands.
type page struct {
	url      *url.URL
	status   int
	doc      *html.Node
	callback *url.URL // set when the provider sent the browser back to the service
}

func (b *browser) visit(r *http.Request) page {
	b.t.Helper()
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	p := page{url: resp.Request.URL, status: resp.StatusCode}
	if to, err := resp.Location(); err == nil && b.arrived(to) {
		p.callback = to
		return p
	}
	if p.doc, err = html.Parse(io.LimitReader(resp.Body, 1<<20)); err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *browser) get(target string) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.visit(r)
}

// press submits the form around a button, with what the person typed.
func (b *browser) press(p page, id string, typed url.Values) page {
	b.t.Helper()
	button := find1(p.doc, func(n *html.Node) bool { return attr(n, "id") == id })
	if button == nil {
		b.t.Fatalf("no %q at %s (status %d, code %q)", id, p.url, p.status, p.code())
	}
	form := button
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	if form == nil {
		b.t.Fatalf("%q stands in no form", id)
	}
	values := fields(form)
	for k, v := range typed {
		values[k] = v
	}
	if name := attr(button, "name"); name != "" {
		values.Set(name, attr(button, "value"))
	}
	target, err := p.url.Parse(attr(form, "action"))
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.EqualFold(attr(form, "method"), http.MethodPost) {
		target.RawQuery = values.Encode()
		return b.get(target.String())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.visit(r)
}

// login plays the person from an authorization URL to the way back to the
// service. Whom a session serves sees no page at all.
func (b *browser) login(authURL, callback, login string) *url.URL {
	b.t.Helper()
	b.callback = callback
	p := b.get(authURL)
	if p.callback == nil && p.has("submit-ecps") {
		p = b.press(p, "submit-ecps", url.Values{"login": {login}})
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 45*time.Second)
	defer cancel()
	for p.callback == nil {
		select { // a person looks at the page now and then
		case <-ctx.Done():
			b.t.Fatalf("still at %s (status %d, code %q)", p.url, p.status, p.code())
		case <-time.After(200 * time.Millisecond):
		}
		step := "continue"
		if p.has("accept") { // a service outside the sector: the person is asked what may be told
			step = "accept"
		}
		p = b.press(p, step, nil)
	}
	return p.callback
}

func (p page) has(id string) bool {
	return find1(p.doc, func(n *html.Node) bool { return attr(n, "id") == id }) != nil
}

// code gives the data-code of an error page.
func (p page) code() string {
	if n := find1(p.doc, func(n *html.Node) bool { return attr(n, "data-code") != "" }); n != nil {
		return attr(n, "data-code")
	}
	return ""
}

func fields(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		kind := attr(n, "type")
		if n.Data != "input" || attr(n, "name") == "" || kind == "submit" || kind == "button" {
			continue
		}
		if (kind == "checkbox" || kind == "radio") && !has(n, "checked") {
			continue
		}
		values.Add(attr(n, "name"), attr(n, "value"))
	}
	return values
}

func find1(root *html.Node, want func(*html.Node) bool) *html.Node {
	if root == nil {
		return nil
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && want(n) {
			return n
		}
	}
	return nil
}

func attr(n *html.Node, name string) string {
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
