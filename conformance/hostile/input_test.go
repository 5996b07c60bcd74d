// Package hostile sends what strangers, scanners and broken clients send: bad
// input of every kind gets a clear error with a code, never a 500, never a stack.
package hostile

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

// surface lists every public address, relative to the provider's origin.
var surface = []string{
	"/auth", "/auth/", "/login/x", "/login/" + strings.Repeat("A", 43), "/login/" + strings.Repeat("A", 43) + "/return",
	"/login/" + strings.Repeat("A", 43) + "/state", "/login/" + strings.Repeat("A", 43) + "/ecps", "/login/" + strings.Repeat("A", 43) + "/cancel",
	realm + "/token", realm + "/userinfo", realm + "/token/introspect", realm + "/revoke", realm + "/logout", realm + "/certs", realm + "/auth",
	"/auth/realms/esante-wallet/.well-known/openid-configuration", "/ecps/v1/parameters", "/ecps/v1/devices", "/ecps/v1/requests", "/ecps/v1/requests/x/answer",
	"/aide", "/accessibilite", "/confidentialite", "/assets/egide.css", "/assets/../go.mod", "/", "/nothing/here", "/healthz",
}

const realm = "/auth/realms/esante-wallet/protocol/openid-connect"

// insults are bodies and queries that no parser should trust.
var insults = map[string]string{
	"nothing":          "",
	"nonsense":         "%%%",
	"NUL":              "client_id=%00&state=%00&token=%00&login=%00",
	"bad UTF-8":        "client_id=%ff%fe&redirect_uri=%c0%af&token=%ff&login=%ff",
	"line breaks":      "client_id=a%0d%0aSet-Cookie:x=1&state=%0d%0aLocation:evil",
	"repeated":         "client_id=a&client_id=b&grant_type=x&grant_type=y&token=a&token=b",
	"markup":           "client_id=%3Cscript%3Ealert(1)%3C/script%3E&login=%22%3E%3Cimg%20src=x%3E&ui_locales=%3Cb%3E",
	"statements":       "client_id='%20OR%201=1--&login=1;DROP%20TABLE%20devices&token='||'",
	"paths":            "client_id=../../etc/passwd&token=..%2f..%2f&login=..",
	"semicolons":       "a=1;b=2&client_id=x",
	"many":             strings.Repeat("p=1&", 3000),
	"long":             "state=" + strings.Repeat("x", 20_000),
	"algorithm none":   "token=eyJhbGciOiJub25lIn0.e30.&id_token_hint=eyJhbGciOiJub25lIn0.e30.&grant_type=refresh_token&refresh_token=eyJhbGciOiJub25lIn0.e30.",
	"deep JSON":        "claims=" + strings.Repeat("%5B", 5000),
	"unknown anything": "grant_type=urn:x&response_type=x&prompt=x&max_age=99999999999999999999&code=x&client_assertion=x&client_assertion_type=x",
}

func TestBadInputEverywhere(t *testing.T) {
	d := harness.Start(t)
	origin := strings.TrimSuffix(d.Sheet.AuthorizationEndpoint, "/auth")
	for _, path := range surface {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			for name, insult := range insults {
				for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "BREW"} {
					look(t, name, send(t, method, origin+path, insult, ""))
				}
				look(t, name+" as JSON", send(t, http.MethodPost, origin+path, "{"+insult, "application/json"))
				look(t, name+" as a file", send(t, http.MethodPost, origin+path, insult, "multipart/form-data; boundary=x"))
			}
			look(t, "huge body", send(t, http.MethodPost, origin+path, "a="+strings.Repeat("x", 1<<20), ""))
		})
	}
}

// answer is what came back.
type answer struct {
	what   string
	status int
	header http.Header
	body   string
}

func send(t *testing.T, method, address, content, kind string) answer {
	t.Helper()
	var body io.Reader = http.NoBody
	if method == http.MethodPost || method == http.MethodPut {
		body = strings.NewReader(content)
	} else if content != "" {
		address += "?" + strings.NewReplacer("%%%", "%25%25%25", " ", "%20").Replace(content)
	}
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	if kind == "" {
		kind = "application/x-www-form-urlencoded"
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Cookie", "egide-session="+strings.Repeat("A", 300)+"; egide-browser=%00; egide-known=\"; a; =")
	req.Header.Set("Authorization", "Basic !!!")
	req.Header.Set("X-Forwarded-For", "1.2.3.4, <script>")
	req.Header.Set("X-Forwarded-Host", "evil.example")
	req.Host = "evil.example"
	res, err := client.Do(req)
	if err != nil {
		return answer{what: method + " " + address, status: -1, body: err.Error()} // cut off while the body was too long
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return answer{what: method + " " + address, status: res.StatusCode, header: res.Header, body: string(raw)}
}

var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// look holds every answer to the same few promises.
func look(t *testing.T, insult string, a answer) {
	t.Helper()
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s, %.120s: %s", insult, a.what, fmt.Sprintf(format, args...))
	}
	if a.status == -1 {
		return
	}
	if a.status >= 500 {
		fail("%d", a.status)
	}
	for _, inside := range []string{"goroutine ", ".go:", "panic:", "sqlite", "SELECT ", "runtime error", "no such file"} {
		if strings.Contains(a.body, inside) {
			fail("the answer shows its inside: %q", inside)
		}
	}
	if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<img src=x") {
		fail("input comes back as markup")
	}
	if strings.Contains(a.header.Get("Location"), "evil.example") || strings.Contains(a.body, "evil.example") || a.header.Get("Set-Cookie") == "x=1" {
		fail("a lie of the request moved the answer: %s", a.header.Get("Location"))
	}
	if a.header.Get("Access-Control-Allow-Origin") != "" {
		fail("open to other origins")
	}
	if a.status < 400 {
		return
	}
	kind := a.header.Get("Content-Type")
	switch {
	case strings.HasPrefix(kind, "text/html"):
		if !strings.Contains(a.body, `data-code="PF-`) || !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			fail("a page without code or policy: %d %.200s", a.status, a.body)
		}
	case strings.HasPrefix(kind, "application/json"), strings.HasPrefix(kind, "application/problem+json"):
		if !strings.Contains(a.body, `"error"`) && !strings.Contains(a.body, `"code"`) {
			fail("JSON without a code: %d %.200s", a.status, a.body)
		}
	default:
		if a.body != "" {
			fail("an error in words nobody expects: %d %s %.100s", a.status, kind, a.body)
		}
	}
}

// D7: whatever a request says of itself, addresses come from the configuration.
func TestD7AttackHostHeader(t *testing.T) {
	d := harness.Start(t)
	c := d.Client(t, "demo-oidc")
	good := d.Sheet.AuthorizationEndpoint + "?" + url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.RedirectURIs[0]}, "scope": {"openid"},
	}.Encode()
	a := send(t, http.MethodGet, good, "", "")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), strings.TrimSuffix(d.Sheet.AuthorizationEndpoint, "/auth")+"/login/") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
}
