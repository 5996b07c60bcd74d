package audit

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

func TestFailedSyncClosesTheLogUntilARestart(t *testing.T) {
	t.Parallel()
	failures := map[string]func(*brokenDisk){
		"sync":  func(d *brokenDisk) { d.failSync.Store(true) },
		"write": func(d *brokenDisk) { d.failWrite.Store(true) },
	}
	for name, breakIt := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, c, disk := t.TempDir(), clock.NewManual(noon), &brokenDisk{}
			o := options(dir, c)
			o.open = disk.open
			l := mustOpen(t, o)
			mustRecord(t, l, 10)
			breakIt(disk)
			if err := l.Record(t.Context(), ServiceStopped{}); !fault.Is(err, fault.Unavailable) {
				t.Fatalf("record on a broken disk: %v", err)
			}
			// The disk works again, but what the kernel kept of the failed write is
			// unknown: a second sync on this descriptor could lie.
			disk.failSync.Store(false)
			disk.failWrite.Store(false)
			tried, opened := disk.calls.Load(), disk.opened.Load()
			for range 3 {
				c.Advance(24 * time.Hour) // not even in a new file
				if err := l.Record(t.Context(), ServiceStopped{}); !fault.Is(err, fault.Unavailable) {
					t.Errorf("record after a failure: %v", err)
				}
			}
			if disk.calls.Load() != tried || disk.opened.Load() != opened {
				t.Error("the file was touched after a failure")
			}
			if err := l.Healthy(); !fault.Is(err, fault.Unavailable) {
				t.Errorf("health: %v", err)
			}
			mustClose(t, l)
			l = mustOpen(t, options(dir, c))
			mustRecord(t, l, 1)
			mustClose(t, l)
			if r := verify(t, dir, ""); !r.OK() || r.Verified < 11 {
				t.Errorf("after the restart: %+v", r)
			}
		})
	}
}

func TestEverybodyWhoWaitsLearnsOfTheFailure(t *testing.T) {
	t.Parallel()
	disk := &brokenDisk{}
	o := options(t.TempDir(), clock.NewManual(noon))
	o.open = disk.open
	l := mustOpen(t, o)
	mustRecord(t, l, 1)
	disk.failSync.Store(true)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if err := l.Record(t.Context(), ServiceStopped{}); !fault.Is(err, fault.Unavailable) {
				t.Errorf("acknowledged without a sync: %v", err)
			}
		})
	}
	wg.Wait()
}

func TestFullDiskUsesTheReserveForActs(t *testing.T) {
	t.Parallel()
	dir, disk := t.TempDir(), &brokenDisk{}
	o := options(dir, clock.NewManual(noon))
	o.open = disk.open
	disk.failSpace.Store(1)
	l := mustOpen(t, o)
	if _, err := os.Stat(filepath.Join(dir, reserveName)); err != nil {
		t.Fatal(err)
	}
	mustRecord(t, l, 1)
	if _, err := os.Stat(filepath.Join(dir, reserveName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the reserve was not given to the act: %v", err)
	}
	if !l.writer.reserve.used() {
		t.Error("the reserve does not know that it is used")
	}
	if l.writer.reserve.scarce() { // there is space in truth: taken again
		t.Error("the reserve was not taken again")
	}
	mustClose(t, l)
	if lines := kept(t, dir); lines[len(lines)-1]["event"] != "traces.reserve_released" {
		t.Errorf("the use of the reserve is not traced: %v", lines)
	}
}

// A real file system that is really full.
func TestFullFileSystem(t *testing.T) {
	mount := tmpfs(t, "4m")
	dir := filepath.Join(mount, "traces")
	c := clock.NewManual(noon)
	o := options(dir, c)
	l, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	mustRecord(t, l, 10)
	fillUp(t, filepath.Join(mount, "strangers-file"))
	if !l.writer.reserve.scarce() {
		t.Error("a full disk is not seen as scarce")
	}
	acts := 0
	for ; acts < 100_000; acts++ {
		if err = l.Record(t.Context(), CodeIssued{Subject: "899700000017", Client: "dmp"}); err != nil {
			break
		}
	}
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("a full disk took %d records and answered %v", acts, err)
	}
	if acts < 3000 { // a megabyte of reserve at 300 bytes
		t.Errorf("the reserve bought only %d acts", acts)
	}
	if err := l.Record(t.Context(), ServiceStopped{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("second record on a full disk: %v", err)
	}
	_ = l.Close(t.Context()) // the tree cannot follow on a full disk: that is no loss
	if err := os.Remove(filepath.Join(mount, "strangers-file")); err != nil {
		t.Fatal(err)
	}
	l, err = Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, dir, ""); !r.OK() || r.Verified < uint64(acts)+10 {
		t.Errorf("acknowledged %d, verified %+v", acts+10, r)
	}
}

func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
