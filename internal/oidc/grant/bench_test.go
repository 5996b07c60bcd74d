package grant

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// The store's part of a flow, on the embedded backend with many callers.
func BenchmarkStore(b *testing.B) {
	d, _ := open(b)
	codes, tokens := NewCodes(d), NewTokens(d)
	var n atomic.Uint64
	flow := func(b *testing.B) Family {
		text, err := codes.Issue(b.Context(), someCode())
		if err != nil {
			b.Fatal(err)
		}
		c, err := codes.Redeem(b.Context(), text)
		if err != nil {
			b.Fatal(err)
		}
		f, err := tokens.StartFamily(b.Context(), Family{ID: c.Family, ClientID: c.ClientID, SID: c.SID, Auth: *c.Auth, Scope: c.Scope, Ends: c.SessionEnds})
		if err != nil {
			b.Fatal(err)
		}
		text = "access-" + strconv.FormatUint(n.Add(1), 10)
		if err := tokens.PutAccess(b.Context(), text, Token{Kind: KindPerson, Family: f.ID, ClientID: "dmp", Expires: start.Add(2 * time.Minute)}); err != nil {
			b.Fatal(err)
		}
		return f
	}
	b.Run("code flow", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				flow(b)
			}
		})
	})
	b.Run("refresh", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			f := flow(b)
			for pb.Next() {
				var err error
				if f, _, err = tokens.Refresh(b.Context(), f.ID, f.Generation, true, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("access", func(b *testing.B) {
		flow(b)
		text := "access-" + strconv.FormatUint(n.Load(), 10)
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, _, err := tokens.Access(b.Context(), text); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}
