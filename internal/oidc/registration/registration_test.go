package registration

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/outbound"
	"github.com/egide-id/egide/internal/trust/audit"
)

const path = "/auth/realms/esante-wallet/clients-registrations/openid-connect"

// site publishes one list, or nothing; it counts who asks.
type site struct {
	list  string
	asked int
}

func (s *site) Get(context.Context, string, string) (outbound.Answer, error) {
	s.asked++
	if s.list == "" {
		return outbound.Answer{}, errors.New("dial 10.0.0.7:443: refused")
	}
	return outbound.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(s.list)}, nil
}

type rig struct {
	t      *testing.T
	echo   *echo.Echo
	desk   *desk.Desk
	events *audit.Memory
	site   *site
}

func newRig(t *testing.T) *rig {
	t.Helper()
	base, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "egide.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = base.Close() })
	now := clock.NewManual(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC))
	r := &rig{t: t, echo: echo.New(), events: new(audit.Memory), site: new(site)}
	log := slog.New(slog.DiscardHandler)
	r.desk = desk.New(desk.Deps{DB: base, Clients: client.New(client.Options{Clock: now, Kept: desk.NewTable(base)}), Audit: r.events, Clock: now, Rand: rand.Reader, Log: log})
	New(Deps{Desk: r.desk, Site: r.site, Failures: r.events.Failure, Log: log, URL: "https://auth.example" + path}).Mount(r.echo, path)
	return r
}

func (r *rig) right(uses int64) string {
	r.t.Helper()
	_, token, err := r.desk.Invite(r.t.Context(), desk.Act{Operator: "anna", Reason: "case-7"},
		desk.Grant{Owner: "Éditeur", Purpose: "essais", Scopes: []string{"openid", "profile"}, Uses: uses, Lifetime: time.Hour})
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

type reply map[string]any

func (a reply) text(name string) string { s, _ := a[name].(string); return s }

// call sends a request, straight to where registration_client_uri leads.
func (r *rig) call(method, address, token, body string) (int, reply) {
	r.t.Helper()
	req := httptest.NewRequest(method, strings.TrimPrefix(address, "https://auth.example"), strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	r.echo.ServeHTTP(w, req)
	out := reply{"challenge": w.Header().Get("WWW-Authenticate")}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			r.t.Fatalf("%s: %v", w.Body, err)
		}
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		r.t.Error("the answer may be kept by a cache")
	}
	return w.Code, out
}

const plain = `{"client_name":"Dyn","redirect_uris":["https://dyn.example/cb"]}`

func (r *rig) register(body string) reply {
	r.t.Helper()
	code, a := r.call(http.MethodPost, path, r.right(1), body)
	if code != http.StatusCreated {
		r.t.Fatalf("%d %v", code, a)
	}
	return a
}

func TestRE1ServiceRegistersAndLooksAfterItself(t *testing.T) {
	r := newRig(t)
	a := r.register(`{"client_name":"Dyn é 😀","redirect_uris":["https://dyn.example/cb"],"contacts":["a@exemple.invalid","b@exemple.invalid"],
		"scope":"openid","token_endpoint_auth_method":"client_secret_post","default_max_age":3600,"response_types":["code"],"unheard_of":{"x":1}}`)
	for name, want := range map[string]any{
		"client_name": "Dyn é 😀", "scope": "openid", "token_endpoint_auth_method": "client_secret_post", "default_max_age": 3600.0,
		"client_secret_expires_at": 0.0, "application_type": "web", "unheard_of": nil, "owner": nil, "secret_sha256": nil,
	} {
		if a[name] != want {
			t.Errorf("%s is %v, want %v", name, a[name], want)
		}
	}
	id, at, token, secret := a.text("client_id"), a.text("registration_client_uri"), a.text("registration_access_token"), a.text("client_secret")
	if len(secret) < 43 || len(token) < 43 || at != "https://auth.example"+path+"/"+id {
		t.Fatalf("%v", a)
	}
	c, err := r.desk.Clients.Lookup(id)
	if err != nil || c.Profile != client.ProfileOIDC || c.Owner != "Éditeur" || c.Purpose != "essais" || !c.Requests.Consent || c.SecretHashes[0] != client.HashSecret(secret) {
		t.Fatalf("%+v %v", c, err)
	}
	code, b := r.call(http.MethodGet, at, token, "")
	if code != http.StatusOK || b["client_secret"] != nil || b.text("registration_access_token") != token {
		t.Errorf("reading: %d %v", code, b)
	}
	code, b = r.call(http.MethodPut, at, token, `{"client_id":"`+id+`","client_secret":"`+secret+`","client_name":"Neuf","redirect_uris":["https://dyn.example/cb2"]}`)
	if code != http.StatusOK || b.text("client_name") != "Neuf" || b["contacts"] != nil || b["client_secret"] != nil {
		t.Fatalf("update: %d %v", code, b)
	}
	next := b.text("registration_access_token")
	if code, _ := r.call(http.MethodGet, at, token, ""); code != http.StatusUnauthorized || next == token {
		t.Error("the token before the update still opens")
	}
	if code, _ := r.call(http.MethodDelete, at, next, ""); code != http.StatusNoContent {
		t.Errorf("removal: %d", code)
	}
	if code, _ := r.call(http.MethodGet, at, next, ""); code != http.StatusUnauthorized {
		t.Errorf("after removal: %d", code)
	}
	if _, err := r.desk.Clients.Find(id); err == nil {
		t.Error("still registered")
	}
	changes := ""
	for _, e := range r.events.Events() {
		if e, ok := e.(audit.ClientChanged); ok {
			changes += e.Change + " " + strings.Replace(e.Operator, id, "it", 1) + ", "
		}
	}
	if changes != "added client:it, changed client:it, removed client:it, " {
		t.Error(changes)
	}
}

func TestRE1WithoutARightNothingIsRegisteredNorFetched(t *testing.T) {
	r := newRig(t)
	body := `{"client_name":"D","redirect_uris":["https://dyn.example/cb"],"subject_type":"pairwise","sector_identifier_uri":"https://victim.example/"}`
	used := r.right(1)
	if code, _ := r.call(http.MethodPost, path, used, plain); code != http.StatusCreated {
		t.Fatal(code)
	}
	for name, token := range map[string]string{"none": "", "invented": "invented", "used": used, "huge": strings.Repeat("x", 300)} {
		if code, a := r.call(http.MethodPost, path, token, body); code != http.StatusUnauthorized || !strings.HasPrefix(a.text("challenge"), "Bearer") {
			t.Errorf("%s: %d %v", name, code, a)
		}
	}
	if len(r.desk.Clients.All()) != 1 || r.site.asked != 0 {
		t.Errorf("%d clients, %d fetches", len(r.desk.Clients.All()), r.site.asked)
	}
	if code, _ := r.call(http.MethodGet, path, used, ""); code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", code)
	}
}

// What the house decides is unknown metadata here, and ignored (RFC 7591 2).
func TestRE1MassAssignmentOfWhatTheHouseDecides(t *testing.T) {
	r := newRig(t)
	a := r.register(`{"client_name":"D","redirect_uris":["https://dyn.example/cb"],"client_id":"dmp","id":"dmp","profile":"psc","owner":"Autre","purpose":"x",
		"sensitive":true,"consent":false,"disabled":true,"pkce_exception":"2026-11-26","structure":"1990000119","secret_sha256":["` + client.HashSecret("s") + `"],
		"means":["card"],"allow_offline_otp":true,"min_acr":"offline-otp","audiences":["dmp"],"lifetimes":{"access_token":"5m"},"access_token_format":"psc","name":"Autre","scopes":["scope_all"]}`)
	c, err := r.desk.Clients.Lookup(a.text("client_id"))
	if err != nil {
		t.Fatal(err)
	}
	if c.ID == "dmp" || c.Profile != client.ProfileOIDC || c.Owner != "Éditeur" || c.Name != "D" || c.Sensitive || !c.Requests.Consent || c.PKCEException != "" ||
		c.Structure != "" || c.SecretHashes[0] == client.HashSecret("s") || len(c.Means) != 2 || c.AllowOfflineOTP || c.MinACR != "" || c.Audiences != nil ||
		c.Lifetimes != (client.Lifetimes{}) || c.AccessTokenFormat == client.FormatPSC || len(c.Scopes) != 2 {
		t.Errorf("%+v", c)
	}
}

func TestRE1AZ4RE3MetadataIsHeldToTheRules(t *testing.T) {
	r := newRig(t)
	token := r.right(1)
	with := func(more string) string { return strings.TrimSuffix(plain, "}") + "," + more + "}" }
	uri := func(u string) string { return `{"client_name":"D","redirect_uris":["` + u + `"]}` }
	const redirect, metadata = "invalid_redirect_uri", "invalid_client_metadata"
	for name, c := range map[string]struct{ body, code string }{
		"fragment":               {uri("https://dyn.example/cb#f"), redirect},
		"user in the URI":        {uri("https://a@dyn.example/cb"), redirect},
		"wildcard":               {uri("https://*.dyn.example/cb"), redirect},
		"backslash":              {uri(`https://dyn.example\\@evil.example/`), redirect},
		"script":                 {uri("javascript:alert(1)"), redirect},
		"web on loopback":        {uri("http://127.0.0.1/cb"), redirect},
		"plain http":             {strings.Replace(uri("http://dyn.example/cb"), "{", `{"application_type":"native",`, 1), redirect},
		"no URI":                 {`{"client_name":"D"}`, redirect},
		"same URI twice":         {`{"client_name":"D","redirect_uris":["https://d.example/","https://d.example/"]}`, redirect},
		"no name":                {`{"redirect_uris":["https://dyn.example/cb"]}`, metadata},
		"implicit":               {with(`"response_types":["id_token"]`), metadata},
		"hybrid":                 {with(`"response_types":["code id_token"]`), metadata},
		"types against grants":   {with(`"response_types":["code"],"grant_types":["client_credentials"]`), metadata},
		"password grant":         {with(`"grant_types":["password"]`), metadata},
		"refresh without code":   {with(`"grant_types":["refresh_token"],"response_types":[]`), metadata},
		"unsigned ID token":      {with(`"id_token_signed_response_alg":"none"`), metadata},
		"HMAC ID token":          {with(`"id_token_signed_response_alg":"HS256"`), metadata},
		"encrypted ID token":     {with(`"id_token_encrypted_response_alg":"RSA-OAEP"`), metadata},
		"unknown method":         {with(`"token_endpoint_auth_method":"client_secret_jwt"`), metadata},
		"keys twice":             {with(`"jwks":{"keys":[]},"jwks_uri":"https://dyn.example/jwks"`), metadata},
		"scope beyond the right": {with(`"scope":"openid scope_all"`), metadata},
		"unknown scope":          {with(`"scope":"openid email"`), metadata},
		"scope as a list":        {with(`"scope":["openid"]`), metadata},
		"logo":                   {with(`"logo_uri":"https://dyn.example/l.png"`), metadata},
		"terms in French":        {with(`"tos_uri#fr":"https://dyn.example/t"`), metadata},
		"login over http":        {with(`"initiate_login_uri":"http://dyn.example/l"`), metadata},
		"login at nothing":       {with(`"initiate_login_uri":5`), metadata},
		"unknown application":    {with(`"application_type":"service"`), metadata},
		"back-channel http":      {with(`"backchannel_logout_uri":"http://dyn.example/out"`), metadata},
		"max age below zero":     {with(`"default_max_age":-1`), metadata},
		"software statement":     {with(`"software_statement":"e30.e30."`), "invalid_software_statement"},
		"member twice":           {with(`"client_name":"E"`), metadata},
		"a list":                 {`[]`, metadata},
		"nothing":                {``, metadata},
		"deep":                   {with(`"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64)), metadata},
		"sector that is down":    {with(`"subject_type":"pairwise","scope":"openid","sector_identifier_uri":"https://dyn.example/sector"`), metadata},
	} {
		code, a := r.call(http.MethodPost, path, token, c.body)
		if code != http.StatusBadRequest || a.text("error") != c.code || strings.Contains(a.text("error_description"), "10.0.0.7") {
			t.Errorf("%s: %d %v", name, code, a)
		}
	}
	if len(r.desk.Clients.All()) != 0 {
		t.Fatal("something was registered")
	}
	if code, a := r.call(http.MethodPost, path, token, plain); code != http.StatusCreated {
		t.Errorf("the refusals used the right up: %d %v", code, a)
	}
}

func TestRE1RE2SectorMustListEveryRedirectURI(t *testing.T) {
	r := newRig(t)
	body := `{"client_name":"D","redirect_uris":["https://a.example/cb","https://b.example/cb"],"subject_type":"pairwise","scope":"openid","sector_identifier_uri":"https://s.example/list"}`
	r.site.list = `["https://a.example/cb"]`
	if code, a := r.call(http.MethodPost, path, r.right(1), body); code != http.StatusBadRequest {
		t.Errorf("%d %v", code, a)
	}
	r.site.list = `["https://a.example/cb","https://b.example/cb"]`
	if a := r.register(body); a.text("subject_type") != "pairwise" {
		t.Errorf("%v", a)
	}
}

func TestCA9NativeProgramIsPublicForGood(t *testing.T) {
	r := newRig(t)
	a := r.register(`{"client_name":"App","application_type":"native","token_endpoint_auth_method":"none","redirect_uris":["http://127.0.0.1/cb"]}`)
	if a["client_secret"] != nil || a.text("application_type") != "native" {
		t.Errorf("%v", a)
	}
	code, b := r.call(http.MethodPut, a.text("registration_client_uri"), a.text("registration_access_token"),
		`{"client_id":"`+a.text("client_id")+`","client_name":"App","redirect_uris":["https://dyn.example/cb"]}`)
	if code != http.StatusBadRequest {
		t.Errorf("a public client became confidential: %d %v", code, b)
	}
}

func TestRE1OneServiceCannotTouchAnother(t *testing.T) {
	r := newRig(t)
	mine, theirs := r.register(plain), r.register(plain)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		for name, at := range map[string]string{"another's": theirs.text("registration_client_uri"), "nobody's": path + "/nobody"} {
			if code, _ := r.call(method, at, mine.text("registration_access_token"), plain); code != http.StatusUnauthorized {
				t.Errorf("%s %s: %d", method, name, code)
			}
		}
	}
	if code, _ := r.call(http.MethodPost, path, mine.text("registration_access_token"), plain); code != http.StatusUnauthorized {
		t.Error("a registration token registers")
	}
	if _, err := r.desk.Disable(t.Context(), desk.Act{Operator: "anna", Reason: "x"}, mine.text("client_id"), desk.Any); err != nil {
		t.Fatal(err)
	}
	if code, _ := r.call(http.MethodPut, mine.text("registration_client_uri"), mine.text("registration_access_token"), plain); code != http.StatusUnauthorized {
		t.Error("a disabled client rewrites itself")
	}
}

func TestRE1UpdateSaysNothingThatIsNotItsOwn(t *testing.T) {
	r := newRig(t)
	a := r.register(plain)
	id := a.text("client_id")
	with := func(more string) string { return strings.TrimSuffix(plain, "}") + "," + more + "}" }
	for name, body := range map[string]string{
		"no client_id":           plain,
		"another client_id":      with(`"client_id":"dmp"`),
		"a secret of its own":    with(`"client_id":"` + id + `","client_secret":"chosen"`),
		"the token":              with(`"client_id":"` + id + `","registration_access_token":"x"`),
		"when it was issued":     with(`"client_id":"` + id + `","client_id_issued_at":1`),
		"more than it was given": with(`"client_id":"` + id + `","scope":"openid scope_all"`),
	} {
		if code, b := r.call(http.MethodPut, a.text("registration_client_uri"), a.text("registration_access_token"), body); code != http.StatusBadRequest {
			t.Errorf("%s: %d %v", name, code, b)
		}
	}
}

func TestRE1HundredUpdatesAtOnceHaveOneWinner(t *testing.T) {
	r := newRig(t)
	a := r.register(plain)
	body := strings.TrimSuffix(plain, "}") + `,"client_id":"` + a.text("client_id") + `"}`
	var won atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if code, _ := r.call(http.MethodPut, a.text("registration_client_uri"), a.text("registration_access_token"), body); code == http.StatusOK {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d winners of one token", won.Load())
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(plain))
	f.Add([]byte(`{"scope":"openid","contacts":["a"],"default_max_age":1,"jwks":{"keys":[]},"client_name#fr":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var members map[string]json.RawMessage
		if json.Unmarshal(data, &members) != nil {
			return
		}
		c, err := draft(members)
		if err != nil {
			return
		}
		if c.Profile != "" || c.Owner != "" || c.SecretHashes != nil || c.Disabled || c.Audiences != nil {
			t.Errorf("%s sets what the house decides: %+v", data, c)
		}
		if _, err := answer(&c); err != nil {
			t.Error(err)
		}
	})
}
