package flows

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/trust/pki"
)

const (
	structureID = "demo-structure-tls"
	report      = `{"title":"Compte rendu infirmier","text":"Texte d'exemple. Aucune donnée réelle.","site":"F990000119"}`
)

// A structure's software opens the record for adding with its certificate and no
// person at all, from any of its sites, and never for reading (S-70, S-71, S-78,
// S-81, S-82).
func TestStructureAddsAndNeverReads(t *testing.T) {
	d := harness.Start(t)
	caller := d.Caller(t, d.Structure(t))
	token := accessToken(t, caller.ServiceToken(structureID))
	for _, site := range []string{"F990000119", "F990000127"} { // one certificate for all sites of the software
		r := caller.Add(token, "fictif-1", strings.Replace(report, "F990000119", site, 1))
		if r.Status != http.StatusCreated || r.Text("decision") != "granted" || r.Text("rule") != "S-71" || r.JSON["record"] != nil {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	r := caller.Read(token, "fictif-1")
	if r.Status != http.StatusForbidden || r.Text("code") != "PF-DR-031" || r.Text("rule") != "S-81" || strings.Contains(r.Body, "infirmier") {
		t.Fatalf("a structure reads: %d %s", r.Status, r.Body)
	}
	if r := caller.Add(token, "personne", report); r.Status != http.StatusNotFound {
		t.Errorf("no such record: %d %s", r.Status, r.Body)
	}

	// A doctor of the matrix reads what the structure added.
	s := newService(t, d, "demo-oidc", "openid", "scope_all")
	doctor := s.login(s.browser(), d.Login(t, "approve-300ms"))
	r = d.Caller(t).Read(doctor.AccessToken, "fictif-1")
	if r.Status != http.StatusOK || strings.Count(r.Body, "Compte rendu infirmier") != 2 || !strings.Contains(r.Body, "F990000127") {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if r := d.Caller(t).Add(doctor.AccessToken, "fictif-1", report); r.Status != http.StatusCreated {
		t.Errorf("a doctor adds in her own name: %d %s", r.Status, r.Body)
	}
}

// The token goes with the certificate: a copy of it is worth nothing.
func TestStolenTokenOfAStructure(t *testing.T) {
	d := harness.Start(t)
	token := accessToken(t, d.Caller(t, d.Structure(t)).ServiceToken(structureID))
	same := harness.Issue(t, d.Authority(), harness.StructureOrder()) // the same subject, another key
	for attack, thief := range map[string]*harness.Caller{
		"no certificate": d.Caller(t), "another certificate of the structure": d.Caller(t, same),
		"the right one behind another": d.Caller(t, chained(same, d.Structure(t))),
	} {
		for what, r := range map[string]harness.Reply{"adds": thief.Add(token, "fictif-1", report), "reads": thief.Read(token, "fictif-1")} {
			if r.Status != http.StatusUnauthorized || !strings.Contains(r.Header.Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("%s %s: %d %s", attack, what, r.Status, r.Body)
			}
		}
	}
	// Over the DMP's own door there is no certificate at all.
	plain := &http.Client{}
	req, err := http.NewRequest(http.MethodPost, d.Sheet.DMPURL+"/api/alimentation/fictif-1", strings.NewReader(report))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := plain.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("in the open: %d", res.StatusCode)
	}
}

func chained(first, second tls.Certificate) tls.Certificate {
	first.Certificate = append(first.Certificate[:len(first.Certificate):len(first.Certificate)], second.Certificate...)
	return first
}

// What a certificate is for, whose it is and whether it still stands decide, each
// by itself.
func TestCertificatesThatOpenNothing(t *testing.T) {
	d := harness.Start(t)
	order := func(change func(*pki.OrganisationOrder)) tls.Certificate {
		o := harness.StructureOrder()
		change(&o)
		return harness.Issue(t, d.Authority(), o)
	}
	for id, structure := range map[string]string{"other": "1990000127", "insi": harness.Residence} {
		common := map[string]string{"other": "DMP-AUTO", "insi": "INSI-AUTO"}[id]
		c := &client.Client{
			ID: id, Name: "Logiciel d'essai", Profile: client.ProfileOIDC, AuthMethod: client.AuthTLS, GrantTypes: []string{client.GrantClientCredentials},
			Structure: structure, Audiences: []string{"dmp-demo"},
			Certificate: client.Certificate{SubjectDN: "CN=" + common + ",OU=" + structure + ",O=RESIDENCE FICTIVE,ST=Rhône (69),C=FR", Bound: true},
		}
		if err := d.Provider.Clients().Add(c); err != nil {
			t.Fatal(err)
		}
	}
	stopped := order(func(*pki.OrganisationOrder) {})
	if err := d.Authority().Revoke(stopped.Leaf.SerialNumber.Text(16), 1); err != nil {
		t.Fatal(err)
	}
	for attack, c := range map[string]struct {
		own    tls.Certificate
		client string
	}{
		"its seal":                               {order(func(o *pki.OrganisationOrder) { o.Profile = "sign" }), structureID},
		"its server":                             {order(func(o *pki.OrganisationOrder) { o.Profile = "server" }), structureID},
		"revoked":                                {stopped, structureID},
		"another structure's under this name":    {order(func(o *pki.OrganisationOrder) { o.Structure = "1990000127" }), structureID},
		"its own under another structure's name": {d.Structure(t), "other"},
	} {
		if r := d.Caller(t, c.own).ServiceToken(c.client); r.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", attack, r.Status, r.Body)
		}
	}

	// INSi needs a certificate of its own, and that one opens nothing else (S-83).
	insi := d.Caller(t, order(func(o *pki.OrganisationOrder) { o.Common = "INSI-AUTO" }))
	if r := insi.Add(accessToken(t, insi.ServiceToken("insi")), "fictif-1", report); r.Status != http.StatusForbidden || r.Text("code") != "PF-DR-037" || r.Text("rule") != "S-83" {
		t.Errorf("INSi's at the DMP: %d %s", r.Status, r.Body)
	}

	// A structure that is only known by a secret has shown no means (S-70).
	secret := d.Client(t, "demo-structure")
	form := url.Values{"grant_type": {"client_credentials"}}
	r := d.Caller(t).Do(http.MethodPost, d.Sheet.MTLSURL+"/protocol/openid-connect/token", form.Encode(), basic(secret.ID, secret.Secret))
	if r = d.Caller(t, d.Structure(t)).Add(accessToken(t, r), "fictif-1", report); r.Status != http.StatusForbidden || r.Text("code") != "PF-DR-036" {
		t.Errorf("without a certificate: %d %s", r.Status, r.Body)
	}
}

func accessToken(t *testing.T, r harness.Reply) string {
	t.Helper()
	if r.Status != http.StatusOK {
		t.Fatalf("no token: %d %s", r.Status, r.Body)
	}
	return r.Text("access_token")
}

func basic(id, secret string) http.Header {
	r := &http.Request{Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return r.Header
}
