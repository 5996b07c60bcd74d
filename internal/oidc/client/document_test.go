package client

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is written is read back as the same bytes, for every key there is: a key
// that is read and not written would be lost in the database.
func TestEveryKeyIsReadAndWritten(t *testing.T) {
	filled, err := os.ReadFile(filepath.Join("testdata", "every_key.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, faults := Draft("every_key.json", filled)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	out, err := c.Document()
	if err != nil {
		t.Fatal(err)
	}
	var was, is map[string]json.RawMessage
	if err := json.Unmarshal(filled, &was); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &is); err != nil {
		t.Fatal(err)
	}
	for _, key := range Grammar() {
		if was[key] == nil {
			t.Errorf("testdata/every_key.json lacks %s", key)
			continue
		}
		var a, b bytes.Buffer
		if json.Compact(&a, was[key]) != nil || json.Compact(&b, is[key]) != nil || a.String() != b.String() {
			t.Errorf("%s: read %s, wrote %s", key, a.String(), b.String())
		}
	}
	again, faults := Draft("again", out)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if twice, err := again.Document(); err != nil || !bytes.Equal(out, twice) {
		t.Errorf("%s\n%s", out, twice)
	}
	if shown, err := c.Shown(); err != nil || strings.Contains(string(shown), "secret") || strings.Contains(string(shown), "disabled") {
		t.Errorf("%s %v", shown, err)
	}
}

func TestOldSecretStopsCountingAtItsMoment(t *testing.T) {
	until := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	c := &Client{SecretHashes: []string{"new", "old"}, OldSecretsUntil: until}
	if got := c.at(until.Add(-time.Second)); len(got.SecretHashes) != 2 {
		t.Error("ended early")
	}
	if got := c.at(until); len(got.SecretHashes) != 1 || got.SecretHashes[0] != "new" {
		t.Errorf("%v", got.SecretHashes)
	}
	if len(c.SecretHashes) != 2 {
		t.Error("a shared client was changed")
	}
}
