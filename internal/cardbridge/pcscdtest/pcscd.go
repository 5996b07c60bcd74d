// Package pcscdtest runs a real pcscd with two virtual readers for one test: the
// same service, driver and protocol as with plastic cards, and readers of its
// own that a softcard is put into.
package pcscdtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/filelock"
)

// Daemon is a running pcscd.
type Daemon struct {
	Readers   []string // as PC/SC names them
	Addresses []string // where a card connects: one per reader
}

// channel is the port of the first reader: the driver takes it from CHANNELID,
// and always brings a second reader one port above.
const channel = 0x9100

// limit is how long a service may take to start.
const limit = 20 * time.Second

// Start runs pcscd until the test ends. There can be one on a machine: tests of
// other processes wait for it.
func Start(t testing.TB) *Daemon {
	t.Helper()
	wait, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	lock, err := filelock.Wait(wait, filepath.Join(os.TempDir(), "egide-pcscd-test.lock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	d := configure(t, dir)
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "pcscd", "--foreground", "--info", "--config", dir) //nolint:gosec // a folder of the test's own
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = limit
	endWithUs(cmd)
	log := &buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatalf("pcscd: %v", err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it dies of our signal
		if t.Failed() {
			t.Logf("pcscd said:\n%s", log.String())
		}
	})
	until(t, "pcscd", func() bool { return strings.Contains(log.String(), "daemon ready") && d.listening() }, log.String)
	return d
}

func configure(t testing.TB, dir string) *Daemon {
	t.Helper()
	driver, err := driver()
	if err != nil {
		t.Fatal(err)
	}
	const name = "Lecteur virtuel"
	conf := fmt.Sprintf("FRIENDLYNAME \"%s\"\nDEVICENAME /dev/null:0x%x\nLIBPATH %s\nCHANNELID 0x%x\n", name, channel, driver, channel)
	d := &Daemon{}
	for i := range 2 {
		d.Readers = append(d.Readers, fmt.Sprintf("%s 00 %02d", name, i))
		d.Addresses = append(d.Addresses, fmt.Sprintf("127.0.0.1:%d", channel+i))
	}
	if err := os.WriteFile(filepath.Join(dir, "readers"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// driver finds the virtual reader's library where Debian puts it.
func driver() (string, error) {
	for _, pattern := range []string{"/usr/lib/pcsc/drivers/serial/libifdvpcd.so*", "/usr/lib/*/pcsc/drivers/serial/libifdvpcd.so*"} {
		found, err := filepath.Glob(pattern)
		if err == nil && len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("the virtual reader is not installed (vsmartcard-vpcd)")
}

func (d *Daemon) listening() bool {
	for _, address := range d.Addresses {
		_, port, err := net.SplitHostPort(address)
		if err != nil || !bound(port) {
			return false
		}
	}
	return true
}

// bound looks into the kernel's table: connecting would be putting a card in.
func bound(port string) bool {
	var n int
	if _, err := fmt.Sscanf(port, "%d", &n); err != nil {
		return false
	}
	wanted := fmt.Sprintf(":%04X ", n)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(table)
		if err == nil && strings.Contains(string(b), wanted) {
			return true
		}
	}
	return false
}

// until waits for a condition, and fails the test with what was said meanwhile.
func until(t testing.TB, what string, ready func() bool, said func() string) {
	t.Helper()
	var c clock.System
	for deadline := c.Now().Add(limit); c.Now().Before(deadline); {
		if ready() {
			return
		}
		tick, _ := c.After(5 * time.Millisecond)
		<-tick
	}
	t.Fatalf("%s is not ready within %s:\n%s", what, limit, said())
}

// buffer keeps what the daemon writes while the test reads it.
type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
