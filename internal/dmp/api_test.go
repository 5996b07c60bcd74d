package dmp

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func (s *stage) api(path string, authorization ...string) (seen, apiAnswer) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.base+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header["Authorization"] = authorization
	v := s.do(http.DefaultClient, r)
	var a apiAnswer
	if err := json.Unmarshal([]byte(v.body), &a); err != nil {
		s.Fatalf("%d no JSON: %s", v.status, v.body)
	}
	return v, a
}

func TestAPI(t *testing.T) {
	human := map[string]any{
		"active": true, "sub": "sub-1", "SubjectNameID": "899700990015",
		"acr": "eidas1", "amr": []string{"swk", "pin", "mfa"},
	}
	with := func(name string, value any) map[string]any {
		c := map[string]any{name: value}
		for k, v := range human {
			if k != name {
				c[k] = v
			}
		}
		return c
	}
	tests := []struct {
		name      string
		token     map[string]any
		user      map[string]any
		status    int
		code      string
		challenge string
	}{
		{"doctor", human, nil, 200, "", ""},
		{"structure's own token", map[string]any{"active": true, "sub": "client:logiciel", "client_id": "logiciel", "scope": "x"}, nil, 403, "PF-DR-031", ""},
		{"wrong profession", human, person("899700990015", educator), 403, "PF-DR-030", ""},
		{"level too low", with("acr", "offline-otp"), nil, 401, "PF-DR-032", `error="insufficient_user_authentication"`},
		{"factors not told", with("amr", nil), nil, 401, "PF-DR-032", `acr_values="eidas1"`},
		{"login too long ago", with("auth_time", 1_700_000_000), nil, 401, "PF-DR-035", `error="insufficient_user_authentication", error_description="a more recent authentication is needed", max_age="14400"`},
		{"time of login not told", with("auth_time", nil), nil, 401, "PF-DR-035", `max_age="14400"`},
		{"psc token by e-CPS", pscToken("MOBILE", "1"), nil, 200, "", ""},
		{"psc token by card", pscToken("CARD", "1"), nil, 200, "", ""},
		{"psc token by an offline code", pscToken("MOBILE", "0"), nil, 401, "PF-DR-032", `error="insufficient_user_authentication"`},
		{"psc token by another provider", pscToken("IDENTITY_BROKER", "1"), nil, 401, "PF-DR-032", `error="insufficient_user_authentication"`},
		{"several situations, none named", human, person("899700990015", educator, coordinator), 403, "PF-DR-034", ""},
		{"inactive", nil, nil, 401, codeUntrusted, `error="invalid_token"`},
		{"UserInfo of another subject", with("sub", "sub-2"), nil, 401, codeUntrusted, `error="invalid_token"`},
		{"UserInfo of another person", with("SubjectNameID", "899700990023"), nil, 401, codeUntrusted, `error="invalid_token"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.op.introspected["tok"] = tt.token
			if tt.user != nil {
				s.op.user = tt.user
			}
			v, a := s.api("/api/consultation/fictif-1", "Bearer tok")
			if v.status != tt.status || a.Code != tt.code || !strings.Contains(v.header.Get("WWW-Authenticate"), tt.challenge) {
				t.Fatalf("%d %q %q", v.status, a.Code, v.header.Get("WWW-Authenticate"))
			}
			if (a.Record != nil) != (tt.status == 200) {
				t.Error("record given to the refused, or kept from the granted")
			}
			if strings.HasPrefix(a.Code, "PF-DR-") && (a.Rule == "" || a.Missing == "" || a.WhoCanMend == "") {
				t.Errorf("a refusal that does not teach: %+v", a)
			}
		})
	}
}

func TestAPIChoosesSituation(t *testing.T) {
	s := newStage(t)
	s.op.introspected["tok"] = map[string]any{"active": true, "sub": "sub-1", "SubjectNameID": "899700991039", "acr": "eidas1", "amr": []string{"swk", "mfa"}}
	s.op.user = person("899700991039", educator, coordinator)
	_, a := s.api("/api/consultation/fictif-1", "Bearer tok")
	if len(a.Situations) != 2 {
		t.Fatalf("%+v", a)
	}
	for i, want := range []string{"refused", "granted"} {
		if _, got := s.api("/api/consultation/fictif-1?situation="+a.Situations[i].Key, "Bearer tok"); got.Decision != want {
			t.Errorf("situation %d: %s", i, got.Decision)
		}
	}
}

// TestAPITokenPlaces: only one Authorization header counts; a token in the
// query would stay in logs.
func TestAPITokenPlaces(t *testing.T) {
	s := newStage(t)
	s.op.introspected["tok"] = map[string]any{"active": true}
	for _, h := range [][]string{nil, {"Basic dG9r"}, {"Bearer"}, {"Bearer "}, {"Bearer tok", "Bearer tok"}} {
		v, _ := s.api("/api/consultation/fictif-1?access_token=tok", h...)
		if v.status != http.StatusUnauthorized || strings.Contains(v.header.Get("WWW-Authenticate"), "error=") {
			t.Errorf("%q: %d %s", h, v.status, v.header.Get("WWW-Authenticate"))
		}
	}
}

func TestAPIProviderAway(t *testing.T) {
	s := newStage(t)
	s.login("/login")
	s.op.set(func() { s.op.down = true })
	if v, _ := s.api("/api/consultation/fictif-1", "Bearer tok"); v.status != http.StatusServiceUnavailable || v.header.Get("Retry-After") == "" {
		t.Errorf("%d", v.status)
	}
}

// TestAPIHidesRecords: who may not consult cannot find out which records exist.
func TestAPIHidesRecords(t *testing.T) {
	s := newStage(t)
	for _, id := range []string{"fictif-1", "nobody"} {
		if v, _ := s.api("/api/consultation/"+id, "Bearer bad"); v.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", id, v.status)
		}
	}
	s.op.introspected["tok"] = map[string]any{"active": true, "sub": "sub-1", "SubjectNameID": "899700990015", "acr": "eidas1", "amr": []string{"swk", "mfa"}}
	if v, _ := s.api("/api/consultation/nobody", "Bearer tok"); v.status != http.StatusNotFound {
		t.Errorf("%d", v.status)
	}
}

// pscToken is the introspection of a token in Pro Santé Connect's shape: no amr.
func pscToken(mode, level string) map[string]any {
	return map[string]any{
		"active": true, "sub": "sub-1", "SubjectNameID": "899700990015",
		"acr": "eidas1", "authMode": mode, "auth_level": level,
	}
}
