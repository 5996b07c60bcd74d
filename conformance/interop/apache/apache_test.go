// Package apache puts Debian's Apache with mod_auth_openidc in front of a page,
// configured as a service of Pro Santé Connect (service.conf), and walks through
// it as a person would.
package apache

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/provider/demo"
)

const modules = "/usr/lib/apache2/modules"

//go:embed service.conf
var service string

const server = `
ServerName 127.0.0.1
Listen {{.Addr}}
ServerRoot {{.Dir}}
PidFile {{.Dir}}/pid
ErrorLog {{.Dir}}/error.log
LogLevel auth_openidc:warn
DocumentRoot {{.Dir}}/www
{{range .Modules}}LoadModule {{.}}_module ` + modules + `/mod_{{.}}.so
{{end}}{{if .Root}}User www-data
Group www-data
{{end}}TypesConfig /dev/null
AddType text/html .html
<Directory {{.Dir}}/www>
  Require all granted
</Directory>
`

// site is one running Apache.
type site struct {
	URL, Addr, Dir                       string
	Issuer, ClientID, Secret, Passphrase string
	Modules                              []string
	Root                                 bool
}

// start runs a provider whose authorization endpoint is on another host than its
// issuer, as the real service's is, and an Apache that relies on it by these settings.
func start(t *testing.T, settings string) (*harness.Demo, site) {
	t.Helper()
	apache, err := exec.LookPath("/usr/sbin/apache2")
	if err == nil {
		_, err = os.Stat(modules + "/mod_auth_openidc.so")
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("apache2 or libapache2-mod-auth-openidc is not installed")
		}
		t.Skip("SKIPPED: apache2 or libapache2-mod-auth-openidc is not installed")
	}
	provider, own := port(t), port(t)
	d := harness.Start(t, func(o *demo.Options) {
		o.Addr, o.AuthorizationURL = provider, "http://localhost:"+provider[strings.LastIndex(provider, ":")+1:]+"/auth"
	})
	s := site{
		URL: "http://" + own, Addr: own, Dir: t.TempDir(), Issuer: d.Sheet.Issuer, ClientID: "apache-psc", Secret: "0123456789abcdef0123456789abcdef", Passphrase: "a passphrase of the test",
		Modules: []string{"mpm_event", "authn_core", "authz_core", "authz_user", "dir", "mime", "headers", "auth_openidc"}, Root: os.Getuid() == 0,
	}
	err = d.Provider.Clients().Add(&client.Client{
		ID: s.ClientID, Name: "Logiciel sous Apache", Owner: "Essai", Contact: "essai@exemple.invalid", Purpose: "essai", Profile: client.ProfilePSC,
		AuthMethod: client.AuthBasic, SecretHashes: []string{client.HashSecret(s.Secret)},
		RedirectURIs: []string{s.URL + "/secure/oidc"}, PostLogoutRedirectURIs: []string{s.URL + "/bye.html"},
		Logout: client.Logout{BackchannelURI: s.URL + "/secure/oidc?logout=backchannel", BackchannelSession: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, settings)
	run := exec.Command(apache, "-f", filepath.Join(s.Dir, "apache.conf"), "-D", "FOREGROUND")
	run.Stderr = os.Stderr
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Signal(os.Interrupt)
		_ = run.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(s.Dir, "error.log"))
			t.Logf("Apache: %s", log)
		}
	})
	err = harness.Until("apache", 10*time.Second, func() bool {
		res, err := http.Get(s.URL + "/bye.html")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	if err != nil {
		t.Fatal(err)
	}
	return d, s
}

func port(t *testing.T) string {
	t.Helper()
	addr, err := harness.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func (s site) write(t *testing.T, settings string) {
	t.Helper()
	secure := filepath.Join(s.Dir, "www", "secure")
	if err := os.MkdirAll(secure, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(s.Dir), 0o755); err != nil { // Apache's own user reads below
		t.Fatal(err)
	}
	conf, err := os.Create(filepath.Join(s.Dir, "apache.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := template.Must(template.New("apache").Parse(server+settings)).Execute(conf, s); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{filepath.Join(secure, "index.html"): `<p id="inside">inside</p>`, filepath.Join(s.Dir, "www", "bye.html"): `<p id="bye">bye</p>`} {
		if err := os.WriteFile(path, []byte("<!doctype html><title>page</title>"+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := conf.Close(); err != nil {
		t.Fatal(err)
	}
}

// info asks the module what it holds of this browser's session.
func (s site) info(t *testing.T, b *harness.Browser) (held struct {
	Access  string         `json:"access_token"`
	Expires json.Number    `json:"access_token_expires"`
	Refresh string         `json:"refresh_token"`
	IDToken map[string]any `json:"id_token"`
	User    map[string]any `json:"userinfo"`
}) {
	t.Helper()
	b.Get(s.URL + "/secure/oidc?info=json")
	if err := json.Unmarshal([]byte(b.Page.Body), &held); err != nil {
		t.Fatalf("%v: %s", err, b.Page.Body)
	}
	return held
}

func enter(t *testing.T, d *harness.Demo, s site) *harness.Browser {
	t.Helper()
	b := harness.NewBrowser(t, func(*url.URL) bool { return false })
	b.SignIn(s.URL+"/secure/", d.Login(t, "approve-300ms"))
	if !b.Page.Has("inside") {
		t.Fatalf("not inside: %d %s", b.Page.Status, b.Page.Body)
	}
	return b
}

func TestApacheAsAServiceOfPSC(t *testing.T) {
	d, s := start(t, service)
	login := d.Login(t, "approve-300ms")
	b := enter(t, d, s)
	if b.Page.Header.Get("X-Who") != login || !strings.Contains(b.Page.Header.Get("X-Role"), "^1.2.250.1.213.1.1.5.5") {
		t.Errorf("who %q, role %q", b.Page.Header.Get("X-Who"), b.Page.Header.Get("X-Role"))
	}
	held := s.info(t, b)
	if held.IDToken["acr"] != "eidas1" || held.User["SubjectNameID"] != login || held.Access == "" || held.Refresh == "" {
		t.Errorf("%+v", held)
	}

	// Its own way of asking for a new access token.
	b.Get(s.URL + "/secure/oidc?" + url.Values{"refresh": {s.URL + "/secure/"}, "access_token": {held.Access}}.Encode())
	if !b.Page.Has("inside") {
		t.Fatalf("after the refresh: %s", b.Page.Body)
	}
	if again := s.info(t, b); again.Access == held.Access || again.Refresh == held.Refresh || again.User["SubjectNameID"] != login {
		t.Errorf("refreshed to %+v", again)
	}

	// A second service in the same browser asks nothing.
	second := harness.NewBrowser(t, func(*url.URL) bool { return false })
	second.ShareCookies(b)
	second.Get(d.Sheet.DMPURL)
	second.Submit("login-egide", nil)
	if !second.Page.Has("consult") {
		t.Errorf("the second service asks again: %s", second.Page.Body)
	}

	// Its logout ends the provider's session too, and comes back.
	b.Get(s.URL + "/secure/oidc?" + url.Values{"logout": {s.URL + "/bye.html"}}.Encode())
	if !b.Page.Has("bye") {
		t.Fatalf("after the logout: %s", b.Page.Body)
	}
	b.Get(s.URL + "/secure/")
	if b.Page.Has("inside") || !b.Page.Has("login-ecps") {
		t.Errorf("the next visit asks for no means: %s", b.Page.Body)
	}
}

// The module renews tokens by itself when they are about to end: here from the
// first moment, so that nobody waits two minutes for it.
func TestApacheRefreshesByItself(t *testing.T) {
	const early, late = "OIDCRefreshAccessTokenBeforeExpiry 120", "OIDCRefreshAccessTokenBeforeExpiry 20"
	if !strings.Contains(service, late) {
		t.Fatalf("service.conf has no %s", late)
	}
	d, s := start(t, strings.Replace(service, late, early, 1))
	b := enter(t, d, s)
	last := s.info(t, b)
	for range 3 { // each visit spends the refresh token of the visit before
		b.Get(s.URL + "/secure/")
		if !b.Page.Has("inside") {
			t.Fatalf("a renewal lost the session: %d %s", b.Page.Status, b.Page.Body)
		}
		now := s.info(t, b)
		if now.Access == last.Access || now.Refresh == last.Refresh {
			t.Fatal("nothing was renewed")
		}
		last = now
	}
}

// The module ends its session when the provider says that it is over.
func TestLO5ApacheIsToldOfALogoutElsewhere(t *testing.T) {
	d, s := start(t, service)
	b := enter(t, d, s)
	b.Get(d.Sheet.Issuer + "/protocol/openid-connect/logout")
	b.Submit("logout-yes", nil)
	b.Get(s.URL + "/secure/")
	if b.Page.Has("inside") {
		t.Error("Apache's session outlived the logout")
	}
}

// The guide shows the very settings that are tested.
func TestGuideQuotesTheseSettings(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/guides/integrator.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(guide), "```apache\n"+service+"```") {
		t.Error("docs/guides/integrator.md quotes other settings than service.conf")
	}
}
