package op

import (
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
)

// cpu is what this process has used so far; the whole of a benchmark counts,
// the store's writer and the garbage collector included.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure reports operations per CPU second, the figure the targets are in, and
// gives the CPU time of one.
func measure(b *testing.B, op func(i int)) time.Duration {
	b.Helper()
	op(0)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	for i := range b.N {
		op(i)
	}
	used := cpu(b) - before
	b.ReportMetric(float64(b.N)/used.Seconds(), "op/cpu-s")
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-us/op")
	return used / time.Duration(b.N)
}

func benchCodeFlow(b *testing.B, id string) {
	w := newWorld(b)
	_, cookie := w.login(authn.ECPS)
	measure(b, func(int) { w.redeem(id, w.code(id, cookie, "scope", "openid")) })
}

func BenchmarkSessionCodeFlowPSC(b *testing.B)         { benchCodeFlow(b, "psc") }
func BenchmarkSessionCodeFlowES256Opaque(b *testing.B) { benchCodeFlow(b, "web") }

func benchRefresh(b *testing.B, id string) {
	w := newWorld(b)
	_, cookie := w.login(authn.ECPS)
	token := w.redeem(id, w.code(id, cookie, "scope", "openid")).text("refresh_token")
	measure(b, func(int) { token = decode(b, w.refresh(id, token)).text("refresh_token") })
}

func BenchmarkRefreshES256(b *testing.B) { benchRefresh(b, "web") }
func BenchmarkRefreshPSC(b *testing.B)   { benchRefresh(b, "psc") }

func BenchmarkUserInfo(b *testing.B) {
	w := newWorld(b)
	_, cookie := w.login(authn.ECPS)
	token := w.redeem("psc", w.code("psc", cookie)).text("access_token")
	measure(b, func(int) {
		if rec := w.userinfo(token); rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	})
}

func BenchmarkIntrospection(b *testing.B) {
	w := newWorld(b)
	_, cookie := w.login(authn.ECPS)
	form := url.Values{"token": {w.redeem("psc", w.code("psc", cookie)).text("access_token")}}
	measure(b, func(int) {
		if rec := w.post("token/introspect", "psc", form); rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	})
}

func BenchmarkClientCredentials(b *testing.B) {
	w := newWorld(b)
	form := url.Values{"grant_type": {"client_credentials"}}
	measure(b, func(int) {
		if rec := w.post("token", "web", form); rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	})
}

func BenchmarkDiscovery(b *testing.B) {
	w := newWorld(b)
	measure(b, func(int) {
		if rec := w.get("/auth/realms/esante-wallet/.well-known/openid-configuration"); rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	})
}

// BenchmarkSignedUserInfo reports a signed UserInfo answer beside the signature
// alone of the same bytes, measured in the same run.
func BenchmarkSignedUserInfo(b *testing.B) {
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		b.Run(string(alg), func(b *testing.B) {
			w := newWorld(b)
			id := "signed-" + string(alg)
			w.add(id, func(c *client.Client) { c.Answers.UserInfoAlg = alg })
			_, cookie := w.login(authn.ECPS)
			token := w.redeem(id, w.code(id, cookie)).text("access_token")
			payload := make([]byte, w.userinfo(token).Body.Len()*3/4)
			answer, sign := time.Duration(0), time.Duration(0)
			spend := func(sum *time.Duration, f func()) {
				before := cpu(b)
				f()
				*sum += cpu(b) - before
			}
			const run = 20 // both by turns, so that neither has the quieter minute
			for b.Loop() {
				spend(&answer, func() {
					for range run {
						if rec := w.userinfo(token); rec.Code != 200 {
							b.Fatal(rec.Code)
						}
					}
				})
				spend(&sign, func() {
					for range run {
						if _, err := w.keys.Sign(alg, "JWT", payload); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			n := float64(b.N * run)
			b.ReportMetric(float64(answer.Microseconds())/n, "answer-cpu-us")
			b.ReportMetric(float64(sign.Microseconds())/n, "floor-cpu-us")
			b.ReportMetric(float64(answer)/float64(sign), "ratio")
		})
	}
}
