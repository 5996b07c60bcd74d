package listen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kit is a folder with a pair of files in it and a clock that moves by hand.
type kit struct {
	t         *testing.T
	cert, key string
	clock     *clock.Manual
}

func newKit(t *testing.T) *kit {
	dir := t.TempDir()
	k := &kit{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), clock: clock.NewManual(clock.System{}.Now())}
	k.write(k.issue("one", time.Hour, nil))
	return k
}

// issue makes a self-signed pair for auth.example.org, under a name that tells it
// from others.
func (k *kit) issue(name string, life time.Duration, change func(*x509.Certificate)) (cert, key []byte) {
	k.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		k.t.Fatal(err)
	}
	return k.sign(name, life, change, private, &private.PublicKey)
}

func (k *kit) issueRSA(name string) (cert, key []byte) {
	k.t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		k.t.Fatal(err)
	}
	return k.sign(name, time.Hour, nil, private, &private.PublicKey)
}

func (k *kit) sign(name string, life time.Duration, change func(*x509.Certificate), private, public any) (cert, key []byte) {
	k.t.Helper()
	now := k.clock.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life), DNSNames: []string{"auth.example.org"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		k.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		k.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func (k *kit) write(cert, key []byte) {
	k.t.Helper()
	for path, body := range map[string][]byte{k.cert: cert, k.key: key} {
		if body == nil {
			continue
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			k.t.Fatal(err)
		}
	}
}

// told is what Changed heard.
type told struct{ taken, refused int }

func (k *kit) load(o *told) *Certificate {
	k.t.Helper()
	c, err := Load(Options{Cert: k.cert, Key: k.key, Hosts: []string{"auth.example.org"}, Clock: k.clock, Changed: o.changed})
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}
