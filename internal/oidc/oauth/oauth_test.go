package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

// TestTable states every cell of the translation, the absent ones included, so
// that a changed row is a changed test.
func TestTable(t *testing.T) {
	want := map[Edge][8]string{ // by kind: internal, not_found, expired, used, denied, invalid, conflict, unavailable
		Authorization: {"server_error 500", "access_denied 400", "access_denied 400", "access_denied 400", "access_denied 400", "invalid_request 400", "access_denied 400", "temporarily_unavailable 503"},
		Token:         {"server_error 500", "invalid_grant 400", "invalid_grant 400", "invalid_grant 400", "invalid_grant 400", "invalid_grant 400", "temporarily_unavailable 503", "temporarily_unavailable 503"},
		Client:        {"server_error 500", "invalid_client 401", "invalid_client 401", "invalid_client 401", "invalid_client 401", "invalid_client 401", "server_error 500", "temporarily_unavailable 503"},
		Resource:      {"server_error 500", "invalid_token 401", "invalid_token 401", "invalid_token 401", "invalid_token 401", "invalid_token 401", "server_error 500", "temporarily_unavailable 503"},
		Management:    {"server_error 500", "server_error 500", "server_error 500", "server_error 500", "unauthorized_client 400", "invalid_request 400", "server_error 500", "temporarily_unavailable 503"},
	}
	if len(want) != int(edges) {
		t.Fatalf("%d edges tested of %d", len(want), edges)
	}
	for edge, cells := range want {
		for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
			e := From(edge, fault.New(kind, "", "x"))
			if got := fmt.Sprintf("%s %d", e.Code, e.Status); got != cells[kind] {
				t.Errorf("edge %d, %s: %s, want %s", edge, kind, got, cells[kind])
			}
			if (e.Status == 503) != (e.RetryAfter > 0) {
				t.Errorf("edge %d, %s: Retry-After goes with 503 and only with it", edge, kind)
			}
			if (edge == Resource && e.Status == 401) != (e.Challenge != "") {
				t.Errorf("edge %d, %s: challenge %q", edge, kind, e.Challenge)
			}
		}
	}
}

func TestUnknownErrorShowsNothing(t *testing.T) {
	e := From(Token, errors.New("pq: password of user egide is wrong"))
	w := httptest.NewRecorder()
	if err := e.Write(w); err != nil {
		t.Fatal(err)
	}
	if w.Code != 500 || strings.Contains(w.Body.String(), "pq") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(e.Error(), "pq:") {
		t.Fatal("the log must see the cause")
	}
}

func TestPublicCodeIsTold(t *testing.T) {
	e := From(Authorization, fault.New(fault.Denied, "PF-EC-012", "x"))
	if !strings.Contains(e.Description, "PF-EC-012") {
		t.Fatal(e.Description)
	}
}

func TestOwnErrorPassesUnchanged(t *testing.T) {
	own := New(InvalidScope, "no such scope")
	if From(Token, fmt.Errorf("wrapped: %w", own)) != own {
		t.Fatal("an endpoint's own word was changed")
	}
}

// TestHeaderInjectionByDescription: a description that reflects input cannot
// close its quotes nor start a header line.
func TestHeaderInjectionByDescription(t *testing.T) {
	for _, evil := range []string{"a\"b", "a\\b", "a\r\nSet-Cookie: x=1", "caf\u00e9", "\x00", "\x7f", strings.Repeat("x", 5000)} {
		e := New(InvalidToken, evil).Bearer(true)
		for i := range len(e.Description) {
			if c := e.Description[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				t.Fatalf("%q keeps %q", e.Description, c)
			}
		}
		if strings.ContainsAny(e.Challenge, "\r\n") || len(e.Challenge) > 400 {
			t.Fatalf("%q", e.Challenge)
		}
	}
}

func TestWrite(t *testing.T) {
	w := httptest.NewRecorder()
	if err := New(InvalidClient, "client authentication failed").Basic().Write(w); err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if w.Code != 401 || got["error"] != "invalid_client" || w.Header().Get("Cache-Control") != "no-store" ||
		w.Header().Get("Content-Type") != "application/json" || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
		t.Fatalf("%d %v %v", w.Code, got, w.Header())
	}
}

// TestMissingTokenIsToldNoCode: RFC 6750 3.1.
func TestMissingTokenIsToldNoCode(t *testing.T) {
	if c := New(InvalidToken, "x").Bearer(false).Challenge; strings.Contains(c, "error") {
		t.Fatal(c)
	}
	if c := New(InsufficientScope, "x").Bearer(true).Challenge; !strings.Contains(c, `scope="openid"`) {
		t.Fatal(c)
	}
}
