package listen

import (
	"context"
	"crypto/x509"
	"os"
	"testing"
	"time"
)

func (o *told) changed(_ context.Context, fingerprint string, refused error) {
	switch {
	case fingerprint == "":
		panic("a change without a name")
	case refused != nil:
		o.refused++
	default:
		o.taken++
	}
}

func name(c *Certificate) string { return c.Leaf().Subject.CommonName }

func TestTL1CertificateIsReloadedFromItsFiles(t *testing.T) {
	k, heard := newKit(t), &told{}
	c := k.load(heard)
	c.look(t.Context(), false)
	if name(c) != "one" || *heard != (told{}) {
		t.Fatalf("an unchanged file was told as a change: %+v", heard)
	}
	k.write(k.issue("two", time.Hour, nil))
	c.look(t.Context(), false)
	if name(c) != "two" || *heard != (told{taken: 1}) {
		t.Fatalf("%s serves, heard %+v", name(c), heard)
	}
}

// HA8: whatever is wrong with a new pair, the old one goes on serving and
// somebody hears of it, once.
func TestHA8BadCertificateOnReloadKeepsTheOldOne(t *testing.T) {
	for what, spoil := range map[string]func(*kit){
		"no PEM":          func(k *kit) { k.write([]byte("certificate"), nil) },
		"empty":           func(k *kit) { k.write([]byte{}, []byte{}) },
		"key of another":  func(k *kit) { _, key := k.issue("other", time.Hour, nil); k.write(nil, key) },
		"cert of another": func(k *kit) { cert, _ := k.issue("other", time.Hour, nil); k.write(cert, nil) },
		"expired":         func(k *kit) { k.write(k.issue("old", -time.Minute, nil)) },
		"not yet good": func(k *kit) {
			k.write(k.issue("future", time.Hour, func(c *x509.Certificate) { c.NotBefore = k.clock.Now().Add(time.Minute) }))
		},
		"for another host": func(k *kit) {
			k.write(k.issue("wrong", time.Hour, func(c *x509.Certificate) { c.DNSNames = []string{"evil.example"} }))
		},
		"for no host": func(k *kit) {
			k.write(k.issue("auth.example.org", time.Hour, func(c *x509.Certificate) { c.DNSNames = nil }))
		},
		"gone":              func(k *kit) { _ = os.Remove(k.cert) },
		"a folder":          func(k *kit) { _ = os.Remove(k.key); _ = os.Mkdir(k.key, 0o700) },
		"cert in key's way": func(k *kit) { cert, key := k.issue("swapped", time.Hour, nil); k.write(key, cert) },
	} {
		t.Run(what, func(t *testing.T) {
			k, heard := newKit(t), &told{}
			c := k.load(heard)
			spoil(k)
			c.look(t.Context(), false)
			if *heard != (told{}) {
				t.Error("told before the second half of a change may have come")
			}
			for range 3 {
				c.look(t.Context(), false)
			}
			if name(c) != "one" || heard.taken != 0 || heard.refused != 1 {
				t.Fatalf("%s serves, heard %+v", name(c), heard)
			}
			_ = os.Remove(k.key) // the folder
			k.write(k.issue("mended", time.Hour, nil))
			c.look(t.Context(), false)
			if name(c) != "mended" {
				t.Error("a good pair after a bad one was not taken")
			}
		})
	}
}

// Certificate and key are replaced one after the other: that is no alarm.
func TestHA8HalfReplacedPairWaitsForItsOtherHalf(t *testing.T) {
	k, heard := newKit(t), &told{}
	c := k.load(heard)
	cert, key := k.issue("two", time.Hour, nil)
	k.write(cert, nil)
	c.look(t.Context(), false)
	k.write(nil, key)
	c.look(t.Context(), false)
	if name(c) != "two" || *heard != (told{taken: 1}) {
		t.Fatalf("%s serves, heard %+v", name(c), heard)
	}
}

// An operator who asks for a reload hears of a bad pair at once.
func TestHA8ReloadByCommandTellsAtOnce(t *testing.T) {
	k, heard := newKit(t), &told{}
	c := k.load(heard)
	k.write([]byte("nonsense"), nil)
	c.Reload(t.Context())
	if *heard != (told{refused: 1}) || name(c) != "one" {
		t.Fatalf("%s serves, heard %+v", name(c), heard)
	}
}

func TestTL1WatchFollowsTheFilesByTheClock(t *testing.T) {
	k := newKit(t)
	k.write(k.issue("one", 1e6*time.Hour, nil))
	changed := make(chan error, 1)
	c, err := Load(Options{Cert: k.cert, Key: k.key, Clock: k.clock, Changed: func(_ context.Context, _ string, err error) { changed <- err }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); c.Watch(ctx) }()
	defer func() { stop(); <-done }()
	k.write(k.issue("two", 1e6*time.Hour, nil))
	for {
		k.clock.Advance(pace)
		select {
		case err := <-changed:
			if err != nil || name(c) != "two" {
				t.Errorf("%s serves, %v", name(c), err)
			}
			return
		default:
		}
	}
}

// At start there is no old pair to keep.
func TestBadCertificateAtStartIsFatal(t *testing.T) {
	k := newKit(t)
	k.write(k.issue("one", -time.Minute, nil))
	if _, err := Load(Options{Cert: k.cert, Key: k.key, Clock: k.clock}); err == nil {
		t.Error("an expired certificate was taken")
	}
	if _, err := Load(Options{Cert: k.cert + "x", Key: k.key, Clock: k.clock}); err == nil {
		t.Error("a missing certificate was taken")
	}
}
