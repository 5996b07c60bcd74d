package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
)

func testApp(t *testing.T, c clock.Clock) (*app, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	return &app{Ctx: t.Context(), Out: &out, Err: &out, Clock: c, Log: slog.New(slog.DiscardHandler)}, &out
}

func traces(t *testing.T) (dir, lines string) {
	t.Helper()
	dir = t.TempDir()
	l, err := audit.Open(t.Context(), audit.Options{Dir: dir, Node: "a", Checkpoint: 100 * time.Millisecond, ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := l.Record(t.Context(), audit.SessionEnded{Subject: "899700000017", SID: "s1", Reason: "logout"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "lines", "*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	return dir, files[0]
}

func codeOf(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[exit](err); ok {
		return e.ExitCode()
	}
	return -1
}

func TestAuditVerifySaysWhatIsWrongAndWhere(t *testing.T) {
	dir, lines := traces(t)
	a, out := testApp(t, clock.System{})
	if err := (auditVerifyCmd{Dir: dir}).Run(a); codeOf(err) != 0 || !strings.Contains(out.String(), "nothing is wrong") {
		t.Fatalf("clean log: %v\n%s", err, out)
	}
	data, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lines, bytes.Replace(data, []byte("899700000017"), []byte("899700000018"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	err = auditVerifyCmd{Dir: dir}.Run(a)
	if codeOf(err) != 1 || !errors.Is(err, errReported) {
		t.Errorf("changed log: %v, exit %d", err, codeOf(err))
	}
	if want := filepath.Base(lines) + ": changed: record 0"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out)
	}
	out.Reset()
	if err := (auditVerifyCmd{Dir: dir, JSON: true}).Run(a); codeOf(err) != 1 {
		t.Error(err)
	}
	var r struct {
		OK       bool `json:"ok"`
		Verified uint64
		Findings []audit.Finding
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.OK || r.Verified != 19 || r.Findings[0].Kind != audit.Changed {
		t.Errorf("%+v %v", r, err)
	}
	if err := (auditVerifyCmd{Dir: t.TempDir()}).Run(a); codeOf(err) != 2 {
		t.Errorf("no log at all: %v, exit %d", err, codeOf(err))
	}
}

func TestKeysListAndRotate(t *testing.T) {
	dir, c := filepath.Join(t.TempDir(), "keys"), clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	a, out := testApp(t, c)
	if err := (keysListCmd{Dir: dir}).Run(a); !fault.Is(err, fault.NotFound) {
		t.Errorf("list of no keys: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("listing made a key folder")
	}
	keys, err := signing.Open(t.Context(), signing.Options{Dir: dir, Clock: c, Algorithms: []jose.SignatureAlgorithm{jose.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	before := keys.List()
	if err := (keysRotateCmd{Dir: dir, Alg: "ES256"}).Run(a); !fault.Is(err, fault.Denied) {
		t.Errorf("rotation to a key nobody knows yet: %v", err)
	}
	c.Advance(time.Hour)
	if err := (keysRotateCmd{Dir: dir, Alg: "ES256"}).Run(a); err != nil {
		t.Fatal(err)
	}
	if err := (keysRotateCmd{Dir: dir, Alg: "ES256", Now: true}).Run(a); err != nil {
		t.Fatal(err)
	}
	if err := (keysRotateCmd{Dir: dir, Alg: "RS256", Now: true}).Run(a); err == nil {
		t.Error("rotation of an algorithm without keys")
	}
	out.Reset()
	if err := (keysListCmd{Dir: dir, JSON: true}).Run(a); err != nil {
		t.Fatal(err)
	}
	var after []signing.KeyInfo
	if err := json.Unmarshal(out.Bytes(), &after); err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before)+2 {
		t.Errorf("%d keys after two rotations of %d", len(after), len(before))
	}
	out.Reset()
	if err := (keysListCmd{Dir: dir}).Run(a); err != nil || strings.Count(out.String(), "retired") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}
