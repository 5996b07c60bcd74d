// Package lemonldap runs Debian's LemonLDAP::NG portal as a service of Égide: an
// access portal of a hospital that leaves the login of professionals to it.
package lemonldap

import (
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/provider/demo"
)

const portal = "/usr/share/lemonldap-ng/portal/htdocs/index.psgi"

//go:embed lemonldap-ng.ini
var ini string

// site is one running portal.
type site struct{ Dir, URL string }

const (
	clientID = "lemonldap-psc"
	secret   = "0123456789abcdef0123456789abcdef"
)

// configuration is what an administrator enters in the manager, following the
// product's own page on Pro Santé Connect: metadata and keys pasted in, eidas1
// asked for, the national identifier kept as uid.
func (s site) configuration(t *testing.T, issuer string) map[string]any {
	t.Helper()
	store := map[string]any{"Directory": s.Dir + "/sessions", "LockDirectory": s.Dir + "/sessions/lock", "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256"}
	return map[string]any{
		"cfgNum": 1, "cfgDate": 1, "cfgAuthor": "essai", "key": "a key of the test", "domain": "localhost", "portal": s.URL + "/", "cookieName": "lemonldap", "securedCookie": 0, "httpOnly": 1,
		"authentication": "OpenIDConnect", "userDB": "OpenIDConnect", "passwordDB": "Null", "registerDB": "Null",
		"globalStorage": "Apache::Session::File", "globalStorageOptions": store, "persistentStorage": "Apache::Session::File", "persistentStorageOptions": store,
		"whatToTrace": "_whatToTrace", "macros": map[string]any{"_whatToTrace": "$_user"}, "groups": map[string]any{}, "exportedVars": map[string]any{},
		"locationRules": map[string]any{}, "exportedHeaders": map[string]any{}, "applicationList": map[string]any{}, "timeout": 14400,
		"captcha_login_enabled": 0, "captcha_mail_enabled": 0, "captcha_register_enabled": 0, "portalDisplayResetPassword": 0, "portalDisplayRegister": 0,
		"oidcRPCallbackGetParam": "openidconnectcallback", "oidcRPStateTimeout": 900,
		"oidcOPMetaDataJSON": map[string]any{"psc": fetch(t, issuer+"/.well-known/wallet-openid-configuration")},
		"oidcOPMetaDataJWKS": map[string]any{"psc": fetch(t, issuer+"/protocol/openid-connect/certs")},
		"oidcOPMetaDataOptions": map[string]any{"psc": map[string]any{
			"oidcOPMetaDataOptionsClientID": clientID, "oidcOPMetaDataOptionsClientSecret": secret, "oidcOPMetaDataOptionsScope": "openid scope_all",
			"oidcOPMetaDataOptionsAcrValues": "eidas1", "oidcOPMetaDataOptionsTokenEndpointAuthMethod": "client_secret_post", "oidcOPMetaDataOptionsCheckJWTSignature": 1,
			"oidcOPMetaDataOptionsIDTokenMaxAge": 30, "oidcOPMetaDataOptionsUseNonce": 1, "oidcOPMetaDataOptionsStoreIDToken": 1, "oidcOPMetaDataOptionsJWKSTimeout": 0,
		}},
		"oidcOPMetaDataExportedVars": map[string]any{"psc": map[string]any{"uid": "SubjectNameID", "sn": "family_name", "givenName": "given_name"}},
	}
}

func fetch(t *testing.T, address string) string {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", address, res.StatusCode, err)
	}
	return string(body)
}

func start(t *testing.T) (*harness.Demo, site) {
	t.Helper()
	plackup, err := exec.LookPath("plackup")
	if err == nil {
		_, err = os.Stat(portal)
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("LemonLDAP::NG is not installed")
		}
		t.Skip("SKIPPED: LemonLDAP::NG is not installed")
	}
	provider, own := port(t), port(t)
	d := harness.Start(t, func(o *demo.Options) {
		o.Addr, o.AuthorizationURL = provider, "http://localhost:"+provider[strings.LastIndex(provider, ":")+1:]+"/auth"
	})
	s := site{Dir: t.TempDir(), URL: "http://localhost:" + own[strings.LastIndex(own, ":")+1:]}
	err = d.Provider.Clients().Add(&client.Client{
		ID: clientID, Name: "Portail hospitalier", Owner: "Essai", Contact: "essai@exemple.invalid", Purpose: "essai", Profile: client.ProfilePSC,
		AuthMethod: client.AuthPost, SecretHashes: []string{client.HashSecret(secret)}, PKCEException: "2026-11-26", // it sends no challenge
		RedirectURIs: []string{s.URL + "/?openidconnectcallback=1"}, PostLogoutRedirectURIs: []string{s.URL + "/?logout=1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, d.Sheet.Issuer)
	run := exec.Command(plackup, "--listen", own, "--env", "deployment", portal)
	run.Env = append(os.Environ(), "LLNG_DEFAULTCONFFILE="+filepath.Join(s.Dir, "lemonldap-ng.ini"))
	log, err := os.Create(filepath.Join(s.Dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	run.Stderr, run.Stdout = log, log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("LemonLDAP::NG: %s", text)
		}
	})
	err = harness.Until("the portal", 20*time.Second, func() bool {
		res, err := http.Get(s.URL + "/ping")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return true
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

func (s site) write(t *testing.T, issuer string) {
	t.Helper()
	for _, dir := range []string{"conf", "sessions/lock", "cache"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	conf, err := json.Marshal(s.configuration(t, issuer))
	if err == nil {
		err = os.WriteFile(filepath.Join(s.Dir, "conf", "lmConf-1.json"), conf, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(s.Dir, "lemonldap-ng.ini"))
	if err != nil {
		t.Fatal(err)
	}
	if err := template.Must(template.New("ini").Parse(ini)).Execute(f, s); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// connected finds whom the portal's menu names: by sub in this release, which
// knows no other attribute for it.
var connected = regexp.MustCompile(`trspan="connectedAs">[^<]*</span>\s*([^<\s]+)`)

// who asks the portal whom it takes this browser for; empty for nobody.
func (s site) who(b *harness.Browser) string {
	b.Get(s.URL + "/")
	if found := connected.FindStringSubmatch(b.Page.Body); found != nil {
		return found[1]
	}
	return ""
}

// session reads what the portal keeps of the login, where its applications get
// the headers from.
func (s site) session(t *testing.T) map[string]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Dir, "sessions", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		var kept map[string]any
		if err == nil && json.Unmarshal(raw, &kept) == nil && kept["uid"] != nil {
			return kept
		}
	}
	t.Fatalf("no session with a uid among %v", files)
	return nil
}

func TestLemonLDAPAsAService(t *testing.T) {
	d, s := start(t)
	login := d.Login(t, "approve-300ms")
	b := harness.NewBrowser(t, func(*url.URL) bool { return false })
	b.SignIn(s.URL+"/", login)
	if s.who(b) == "" {
		t.Fatalf("not inside the portal: %d %s", b.Page.Status, b.Page.Body)
	}
	if kept := s.session(t); kept["uid"] != login || kept["sn"] == "" {
		t.Errorf("the portal's session: uid %v, sn %v", kept["uid"], kept["sn"])
	}

	// A second service in the same browser asks nothing.
	second := harness.NewBrowser(t, func(*url.URL) bool { return false })
	second.ShareCookies(b)
	second.Get(d.Sheet.DMPURL)
	second.Submit("login-egide", nil)
	if !second.Page.Has("consult") {
		t.Errorf("the second service asks again: %s", second.Page.Body)
	}

	// The portal's logout ends the provider's session, too.
	b.Get(s.URL + "/?logout=1")
	if s.who(b) != "" {
		t.Error("the portal's own session goes on")
	}
	if !b.Page.Has("login-ecps") {
		t.Errorf("the next login asks for no means: %s", b.Page.Body)
	}
}
