package sqlite

import (
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// The benchmarks report, beside the time, the CPU that the whole process burnt
// per operation, which is what bounds a node.

func BenchmarkPut(b *testing.B) {
	benchmark(b, func(s *Store, key string, value []byte) error { return s.Put(b.Context(), key, value, time.Hour) })
}

func BenchmarkGet(b *testing.B) {
	s := filled(b, 20_000)
	cpu := processCPU(b)
	for i := 0; b.Loop(); i++ {
		if _, err := s.Get(b.Context(), fmt.Sprintf("live:%040d", i%20_000)); err != nil {
			b.Fatal(err)
		}
	}
	report(b, cpu)
}

func BenchmarkPutThenTake(b *testing.B) {
	benchmark(b, func(s *Store, key string, value []byte) error {
		if err := s.Put(b.Context(), key, value, time.Hour); err != nil {
			return err
		}
		_, err := s.Take(b.Context(), key)
		return err
	})
}

func BenchmarkUpdate(b *testing.B) {
	s := filled(b, 20_000)
	value, cpu := make([]byte, 700), processCPU(b)
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprintf("live:%040d", i%20_000)
		item, err := s.Get(b.Context(), key)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Update(b.Context(), key, item.Version, value, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	report(b, cpu)
}

func BenchmarkParallelPut(b *testing.B) {
	s := filled(b, 20_000)
	cpu := processCPU(b)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		value := make([]byte, 700)
		for pb.Next() {
			if err := s.Put(b.Context(), rand.Text(), value, time.Hour); err != nil {
				b.Error(err)
				return
			}
		}
	})
	report(b, cpu)
}

// BenchmarkLogin is the mix of one login: 2 Put,
// 3 Get, 2 Take, 3 Update, 1 Delete.
func BenchmarkLogin(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := filled(b, 20_000)
			cpu := processCPU(b)
			b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
			if callers == 1 {
				for b.Loop() {
					login(b, s)
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						login(b, s)
					}
				})
			}
			report(b, cpu)
		})
	}
}

func login(b *testing.B, s *Store) {
	ctx, value := b.Context(), make([]byte, 700)
	request, code, live := rand.Text(), rand.Text(), fmt.Sprintf("live:%040d", mrand.IntN(20_000))
	err := errors.Join(s.Put(ctx, request, value, time.Hour), s.Put(ctx, code, value, time.Hour))
	for _, key := range []string{request, code, live} {
		item, e := s.Get(ctx, key)
		if e == nil {
			_, e = s.Update(ctx, key, item.Version, value, time.Hour)
		}
		if !fault.Is(e, fault.Conflict) && !fault.Is(e, fault.NotFound) { // others use the live keys too
			err = errors.Join(err, e)
		}
	}
	for _, key := range []string{request, code} {
		_, e := s.Take(ctx, key)
		err = errors.Join(err, e)
	}
	if err := errors.Join(err, s.Delete(ctx, live)); err != nil {
		b.Error(err)
	}
}

func benchmark(b *testing.B, act func(s *Store, key string, value []byte) error) {
	s := filled(b, 20_000)
	value, cpu := make([]byte, 700), processCPU(b)
	for b.Loop() {
		if err := act(s, rand.Text(), value); err != nil {
			b.Fatal(err)
		}
	}
	report(b, cpu)
}

func filled(b *testing.B, n int) *Store {
	b.Helper()
	s := openAt(b, filepath.Join(b.TempDir(), "state.db"), clock.System{})
	value := make([]byte, 700)
	for i := range n {
		if err := s.Put(b.Context(), fmt.Sprintf("live:%040d", i), value, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	return s
}

func report(b *testing.B, before time.Duration) {
	b.ReportMetric(float64((processCPU(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func processCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
