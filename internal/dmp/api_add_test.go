package dmp

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const something = `{"title":"Compte rendu","text":"Texte d'exemple."}`

// leafOf is a certificate as far as this service reads one.
func leafOf(name string) *x509.Certificate {
	return &x509.Certificate{Raw: []byte("certificate of " + name), Subject: pkix.Name{CommonName: name}}
}

func structureToken(leaf *x509.Certificate) map[string]any {
	sum := sha256.Sum256(leaf.Raw)
	return map[string]any{
		"active": true, "sub": "client:logiciel", "client_id": "logiciel", "struct_IdNat": "1990000119",
		"cnf": map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])},
	}
}

// on calls the service over a connection that showed these certificates.
func (s *stage) on(method, path, body string, leaves ...*x509.Certificate) (*httptest.ResponseRecorder, apiAnswer) {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer tok")
	r.TLS = &tls.ConnectionState{PeerCertificates: leaves}
	rec := httptest.NewRecorder()
	s.service.ServeHTTP(rec, r)
	var a apiAnswer
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		s.Fatalf("%d no JSON: %s", rec.Code, rec.Body)
	}
	return rec, a
}

func TestStructureAdds(t *testing.T) {
	s := newStage(t)
	own, other := leafOf("DMP-AUTO"), leafOf("AUTRE")
	s.op.introspected["tok"] = structureToken(own)
	const path = "/api/alimentation/fictif-1"
	if rec, a := s.on(http.MethodPost, path, something, own); rec.Code != http.StatusCreated || a.Rule != "S-71" || a.Record != nil {
		t.Fatalf("%d %+v", rec.Code, a)
	}
	if rec, a := s.on(http.MethodGet, "/api/consultation/fictif-1", "", own); rec.Code != http.StatusForbidden || a.Code != "PF-DR-031" {
		t.Errorf("reading: %d %+v", rec.Code, a)
	}
	for attack, leaves := range map[string][]*x509.Certificate{"none": nil, "another": {other}, "another before it": {other, own}} {
		for _, call := range [][2]string{{http.MethodPost, path}, {http.MethodGet, "/api/consultation/fictif-1"}} {
			if rec, _ := s.on(call[0], call[1], something, leaves...); rec.Code != http.StatusUnauthorized || !strings.Contains(rec.Header().Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("%s: %d", attack, rec.Code)
			}
		}
	}
	for attack, cnf := range map[string]map[string]any{
		"bound to a key that this service cannot check": {"jkt": "x"},
		"bound to both": {"jkt": "x", "x5t#S256": structureToken(own)["cnf"].(map[string]any)["x5t#S256"]},
		"hexadecimal":   {"x5t#S256": strings.Repeat("0", 64)},
	} {
		token := structureToken(own)
		token["cnf"] = cnf
		s.op.introspected["tok"] = token
		if rec, _ := s.on(http.MethodPost, path, something, own); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", attack, rec.Code)
		}
	}
	bare := structureToken(own)
	delete(bare, "cnf")
	s.op.introspected["tok"] = bare
	if rec, a := s.on(http.MethodPost, path, something, own); rec.Code != http.StatusForbidden || a.Code != "PF-DR-036" {
		t.Errorf("a bearer token beside a certificate: %d %+v", rec.Code, a)
	}
}

func TestDocumentsThatAreNone(t *testing.T) {
	s := newStage(t)
	own := leafOf("DMP-AUTO")
	s.op.introspected["tok"] = structureToken(own)
	for name, body := range map[string]string{
		"nothing": "", "no object": `[]`, "two": something + something, "no title": `{"text":"x"}`, "no text": `{"title":"x","text":" "}`,
		"unknown key": `{"title":"x","text":"x","author":"y"}`, "long title": `{"title":"` + strings.Repeat("x", 201) + `","text":"x"}`,
		"long site": `{"title":"x","text":"x","site":"` + strings.Repeat("x", 41) + `"}`, "too large": `{"title":"x","text":"` + strings.Repeat("x", maxDocument) + `"}`,
		"no UTF-8": "{\"title\":\"x\xff\",\"text\":\"x\"}",
	} {
		if rec, _ := s.on(http.MethodPost, "/api/alimentation/fictif-1", body, own); rec.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if rec, _ := s.on(http.MethodPost, "/api/alimentation/personne", something, own); rec.Code != http.StatusNotFound {
		t.Errorf("no such record: %d", rec.Code)
	}
}

// A hundred writers at once lose nothing, and a record does not grow without end.
func TestRecordTakesManyWritersAndHasABound(t *testing.T) {
	s := newStage(t)
	before, err := s.service.records.get("fictif-1")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if err := s.service.records.add("fictif-1", entry{Title: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	after, err := s.service.records.get("fictif-1")
	if err != nil || len(after.Entries) != len(before.Entries)+100 {
		t.Errorf("%d entries, %v", len(after.Entries), err)
	}
	for range maxEntries {
		err = s.service.records.add("fictif-1", entry{Title: "x"})
	}
	if after, _ = s.service.records.get("fictif-1"); err == nil || len(after.Entries) != maxEntries {
		t.Errorf("%d entries, %v", len(after.Entries), err)
	}
}
