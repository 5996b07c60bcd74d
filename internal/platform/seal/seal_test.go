package seal

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestSealsForOnePurposeOnly(t *testing.T) {
	k, err := Open(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := k.Seal("row 1", []byte("seed"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Unseal("row 1", sealed); err != nil || !bytes.Equal(got, []byte("seed")) {
		t.Fatalf("%q %v", got, err)
	}
	if _, err := k.Unseal("row 2", sealed); err == nil {
		t.Error("a value moved to another row still opens")
	}
	other, err := Open(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Unseal("row 1", sealed); err == nil {
		t.Error("another key opens it")
	}
	for _, bad := range []string{"", "A", sealed[:len(sealed)-2], "!" + sealed} {
		if _, err := k.Unseal("row 1", bad); err == nil {
			t.Errorf("%q opens", bad)
		}
	}
}

// A hundred nodes that start at once on one folder agree on one key, readable by
// its owner alone.
func TestNodesThatStartAtOnceAgree(t *testing.T) {
	dir := t.TempDir()
	keys := make([]*Key, 100)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = Open(dir, rand.Reader); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	sealed, err := keys[0].Seal("p", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if _, err := k.Unseal("p", sealed); err != nil {
			t.Fatal("two keys")
		}
	}
	info, err := os.Stat(filepath.Join(dir, keyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".secret-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDamagedKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, keyFile), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, rand.Reader); err == nil {
		t.Fatal("opened")
	}
}
