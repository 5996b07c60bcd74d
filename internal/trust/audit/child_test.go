package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/egide-id/egide/internal/platform/clock"
)

const (
	childVar = "EGIDE_AUDIT_TEST_CHILD"
	sizeVar  = "EGIDE_AUDIT_TEST_FILE_SIZE"
)

// childMain is this test program as a node: it records with many callers and
// prints each number once it is acknowledged, until it is killed or refused.
func childMain() bool {
	dir := os.Getenv(childVar)
	if dir == "" {
		return false
	}
	l, err := Open(context.Background(), Options{Dir: dir, Clock: clock.System{}, Node: "node-a", Version: "1.0", ReserveBytes: -1})
	if err != nil {
		fmt.Println("error", err)
		return true
	}
	if limit := os.Getenv(sizeVar); limit != "" {
		limitFileSize(limit)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				n, err := l.record(context.Background(), CodeIssued{Subject: "899700000017", Client: "dmp"})
				if err != nil {
					fmt.Println("refused", err)
					return
				}
				_, _ = fmt.Fprintf(os.Stdout, "%d\n", n) // one write: a number is whole or not there
			}
		})
	}
	wg.Wait()
	return true
}

func limitFileSize(text string) {
	var size uint64
	_, _ = fmt.Sscan(text, &size)
	_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: size})
}

func child(t *testing.T, dir string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), append(env, childVar+"="+dir)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func TestHA1HA5KilledNodeLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []uint64
	for try := range 10 {
		cmd, out := child(t, dir)
		for n := 0; out.Scan(); n++ {
			var number uint64
			if _, err := fmt.Sscan(out.Text(), &number); err != nil {
				t.Fatalf("child said %q", out.Text())
			}
			acknowledged = append(acknowledged, number)
			if n == 50+try*170 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
	}
	l := mustOpen(t, options(dir, clock.System{}))
	mustClose(t, l)
	r := verify(t, dir, "")
	if !r.OK() || r.Pending != 0 {
		t.Errorf("after 10 kills: %+v", r)
	}
	seen := map[uint64]bool{}
	for _, n := range acknowledged {
		if n >= r.Verified {
			t.Errorf("record %d was acknowledged and is lost", n)
		}
		if seen[n] {
			t.Errorf("number %d was given twice", n)
		}
		seen[n] = true
	}
	t.Logf("%d acknowledged, %d kept, none lost", len(acknowledged), r.Verified)
}

func TestFileThatCannotGrowRefusesAndLosesNothing(t *testing.T) {
	dir := t.TempDir()
	cmd, out := child(t, dir, sizeVar+"=100000")
	acknowledged, refused := uint64(0), 0
	for out.Scan() {
		if strings.HasPrefix(out.Text(), "refused") {
			refused++
			continue
		}
		acknowledged++
	}
	_ = cmd.Wait()
	if refused != 16 || acknowledged == 0 {
		t.Fatalf("%d callers refused, %d records acknowledged", refused, acknowledged)
	}
	l := mustOpen(t, options(dir, clock.System{}))
	mustClose(t, l)
	if r := verify(t, dir, ""); !r.OK() || r.Verified < acknowledged {
		t.Errorf("acknowledged %d, verified %+v", acknowledged, r)
	}
}

// tmpfs mounts a small file system, where this is allowed.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("SKIPPED: mounting a small file system needs root; TestFileThatCannotGrow covers a failing write")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}
