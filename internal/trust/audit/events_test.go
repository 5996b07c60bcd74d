package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// all has one of each event, every field filled.
func all() []Event {
	return []Event{
		LoginSucceeded{Subject: "899700000017", Sub: "0b2f", Client: "dmp", SID: "s1", Means: "ecps", Device: "d1", ACR: "eidas1", Serial: "0a", Issuer: "TEST AC", Txn: "t1"},
		LoginRefused{
			Subject: "899700000017", Client: "dmp", Means: "card", Reason: "PF-CA-050", Device: "8025000001/2800000017",
			Serial: "0a", Issuer: "TEST AC IGC-SANTE FORT PERSONNES", Txn: "t1",
		},
		SessionEnded{Subject: "899700000017", SID: "s1", Reason: "logout"},
		SessionsEnded{Subject: "899700000017", By: "operator", Operator: "anna", Reason: "2026-1181", Sessions: 2},
		LogoutNoticed{Client: "dmp", SID: "s1", Attempts: 1},
		LogoutNotNoticed{Client: "dmp", SID: "s1", Attempts: 9, Answer: "400"},
		ActivityChosen{Subject: "899700000017", Client: "dmp", SID: "s1", Activity: "a1"},
		ConsentGiven{Subject: "899700000017", Client: "agenda", SID: "s1", Purpose: "prendre rendez-vous", Claims: "family_name sub"},
		ConsentRefused{Subject: "899700000017", Client: "agenda", SID: "s1", Claims: "family_name sub"},
		ConsentWithdrawn{Subject: "899700000017", Client: "agenda"},
		CodeIssued{Subject: "899700000017", Client: "dmp", SID: "s1", Family: "f1"},
		TokenIssued{
			Subject: "899700000017", Client: "dmp", SID: "s1", Family: "f1", Grant: "authorization_code",
			Scope: "openid scope_all", ACR: "eidas1", Token: TokenRef("t"),
		},
		TokenRefreshed{
			Subject: "899700000017", Client: "dmp", SID: "s1", Family: "f1", Generation: 2,
			Scope: "openid scope_all", ACR: "eidas1", Token: TokenRef("u"), Thumbprint: "hYQ0cmk7N-yr-rK0uVPZ2VZHQsZUq0Rf7ZC0hV0q2mE",
		},
		TokenRevoked{Subject: "899700000017", Client: "dmp", Family: "f1", Token: TokenRef("t")},
		FamilyRevoked{Subject: "899700000017", Client: "dmp", Family: "f1", Reason: "code_replayed"},
		DeviceInvited{Subject: "899700000017", Invitation: "i1", Way: "card"},
		DeviceEnrolled{Subject: "899700000017", Device: "d1", Invitation: "i1", Model: "software", Way: "card"},
		DevicePINFailed{Subject: "899700000017", Device: "d1", Request: "r1", Failures: 2},
		DeviceLocked{Subject: "899700000017", Device: "d1", Reason: "pin"},
		DeviceUnlocked{Subject: "899700000017", Device: "d1", Reason: "card"},
		DeviceSuspended{Subject: "899700000017", Device: "d1", Reason: "lost"},
		DeviceRevoked{Subject: "899700000017", Device: "d1", Reason: "replaced"},
		DeviceExpired{Subject: "899700000017", Device: "d1"},
		ApprovalGiven{Subject: "899700000017", Device: "d1", Client: "dmp", Request: "r1"},
		ApprovalRefused{Subject: "899700000017", Device: "d1", Client: "dmp", Request: "r1", Reason: "wrong_number"},
		ActivationProven{Subject: "899700000017", Activation: "a1", Channel: "mail"},
		DeviceConfirmed{Subject: "899700000017", Device: "d1"},
		DevicePINChanged{Subject: "899700000017", Device: "d1"},
		OfflineCodeSet{Subject: "899700000017", Device: "d1"},
		DeviceResumed{Subject: "899700000017", Device: "d1", By: "card"},
		DeviceLeaving{Subject: "899700000017", Device: "d1", Next: "d2"},
		StrangersSilenced{Subject: "899700000017", Refusals: 3, Seconds: 1800},
		HolderFroze{Subject: "899700000017", Means: "ecps", Ref: "d1", SignIn: "s1"},
		HolderUnfroze{Subject: "899700000017", Means: "card", Ref: "8025000001/2800000017"},
		SupportAsked{Operator: "o1", Order: "r1", Act: "suspend", Subject: "899700000017", Device: "d1", Reason: "case-7"},
		SupportConfirmed{Operator: "o2", Order: "r1", Act: "suspend", Subject: "899700000017", Device: "d1"},
		SupportLooked{Operator: "o1", Subject: "899700000017"},
		CardOpposed{Operator: "o1", Card: "8025000001/2800000017", Subject: "899700000017", Reason: "lost"},
		CardReinstated{Operator: "o1", Card: "8025000001/2800000017", Subject: "899700000017"},
		RegisterImported{
			Source: "public", Fingerprint: "ab", Rows: 10, Persons: 9, Added: 3, Changed: 2, Closed: 1, Rejected: 1,
			Accepted: true, Overridden: true, Reason: "too_many_closings",
		},
		ClientChanged{Client: "dmp", Change: "added", Fingerprint: "ab", Operator: "o1", Reason: "case-7", Token: "t1"},
		InitialTokenChanged{Token: "t1", Change: "issued", Owner: "Éditeur", Uses: 2, Operator: "o1", Reason: "case-7"},
		KeyRotated{Alg: "ES256", Kid: "k1", State: "active"},
		KeyDropped{Alg: "ES256", Kid: "k1", Operator: "o1", Reason: "compromised", At: "2026-11-22T12:00:00Z"},
		ConfigChanged{Fingerprint: "ab", Accepted: true},
		ClockMoved{Seconds: 60},
		AdminActed{Operator: "o1", Action: HolderSuspended, Subject: "899700000017"},
		ServiceStarted{Environment: "sandbox", Issuer: "http://127.0.0.1", Fingerprint: "ab", TimeSource: "system"},
		ServiceStopped{Reason: "signal"},
		TailRepaired{File: "f.jsonl", Bytes: 12, Kept: "set-aside/f.jsonl.0"},
		FailuresSummarised{Kind: FailureCode, Code: "invalid_grant", Source: "192.0.2.0/24", Count: 3, From: noon, To: noon.Add(time.Minute)},
		TracesRead{Reader: "o1", Reason: "case-7", From: 1, To: 9},
		TracesPurged{Before: 400, Day: "2026-11-23"},
		ReserveReleased{Bytes: 1024},
	}
}

// The shapes are a promise to whoever reads traces years later: a name may be
// added, never changed.
func TestEveryEventKeepsItsShape(t *testing.T) {
	var got bytes.Buffer
	for _, e := range all() {
		body, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s %s\n", Name(e), body)
	}
	path := filepath.Join("testdata", "events.golden")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("events changed their shape:\n%s\nwant\n%s", got.Bytes(), want)
	}
}

// Every struct with an event method stands in all(), once, with a name of its own.
func TestListOfEventsIsClosedAndComplete(t *testing.T) {
	listed, names := map[string]bool{}, map[string]bool{}
	for _, e := range all() {
		typ := reflect.TypeOf(e)
		if listed[typ.Name()] || names[Name(e)] {
			t.Errorf("%s twice", Name(e))
		}
		listed[typ.Name()], names[Name(e)] = true, true
		if !regexp.MustCompile(`^[a-z]+\.[a-z_]+$`).MatchString(Name(e)) {
			t.Errorf("name %q", Name(e))
		}
		if reflect.ValueOf(e).IsZero() {
			t.Errorf("%s is empty in the table", Name(e))
		}
	}
	for _, name := range declared(t) {
		if !listed[name] {
			t.Errorf("event %s is missing in the table of shapes", name)
		}
	}
}

// declared reads the receivers of all event methods out of the source.
func declared(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "event" {
				continue
			}
			if id, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
				names = append(names, id.Name)
			}
		}
	}
	return names
}

// PG-62: no event has a place for a secret.
func TestEventsHaveNoPlaceForSecrets(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)^(pin|password|secret|otp|nonce|state|verifier|challenge|certificate|privatekey|refreshtoken|accesstoken|idtoken|cookie|patient|ins)$`)
	for _, e := range all() {
		typ := reflect.TypeOf(e)
		for i := range typ.NumField() {
			f := typ.Field(i)
			if forbidden.MatchString(f.Name) && typ.Name() != "KeyRotated" {
				t.Errorf("%s.%s", typ.Name(), f.Name)
			}
			if f.Tag.Get("json") == "" {
				t.Errorf("%s.%s has no name of its own in JSON", typ.Name(), f.Name)
			}
			switch f.Type.Kind() {
			case reflect.Map, reflect.Slice, reflect.Interface, reflect.Pointer:
				t.Errorf("%s.%s is open-ended", typ.Name(), f.Name)
			}
		}
	}
}

func TestTokenRefGivesNothingAway(t *testing.T) {
	token := "eyJhbGciOiJSUzI1NiJ9.secret.signature"
	ref := TokenRef(token)
	if len(ref) != 16 || strings.Contains(token, ref) || ref == TokenRef(token+"x") {
		t.Errorf("reference %q", ref)
	}
}

func TestMemoryKeepsAndRefuses(t *testing.T) {
	var m Memory
	ctx := context.Background()
	if err := m.Record(ctx, ServiceStopped{Reason: "signal"}); err != nil {
		t.Fatal(err)
	}
	broken := fmt.Errorf("disk")
	m.Break(broken)
	if err := m.Record(ctx, ServiceStopped{}); err != broken { //nolint:errorlint // the very same error
		t.Errorf("broken recorder answered %v", err)
	}
	m.Failure(ctx, Failure{Kind: FailureCode})
	if len(m.Events()) != 1 || len(m.Failures()) != 1 {
		t.Errorf("kept %v %v", m.Events(), m.Failures())
	}
}
