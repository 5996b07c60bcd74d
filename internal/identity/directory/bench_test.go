package directory

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// The size of the real register; EGIDE_BENCH_ROWS makes it smaller.
const benchRows = 2_300_000

// BenchmarkRegister invents a register as large as the real one, imports it
// twice in processes of their own, and looks persons up. It measures what the
// operator waits for, so each part runs once: -benchtime=1x.
func BenchmarkRegister(b *testing.B) {
	rows := benchRows
	if s := os.Getenv("EGIDE_BENCH_ROWS"); s != "" {
		var err error
		if rows, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	dir := b.TempDir()
	if err := Generate(b.Context(), GenerateOptions{Dir: dir, Rows: rows, Seed: 1, Only: []string{partPublic}}); err != nil {
		b.Fatal(err)
	}
	file, register := publicOf(dir, "", day1), filepath.Join(dir, "register")
	b.Run("FirstImport", func(b *testing.B) { benchImport(b, register, file) })
	b.Run("SecondImport", func(b *testing.B) { benchImport(b, register, file) })
	b.Run("Open", func(b *testing.B) { benchOpen(b, register) })
	b.Run("Lookup", func(b *testing.B) { benchLookup(b, register) })
}

// benchImport imports in a child process, whose memory and time are its own.
func benchImport(b *testing.B, dir, file string) {
	for range b.N {
		cmd := exec.CommandContext(b.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{dir, file}, "\n"), childMode+"=bench")
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		b.ReportMetric(time.Since(start).Seconds(), "wall-s")
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			b.Fatal("no resource usage on this system")
		}
		b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "cpu-s")
		b.ReportMetric(float64(usage.Maxrss)/1024, "peak-MB")
		b.ReportMetric(0, "ns/op")
	}
}

func benchRegister(b *testing.B, dir string) *Register {
	r, err := Open(context.Background(), Options{Dir: dir, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func benchOpen(b *testing.B, dir string) {
	for range b.N {
		if err := benchRegister(b, dir).Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// benchLookup looks up random persons, nearly all of them for the first time,
// and then one who is remembered.
func benchLookup(b *testing.B, dir string) {
	r := benchRegister(b, dir)
	defer func() {
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	}()
	info, err := r.Info(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	const tries = 20_000
	v, dice := inventor{}, rand.New(rand.NewPCG(1, 2))
	took := make([]time.Duration, 0, tries)
	for range tries {
		id := v.id(dice.IntN(info.Persons*99/100), draft{})
		start := time.Now()
		_, err := r.Lookup(b.Context(), id)
		took = append(took, time.Since(start))
		if err != nil && !fault.Is(err, fault.NotFound) { // ranks of ADELI persons have no RPPS number
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	known := v.id(1, draft{})
	for b.Loop() {
		if _, err := r.Lookup(b.Context(), known); err != nil {
			b.Fatal(err)
		}
	}
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	b.ReportMetric(micros(took[tries/2]), "p50-µs")
	b.ReportMetric(micros(took[tries*99/100]), "p99-µs")
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse)/(1<<20), "heap-MB")
}

// benchChild is an import as an operator runs it.
func benchChild(args []string) error {
	report, err := Import(context.Background(), ImportOptions{Dir: args[0], Files: args[1:], Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err == nil && report.Persons == 0 {
		return fmt.Errorf("nothing was imported")
	}
	return err
}
