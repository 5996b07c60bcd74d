package pairwise_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/pairwise"
	"github.com/egide-id/egide/internal/platform/fault"
)

func open(t *testing.T, dir string) *pairwise.Names {
	t.Helper()
	n, err := pairwise.Open(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func outside(uris ...string) *client.Client {
	return &client.Client{Profile: client.ProfileOIDC, RedirectURIs: uris, Answers: client.Answers{SubjectType: client.SubjectPairwise}}
}

func sub(t *testing.T, n *pairwise.Names, c *client.Client, person string) string {
	t.Helper()
	s, err := n.Sub(c, person)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// RE2, Core 8.1: one name per sector, the same at each start, and we alone read
// it back.
func TestRE2NameIsStablePerSector(t *testing.T) {
	dir, person := t.TempDir(), uuid.NewString()
	n := open(t, dir)
	a, b, other := outside("https://a.example/cb"), outside("https://a.example/other", "https://a.example/x"), outside("https://b.example/cb")
	named := sub(t, n, a, person)
	if named == person || len(named) > 255 {
		t.Errorf("the name is %q", named)
	}
	if again := sub(t, open(t, dir), a, person); again != named {
		t.Errorf("after a restart the name is %q, was %q", again, named)
	}
	if same := sub(t, n, b, person); same != named {
		t.Errorf("two services of one sector know one person by %q and %q", named, same)
	}
	foreign := sub(t, n, other, person)
	if foreign == named {
		t.Error("two sectors know one person by one name")
	}
	if elsewhere := sub(t, open(t, t.TempDir()), a, person); elsewhere == named {
		t.Error("the name does not depend on the salt: anybody could compute it")
	}
	shared := outside("https://c.example/cb", "https://d.example/cb")
	shared.Answers.SectorURI = "https://a.example/redirects.json"
	if joined := sub(t, n, shared, person); joined != named {
		t.Errorf("the sector of the sector identifier URI is not its host: %q", joined)
	}
	for name, want := range map[string]string{named: person} {
		if got, err := n.Person(a, name); err != nil || got != want {
			t.Errorf("%q is %q %v, want %q", name, got, err, want)
		}
	}
	public := &client.Client{RedirectURIs: []string{"https://a.example/cb"}}
	if got := sub(t, n, public, person); got != person {
		t.Errorf("a service of the sector reads %q", got)
	}
	if got, err := n.Person(public, person); err != nil || got != person {
		t.Errorf("%q %v", got, err)
	}
}

// A name brought from another sector, or made up, never becomes a person.
func TestRE2StrangersNameIsNobodys(t *testing.T) {
	n := open(t, t.TempDir())
	a, other := outside("https://a.example/cb"), outside("https://b.example/cb")
	person := uuid.NewString()
	for name, s := range map[string]string{
		"empty": "", "the stored sub": person, "too short": "AAAA", "line break": sub(t, n, a, person)[:21] + "\n" + "A", "padding": sub(t, n, a, person) + "==",
	} {
		if got, err := n.Person(a, s); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	for range 200 {
		person := uuid.NewString()
		if got, err := n.Person(other, sub(t, n, a, person)); err == nil && got == person {
			t.Fatal("a name of one sector was read in another")
		}
	}
	if _, err := n.Sub(a, "not a UUID"); !fault.Is(err, fault.Internal) {
		t.Errorf("%v", err)
	}
}

func TestDamagedSaltIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pairwise.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pairwise.Open(dir, rand.Reader); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

func TestSaltIsItsOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	info, err := os.Stat(filepath.Join(dir, "pairwise.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

func BenchmarkSub(b *testing.B) {
	n, err := pairwise.Open(b.TempDir(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	c, person := outside("https://a.example/cb"), uuid.NewString()
	for b.Loop() {
		if _, err := n.Sub(c, person); err != nil {
			b.Fatal(err)
		}
	}
}
