package pki

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/filelock"
)

// patience is how long one process waits for another that writes the folder.
const patience = 30 * time.Second

// locked runs one change of the authority: alone in this process, alone on the
// folder, with the ledger as it stands there and written back afterwards.
func (a *Authority) locked(change func() error) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Dir == "" {
		return change()
	}
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, "", "pki: folder", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	lock, err := filelock.Wait(ctx, filepath.Join(a.Dir, ".lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	before, err := a.readLedger()
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := json.MarshalIndent(a.ledger, "", "  ")
	if err != nil {
		return fault.Wrap(fault.Internal, "", "pki: ledger", err)
	}
	if bytes.Equal(before, after) {
		return nil
	}
	return a.write(ledgerFile, after)
}

// Names in the folder.
const (
	ledgerFile        = "ledger.json"
	certificateSuffix = ".pem"
	keySuffix         = ".key"
)

func (a *Authority) readLedger() ([]byte, error) {
	a.ledger = ledger{}
	b, err := os.ReadFile(a.file(ledgerFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "pki: ledger", err)
	}
	if err := json.Unmarshal(b, &a.ledger); err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "pki: the ledger is damaged", err)
	}
	return b, nil
}

// file is the path of a file of the folder; empty without one.
func (a *Authority) file(name string) string {
	if a.Dir == "" {
		return ""
	}
	return filepath.Join(a.Dir, name)
}

// write replaces a file in one step, readable by its owner alone.
func (a *Authority) write(name string, b []byte) error {
	path := a.file(name)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fault.Wrap(fault.Unavailable, "", "pki: "+name, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fault.Wrap(fault.Unavailable, "", "pki: "+name, err)
	}
	return nil
}

// kept tells that an authority is in the folder.
func (a *Authority) kept(name string) bool {
	if a.Dir == "" {
		return false
	}
	_, err := os.Stat(a.file(name + certificateSuffix))
	return err == nil
}

func (a *Authority) load(name string) (*authority, error) {
	none := fault.New(fault.NotFound, "", "pki: "+name+" is not made yet")
	if a.Dir == "" {
		return nil, none
	}
	public, err := os.ReadFile(a.file(name + certificateSuffix))
	if errors.Is(err, os.ErrNotExist) {
		return nil, none
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "pki: "+name, err)
	}
	cert, err := parse(public)
	if err != nil {
		return nil, err
	}
	secret, err := os.ReadFile(a.file(name + keySuffix))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "pki: key of "+name, err)
	}
	key, err := parseKey(secret)
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, fault.New(fault.Invalid, "", "pki: key and certificate of "+name+" do not belong together")
	}
	return &authority{cert: cert, key: key}, nil
}

func (a *Authority) save(name string, made *authority) error {
	if a.Dir == "" {
		return nil
	}
	files, err := pair(made.cert, made.key)
	if err != nil {
		return err
	}
	// The certificate last: it is what tells that the authority exists.
	if err := a.write(name+keySuffix, []byte(files.Key)); err != nil {
		return err
	}
	return a.write(name+certificateSuffix, []byte(files.Certificate))
}

func parse(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fault.New(fault.Invalid, "", "pki: no certificate in PEM form")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "pki: certificate cannot be read", err)
	}
	return cert, nil
}

func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fault.New(fault.Invalid, "", "pki: no private key in PEM form")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "pki: private key cannot be read", err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fault.New(fault.Invalid, "", fmt.Sprintf("pki: a key of type %T", key))
	}
	return private, nil
}
