package browser

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// asking is a valid authorization request of the demonstration's strict client.
func asking(more ...string) string {
	q := url.Values{
		"client_id": {"demo-oidc"}, "redirect_uri": {demo.client("demo-oidc").RedirectURIs[0]}, "response_type": {"code"},
		"scope": {"openid"}, "state": {"s"}, "ui_locales": {"fr"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return demo.Authorization + "?" + q.Encode()
}

// relying answers at the strict client's redirect address with a page that holds
// our frame.
func relying(t *testing.T) (address string) {
	t.Helper()
	address = demo.client("demo-oidc").RedirectURIs[0]
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	page := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<title>service</title><iframe id="op" src=%q></iframe>`, demo.Issuer+"/protocol/openid-connect/login-status-iframe.html")
	})}
	go func() { _ = page.Serve(l) }()
	t.Cleanup(func() { _ = page.Close() })
	return address
}

func endSession(q url.Values) string {
	return demo.Issuer + "/protocol/openid-connect/logout?" + q.Encode()
}

// tab opens another tab of the same browser: cookies are shared.
func (s *screen) tab() *screen {
	s.t.Helper()
	ctx, cancel := chromedp.NewContext(s.ctx)
	s.t.Cleanup(cancel)
	other := &screen{t: s.t, ctx: ctx, script: s.script}
	other.do()
	return other
}

// seen collects the documents that came from our own hosts, by address.
type seen struct {
	mu   sync.Mutex
	docs map[string]map[string]string
}

func (s *screen) watch() *seen {
	s.t.Helper()
	c := &seen{docs: map[string]map[string]string{}}
	own := []string{origin(demo.Authorization), origin(demo.Issuer)}
	err := chromedp.Listen(s.ctx, func(ev any) {
		r, ok := ev.(*network.EventResponseReceived)
		if !ok || r.Type != network.ResourceTypeDocument {
			return
		}
		for _, o := range own {
			if strings.HasPrefix(r.Response.URL, o+"/") {
				headers := map[string]string{}
				for k, v := range r.Response.Headers {
					headers[strings.ToLower(k)] = fmt.Sprint(v)
				}
				c.mu.Lock()
				c.docs[strings.SplitN(r.Response.URL, "?", 2)[0]] = headers
				c.mu.Unlock()
			}
		}
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "none"
	}
	return u.Scheme + "://" + u.Host
}

// Every page that a person can meet carries the headers of PG1, as the browser
// received them.
func TestPG1HeadersOfEveryPage(t *testing.T) {
	s := open(t, 1280, 900, true)
	pages := s.watch()
	front := origin(demo.Authorization)
	s.do(chromedp.Navigate(demo.Authorization+"?client_id=nobody"), chromedp.WaitVisible(id("main")))
	s.do(chromedp.Navigate(front+"/nowhere"), chromedp.WaitVisible(id("main")))
	for _, text := range []string{"/aide", "/accessibilite", "/confidentialite"} {
		s.do(chromedp.Navigate(front+text), chromedp.WaitVisible(id("main")))
	}
	s.do(chromedp.Navigate(asking()), chromedp.WaitVisible(id("login")))
	s.do(chromedp.SendKeys(id("login"), persona(t, "ignore")), chromedp.Click(id("submit-ecps")), chromedp.WaitVisible(id("match-number")))
	s.do(chromedp.Navigate(demo.PortalURL+"/login"), chromedp.WaitVisible(id("login")))
	s.do(chromedp.SendKeys(id("login"), persona(t, "approve-300ms")), chromedp.Click(id("submit-ecps")), chromedp.WaitVisible(id("who")))
	for _, page := range []string{"/sessions", "/historique", "/contester", "/perdu", "/telephone", "/ou-ca-coince"} {
		s.do(chromedp.Navigate(demo.PortalURL+page), chromedp.WaitVisible(id("main")))
	}
	s.do(chromedp.Navigate(endSession(nil)), chromedp.WaitVisible(id("logout-yes")), chromedp.Click(id("logout-yes")), chromedp.WaitVisible(id("logged-out")))

	pages.mu.Lock()
	defer pages.mu.Unlock()
	if len(pages.docs) < 14 {
		t.Errorf("only %d pages were seen", len(pages.docs))
	}
	for address, h := range pages.docs {
		policy := h["content-security-policy"]
		for _, need := range []string{"base-uri 'none'", "frame-ancestors 'none'", "form-action "} {
			if !strings.Contains(policy, need) {
				t.Errorf("%s: policy %q lacks %s", address, policy, need)
			}
		}
		if !strings.Contains(policy, "default-src 'none'") && !strings.Contains(policy, "default-src 'self'") {
			t.Errorf("%s: policy %q", address, policy)
		}
		if strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "unsafe-eval") || strings.Contains(strings.ReplaceAll(policy, ":*", ""), "*") {
			t.Errorf("%s: policy %q lets anything in", address, policy)
		}
		for name, want := range map[string]string{
			"x-frame-options": "DENY", "referrer-policy": "same-origin", "x-content-type-options": "nosniff", "cross-origin-opener-policy": "same-origin",
		} {
			if h[name] != want {
				t.Errorf("%s: %s = %q, want %q", address, name, h[name], want)
			}
		}
		if !strings.Contains(h["cache-control"], "no-store") {
			t.Errorf("%s may be kept: %q", address, h["cache-control"])
		}
		if h["server"] != "" || h["x-powered-by"] != "" {
			t.Errorf("%s says what it runs on (PG6)", address)
		}
	}
}

// Logout in a browser: nobody is logged out by a link; "no" changes nothing;
// "yes" does, and the back button brings nobody back.
func TestLO2LogoutByHand(t *testing.T) {
	s := open(t, 1280, 900, true)
	s.do(chromedp.Navigate(demo.PortalURL+"/login"), chromedp.WaitVisible(id("login")))
	s.do(chromedp.SendKeys(id("login"), persona(t, "approve-300ms")), chromedp.Click(id("submit-ecps")), chromedp.WaitVisible(id("who")))
	s.do(chromedp.Navigate(endSession(nil)), chromedp.WaitVisible(id("logout-no")))
	s.accessible("1-confirm")
	s.do(chromedp.Click(id("logout-no")), chromedp.WaitNotPresent(id("logout-no")))
	s.accessible("2-kept")
	s.do(chromedp.Navigate(demo.PortalURL), chromedp.WaitVisible(id("who")))
	s.do(chromedp.Navigate(endSession(nil)), chromedp.WaitVisible(id("logout-yes")), chromedp.Click(id("logout-yes")), chromedp.WaitVisible(id("logged-out")))
	s.accessible("3-logged-out")
	s.do(chromedp.NavigateBack())
	s.do(chromedp.Navigate(demo.PortalURL), chromedp.WaitVisible(id("portal-login")))
	relying(t)
	s.do(chromedp.Navigate(asking("prompt", "none")), chromedp.WaitReady(id("op")))
	if at := ask(s, chromedp.Location()); !strings.Contains(at, "error=login_required") {
		t.Errorf("after the logout prompt=none led to %s", at)
	}
}

// Two tabs live side by side: the login that one finishes serves the other at
// its next look, and the back button leads nowhere harmful.
func TestAZ23TwoTabsAndTheBackButton(t *testing.T) {
	first := open(t, 1280, 900, true)
	first.do(chromedp.Navigate(demo.DMPURL), chromedp.WaitVisible(id("login-egide")), chromedp.Click(id("login-egide")), chromedp.WaitVisible(id("login")))
	second := first.tab()
	second.do(chromedp.Navigate(demo.PortalURL+"/login"), chromedp.WaitVisible(id("login")))
	second.do(chromedp.SendKeys(id("login"), persona(t, "approve-300ms")), chromedp.Click(id("submit-ecps")), chromedp.WaitVisible(id("who")))

	first.do(chromedp.SendKeys(id("login"), persona(t, "approve-300ms")), chromedp.Click(id("submit-ecps")), chromedp.WaitVisible(id("consult")))
	first.do(chromedp.NavigateBack(), chromedp.WaitReady(chromedp.CSS("body")))
	body := ask(first, chromedp.OuterHTML(chromedp.CSS("body")))
	if strings.Contains(body, `id="login"`) && strings.Contains(body, "PF-SV-045") {
		t.Errorf("the back button leads into a fault of ours: %s", body)
	}
	first.shoot("back")
	first.do(chromedp.Navigate(demo.DMPURL), chromedp.WaitVisible(id("consult")))
	second.do(chromedp.Reload(), chromedp.WaitVisible(id("who")))
}

// However many logins a browser begins, its cookies stay few and small.
func TestAZ23CookiesDoNotGrow(t *testing.T) {
	s := open(t, 1280, 900, true)
	held := func() (n int, size int64) {
		for _, c := range ask(s, chromedp.Action[[]*network.Cookie](func(ctx context.Context, tab *chromedp.Target) ([]*network.Cookie, error) {
			r, err := cdp.Call(ctx, tab, network.GetCookies, network.GetCookiesParams{URLs: []string{demo.Authorization, demo.Issuer}})
			return r.Cookies, err
		})) {
			n++
			size += c.Size
			if !c.HTTPOnly && c.Name != "egide-state" {
				t.Errorf("script may read the cookie %s", c.Name)
			}
		}
		return n, size
	}
	for range 3 {
		s.do(chromedp.Navigate(asking()), chromedp.WaitVisible(id("login")))
	}
	n, size := held()
	for range 40 {
		s.do(chromedp.Navigate(asking()), chromedp.WaitVisible(id("login")))
	}
	after, grown := held()
	if after != n || grown != size || grown > 512 {
		t.Errorf("%d cookies of %d bytes after 3 logins begun, %d of %d after 43", n, size, after, grown)
	}
}

// What is open in a person's name, on one page, in words; closed by one press.
func TestLO8SessionsPage(t *testing.T) {
	s := open(t, 320, 640, true)
	s.do(chromedp.Navigate(demo.PortalURL+"/login"), chromedp.WaitVisible(id("login")))
	s.do(chromedp.SendKeys(id("login"), persona(t, "approve-300ms")), chromedp.Click(id("submit-ecps")), chromedp.WaitVisible(id("who")))
	s.do(chromedp.Click(id("sessions-link")), chromedp.WaitVisible(id("close-all")))
	s.accessible("1-open")
	s.do(chromedp.Click(id("close-all")), chromedp.WaitVisible(id("closed")))
	s.accessible("2-closed")
}

// A service's page asks our frame, in a real browser: unchanged while the session
// is the one its answer spoke of, changed after the logout, an error for nonsense.
func TestLO7FrameAnswersAServicesPage(t *testing.T) {
	s := open(t, 1280, 900, true)
	service := relying(t)
	s.do(chromedp.Navigate(asking()), chromedp.WaitVisible(id("login")))
	s.do(chromedp.SendKeys(id("login"), persona(t, "approve-300ms")), chromedp.Click(id("submit-ecps")), chromedp.WaitReady(id("op")))
	arrived, err := url.Parse(ask(s, chromedp.Location()))
	if err != nil {
		t.Fatal(err)
	}
	spoken := arrived.Query().Get("session_state")
	says := func(text string) string {
		return ask(s, chromedp.Evaluate[string](fmt.Sprintf(`new Promise((done, fail) => {
			const frame = document.getElementById("op"), to = new URL(frame.src).origin;
			addEventListener("message", (e) => { if (e.origin === to) done(e.data); }, { once: true });
			setTimeout(() => fail(new Error("no answer")), 5000);
			const send = () => frame.contentWindow.postMessage(%q, to);
			send(); setTimeout(send, 500);
		})`, text), chromedp.EvalAwaitPromise))
	}
	if got := says("demo-oidc " + spoken); got != "unchanged" {
		t.Errorf("while the session lives: %q for %q", got, spoken)
	}
	for _, nonsense := range []string{"", "demo-oidc", "demo-oidc nonsense", "a b c"} {
		if got := says(nonsense); got != "error" {
			t.Errorf("%q: %q", nonsense, got)
		}
	}
	if got := says("another " + spoken); got != "changed" {
		t.Errorf("another service's question: %q", got)
	}
	s.do(chromedp.Navigate(endSession(nil)), chromedp.WaitVisible(id("logout-yes")), chromedp.Click(id("logout-yes")), chromedp.WaitVisible(id("logged-out")))
	s.do(chromedp.Navigate(service), chromedp.WaitReady(id("op")))
	if got := says("demo-oidc " + spoken); got != "changed" {
		t.Errorf("after the logout: %q", got)
	}
}
