package audit

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	keyDir       = "key"
	keyName      = "note.key"
	verifierName = "verifier.pub"
)

// openKey reads the Ed25519 key that signs checkpoints (C2SP signed-note), or
// makes it at the first start. The public half lies beside the log: a copy of it
// belongs with whoever will verify, because whoever holds the machine can
// replace both. The caller holds the folder's lock.
func openKey(dir, node string, random io.Reader) (note.Signer, error) {
	path := filepath.Join(dir, keyDir, keyName)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "trace key folder cannot be made", err)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(dir, path, node, random)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "trace key cannot be read", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "", "trace key "+path+" is open to others: chmod 600")
	}
	skey, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "trace key cannot be read", err)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(skey)))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "trace key is damaged", err)
	}
	return signer, nil
}

// makeKey writes the public half first: a key whose public half was lost in a
// crash could never be verified.
func makeKey(dir, path, node string, random io.Reader) (note.Signer, error) {
	skey, vkey, err := note.GenerateKey(random, "egide-traces/"+node)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "trace key cannot be made", err)
	}
	err = errors.Join(
		writeWhole(filepath.Join(dir, verifierName), []byte(vkey+"\n"), 0o644),
		writeWhole(path, []byte(skey+"\n"), 0o600),
	)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "trace key cannot be written", err)
	}
	return note.NewSigner(skey)
}

// readVerifier reads a public key file.
func readVerifier(path string) (note.Verifier, error) {
	vkey, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "", "public key cannot be read", err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "public key is damaged", err)
	}
	return v, nil
}
