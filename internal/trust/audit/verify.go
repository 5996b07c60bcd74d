package audit

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Verification checks a log from its files alone, without the provider, without
// writing anything: best on a copy.
type Verification struct {
	Dir string
	// Checkpoint is a file with a checkpoint that left the machine earlier. Only
	// against such a one does a cut tail or a history written anew show: who
	// holds the machine holds its key as well.
	Checkpoint string
	// Key is a file with the public key of the log; the one in Dir if empty.
	Key string
}

// Verify checks the log in dir, against an earlier checkpoint if one is given.
func Verify(dir, checkpoint string) (Report, error) {
	return Verification{Dir: dir, Checkpoint: checkpoint}.Run(context.Background())
}

// Run verifies. A fault of the log is in the report; an error means that there
// is nothing that could be verified.
func (v Verification) Run(ctx context.Context) (Report, error) {
	key := v.Key
	if key == "" {
		key = filepath.Join(v.Dir, verifierName)
	}
	verifier, err := readVerifier(key)
	if err != nil {
		return Report{}, err
	}
	segs, err := listSegments(v.Dir)
	if err != nil {
		return Report{}, err
	}
	r := Report{Origin: verifier.Name(), Findings: []Finding{}}
	leaves, err := v.tree(ctx, &r, verifier)
	if err != nil {
		return r, err
	}
	if leaves != nil {
		err = (&comparison{dir: v.Dir, report: &r, leaves: leaves, segs: segs}).run()
	}
	r.sort()
	return r, err
}

// tree checks signatures, root, consistency and the files of the Merkle log and
// gives the leaf of every record, or nil if they prove nothing.
func (v Verification) tree(ctx context.Context, r *Report, verifier note.Verifier) ([]leaf, error) {
	name := filepath.Join(treeDir, "checkpoint")
	raw, err := os.ReadFile(filepath.Join(v.Dir, name))
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "", "there is no log in "+v.Dir, err)
	}
	cp, err := openCheckpoint(raw, verifier)
	if err != nil {
		r.add(Finding{Kind: BadSignature, File: name, Detail: err.Error()})
		return nil, nil
	}
	r.Size, r.Root = cp.Size, base64.StdEncoding.EncodeToString(cp.Hash)
	earlier, err := v.earlier(r, verifier)
	if err != nil {
		return nil, err
	}
	files := client.FileFetcher{Root: filepath.Join(v.Dir, treeDir)}
	g := grower{fetch: files, earlier: earlier}
	leaves, how := g.leaves(ctx, *cp)
	if how != "" {
		r.add(Finding{Kind: BadTree, File: treeDir, Detail: how})
	} else if err := checkFiles(ctx, files, leaves); err != nil {
		r.add(Finding{Kind: BadTree, File: treeDir, Detail: err.Error()})
	}
	if leaves != nil && earlier != nil {
		compareEarlier(r, v.Checkpoint, *earlier, *cp, g.root)
	}
	return leaves, nil
}

// earlier reads the checkpoint that left the machine.
func (v Verification) earlier(r *Report, verifier note.Verifier) (*checkpoint, error) {
	if v.Checkpoint == "" {
		return nil, nil //nolint:nilnil // none was given
	}
	raw, err := os.ReadFile(v.Checkpoint)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "", "earlier checkpoint cannot be read", err)
	}
	cp, err := openCheckpoint(raw, verifier)
	if err != nil {
		r.add(Finding{Kind: BadSignature, File: v.Checkpoint, Detail: err.Error()})
		return nil, nil //nolint:nilnil // reported
	}
	r.Earlier = &cp.Size
	return cp, nil
}

// compareEarlier holds the history against what was once signed: nothing may be
// shorter, nothing may be different.
func compareEarlier(r *Report, file string, old, now checkpoint, root []byte) {
	switch {
	case old.Size > now.Size:
		r.add(Finding{
			Kind: Cut, File: filepath.Join(treeDir, "checkpoint"), From: now.Size, To: old.Size - 1,
			Detail: fmt.Sprintf("the earlier checkpoint covers %d records, this log only %d", old.Size, now.Size),
		})
	case old.Size > 0 && string(root) != string(old.Hash):
		r.add(Finding{
			Kind: Rewritten, File: file, From: 0, To: old.Size - 1,
			Detail: "the log was written anew since the earlier checkpoint",
		})
	}
}
