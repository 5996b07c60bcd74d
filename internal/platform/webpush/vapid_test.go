package webpush

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

func TestNodesAgreeOnTheKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	got := make([]string, 16)
	var nodes sync.WaitGroup
	for i := range got {
		nodes.Go(func() {
			key, err := OpenKey(dir, rand.Reader)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = key.PublicKey()
		})
	}
	nodes.Wait()
	for _, k := range got {
		if raw, err := base64.RawURLEncoding.DecodeString(k); k != got[0] || err != nil || len(raw) != pointSize || raw[0] != 4 {
			t.Fatalf("keys differ or are none: %q", got)
		}
	}
	info, err := os.Stat(filepath.Join(dir, keyName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestKeyFileOpenToOthersIsRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenKey(dir, rand.Reader); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, keyName)
	for name, spoil := range map[string]func() error{
		"file others read":    func() error { return os.Chmod(path, 0o640) },
		"folder others write": func() error { return os.Chmod(dir, 0o777) },
		"no key":              func() error { return os.WriteFile(path, []byte("none"), 0o600) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKey(dir, rand.Reader); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTokensAreBoundedAndFollowTheClock(t *testing.T) {
	key, err := OpenKey(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	held := tokens{key: key, subject: "mailto:push@exemple.invalid", held: map[string]token{}}
	get := func(origin string, at time.Time) string {
		h, err := held.header(origin, at, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first := get("https://a.invalid", now)
	if get("https://a.invalid", now.Add(5*time.Hour)) != first {
		t.Error("a token that holds is not used again")
	}
	if get("https://a.invalid", now.Add(7*time.Hour)) == first {
		t.Error("a token is used to its end")
	}
	if late := get("https://a.invalid", now); late == get("https://a.invalid", now.Add(-30*time.Hour)) {
		t.Error("after the clock was set back the token holds longer than a day")
	}
	for i := range 3 * heldTokens { // strangers choose origins
		get("https://h"+string(rune('a'+i%26))+time.Duration(i).String()+".invalid", now)
	}
	if len(held.held) > heldTokens {
		t.Errorf("%d tokens are held", len(held.held))
	}
}
