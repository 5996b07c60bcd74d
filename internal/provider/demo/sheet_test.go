package demo

import (
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/clock"
)

// The line of JSON is a contract with everybody's CI: fields are only added.
func TestSheetAsJSON(t *testing.T) {
	got, err := json.Marshal(Sheet{
		Issuer: "http://127.0.0.1:1/r", AuthorizationEndpoint: "http://127.0.0.1:1/auth", DMPURL: "http://localhost:2",
		Clients: []Client{
			{ID: "a", Secret: "s", Profile: "psc", RedirectURIs: []string{"u"}, PostLogoutRedirectURIs: []string{"v"}},
			{ID: "b", Profile: "oidc", RedirectURIs: []string{}, PostLogoutRedirectURIs: []string{}, Certificate: "c.pem", Key: "c.key"},
		},
		Personas: []Persona{{Login: "8", Name: "n", Means: "e-CPS", Behaviour: "refuse", Card: "cps4"}},
		CardsURL: "http://127.0.0.1:3/", BridgePorts: []int{4}, AppURL: "http://localhost:1", InboxURL: "http://127.0.0.1:3/inbox", PortalURL: "http://127.0.0.1:1/mon-e-cps",
		MTLSURL: "https://localhost:5/r", DMPAPIURL: "https://localhost:6", CAFile: "ca.pem",
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"issuer":"http://127.0.0.1:1/r","authorization_endpoint":"http://127.0.0.1:1/auth","dmp_url":"http://localhost:2","clients":[` +
		`{"client_id":"a","client_secret":"s","profile":"psc","redirect_uris":["u"],"post_logout_redirect_uris":["v"]},` +
		`{"client_id":"b","profile":"oidc","redirect_uris":[],"post_logout_redirect_uris":[],"certificate":"c.pem","key":"c.key"}],` +
		`"personas":[{"login":"8","name":"n","means":"e-CPS","behaviour":"refuse","card":"cps4"}],"cards_url":"http://127.0.0.1:3/","bridge_ports":[4],"app_url":"http://localhost:1","inbox_url":"http://127.0.0.1:3/inbox","portal_url":"http://127.0.0.1:1/mon-e-cps",` +
		`"mtls_url":"https://localhost:5/r","dmp_api_url":"https://localhost:6","ca_file":"ca.pem"}`
	if string(got) != want {
		t.Errorf("%s", got)
	}
}

func TestSheetForPeople(t *testing.T) {
	var b strings.Builder
	s := Sheet{Issuer: "http://127.0.0.1:1/r", DMPURL: "http://localhost:2", Clients: []Client{{ID: "b", Profile: "oidc"}}, Personas: []Persona{{Name: "n"}}}
	if err := s.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Open the DMP", "http://localhost:2", "http://127.0.0.1:1/r/.well-known/openid-configuration", "899700999990 belongs to nobody"} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("no %q in\n%s", line, b.String())
		}
	}
}

// Nothing of the demonstration is ever on a network.
func TestListensOnLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.org:0", "[::]:0", "nonsense"} {
		if l, err := listen(t.Context(), addr); err == nil {
			t.Errorf("%s was opened", addr)
			_ = l.Close()
		}
	}
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever was started is gone after Close: goleak looks when the tests end.
func TestStartAndClose(t *testing.T) {
	d, err := Start(t.Context(), Options{
		Addr: "127.0.0.1:0", DataDir: t.TempDir(), Clock: clock.System{}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := d.Sheet(); len(s.Clients) < 3 || len(s.Personas) == 0 || !strings.HasPrefix(s.DMPURL, "http://localhost:") {
		t.Errorf("%+v", s)
	}
	if err := d.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
