package audit

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// BenchmarkRecord gives what one caller of n waits for a record (p50, p99), and
// what a record costs in processor time, integration included.
func BenchmarkRecord(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			l, err := Open(b.Context(), Options{Dir: b.TempDir(), Node: "node-a", Version: "1.0"})
			if err != nil {
				b.Fatal(err)
			}
			ctx := WithOrigin(b.Context(), Origin{RequestID: "01JD2Y6V7K8Q", Address: "192.0.2.7", DeviceClass: "computer"})
			e := TokenIssued{
				Subject: "899700000017", Client: "dmp", SID: "b1f3c2", Family: "6e0a", Grant: "authorization_code",
				Scope: "openid scope_all", ACR: "eidas1", Token: TokenRef("t"),
			}
			waits := make([]time.Duration, b.N)
			before := processorTime()
			b.ResetTimer()
			var wg sync.WaitGroup
			for c := range callers {
				wg.Go(func() {
					for i := c; i < b.N; i += callers {
						start := clock.System{}.Now()
						if err := l.Record(ctx, e); err != nil {
							b.Error(err)
						}
						waits[i] = clock.System{}.Now().Sub(start)
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			if err := l.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

func processorTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkEncode is the part of a record that its caller pays for.
func BenchmarkEncode(b *testing.B) {
	s := newSalted(rand.Reader, "node-a", "1.0")
	p, _ := pendings.Get().(*pending)
	ctx := WithOrigin(b.Context(), Origin{RequestID: "01JD2Y6V7K8Q", Address: "192.0.2.7", DeviceClass: "computer"})
	e := TokenIssued{Subject: "899700000017", Client: "dmp", SID: "b1f3c2", Family: "6e0a", Grant: "authorization_code", Scope: "openid scope_all"}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.encode(ctx, &p.rest, p.enc, e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFailure is what a stranger's try costs.
func BenchmarkFailure(b *testing.B) {
	c := newCounter(noon)
	b.ReportAllocs()
	for b.Loop() {
		c.add(Failure{Kind: FailureCode, Code: "invalid_grant"}, "192.0.2.7")
	}
}

// BenchmarkVerify is a whole verification, per record.
func BenchmarkVerify(b *testing.B) {
	dir := b.TempDir()
	l, err := Open(b.Context(), Options{Dir: dir, Node: "node-a", Version: "1.0"})
	if err != nil {
		b.Fatal(err)
	}
	const records = 50_000
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range records / 64 {
				_ = l.Record(context.Background(), CodeIssued{Subject: "899700000017", Client: "dmp"})
			}
		})
	}
	wg.Wait()
	if err := l.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if r := verify(b, dir, ""); !r.OK() {
			b.Fatal(r.Findings)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}
