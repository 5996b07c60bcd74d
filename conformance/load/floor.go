package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/conformance/harness"
)

// The floor of an operation is what no design can avoid here: the signatures
// it makes and as many empty requests to an echo server as it needs.
type floor struct {
	rs256, es256, request time.Duration // CPU each
}

// serveEmpty is the empty echo server, run as a child so that its processor
// time can be told from the load's.
func serveEmpty(addr string) error {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Any("/*", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	return e.Start(addr)
}

func measureFloor(ctx context.Context, seconds time.Duration) (floor, error) {
	var f floor
	var err error
	if f.rs256, f.es256, err = measureSignatures(); err != nil {
		return f, err
	}
	addr, err := harness.FreePort(ctx)
	if err != nil {
		return f, err
	}
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	child, err := harness.Run(ctx, self, "-empty", addr)
	if err != nil {
		return f, err
	}
	defer child.Stop()
	c := newCaller()
	if err := harness.Until("empty server", 5*time.Second, func() bool {
		_, err := c.do(ctx, http.MethodGet, "http://"+addr+"/", nil, nil)
		return err == nil
	}); err != nil {
		return f, err
	}
	r, err := measure(ctx, child, nil, seconds, func(ctx context.Context, _ int) error {
		_, err := c.do(ctx, http.MethodGet, "http://"+addr+"/", nil, nil)
		return err
	})
	f.request = r.cpu
	return f, err
}

// measureSignatures gives the processor time of one signature of each kind; the
// best of several rounds is kept.
func measureSignatures() (rs, es time.Duration, err error) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, 0, fmt.Errorf("floor: %w", err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, 0, fmt.Errorf("floor: %w", err)
	}
	digest := sha256.Sum256([]byte("floor"))
	rs, err = best(40, func() error { _, err := r.Sign(rand.Reader, digest[:], crypto.SHA256); return err })
	if err != nil {
		return 0, 0, err
	}
	es, err = best(400, func() error { _, err := e.Sign(rand.Reader, digest[:], crypto.SHA256); return err })
	return rs, es, err
}

func best(n int, f func() error) (time.Duration, error) {
	var shortest time.Duration
	for range 7 {
		from := ownCPU()
		for range n {
			if err := f(); err != nil {
				return 0, err
			}
		}
		if each := (ownCPU() - from) / time.Duration(n); shortest == 0 || each < shortest {
			shortest = each
		}
	}
	return shortest, nil
}

// ownCPU is the processor time of this process, which does nothing else then.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
