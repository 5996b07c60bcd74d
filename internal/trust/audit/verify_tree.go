package audit

import (
	"bytes"
	"context"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
)

// leaf is the Merkle leaf of one record: the RFC 6962 hash of its entry.
type leaf = hash

// leafOf gives the leaf of a line and the number the line claims.
func leafOf(line []byte) (n uint64, l leaf, ok bool) {
	n, entry, ok := readLine(line)
	if ok {
		copy(l[:], rfc6962.DefaultHasher.HashLeaf(entry[:]))
	}
	return n, l, ok
}

// bundleLeaves gives the leaves of an entry bundle (C2SP tlog-tiles).
func bundleLeaves(raw []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(raw); err != nil {
		return nil, err
	}
	leaves := make([][]byte, len(b.Entries))
	for i, e := range b.Entries {
		leaves[i] = rfc6962.DefaultHasher.HashLeaf(e)
	}
	return leaves, nil
}

// grower builds the tree again from its leaves.
type grower struct {
	fetch   client.FileFetcher
	earlier *checkpoint
	root    []byte // of the tree as it was at the earlier checkpoint
}

// leaves gives the leaves under a checkpoint, proven by its root. It takes them
// from the lowest tiles and, where these were damaged, from the entries; the
// text says what is wrong with the files, if anything.
func (g *grower) leaves(ctx context.Context, cp checkpoint) ([]leaf, string) {
	leaves, err := g.grow(ctx, cp, g.tile)
	if err == nil {
		return leaves, ""
	}
	leaves, again := g.grow(ctx, cp, g.bundle)
	if again == nil {
		return leaves, "tiles are damaged, entries are whole: " + err.Error()
	}
	return nil, "no record can be proven: " + err.Error()
}

func (g *grower) tile(ctx context.Context, at layout.RangeInfo) ([][]byte, error) {
	raw, err := g.fetch.ReadTile(ctx, 0, at.Index, at.Partial)
	if err != nil {
		return nil, err
	}
	var t api.HashTile
	return t.Nodes, t.UnmarshalText(raw)
}

func (g *grower) bundle(ctx context.Context, at layout.RangeInfo) ([][]byte, error) {
	raw, err := g.fetch.ReadEntryBundle(ctx, at.Index, at.Partial)
	if err != nil {
		return nil, err
	}
	return bundleLeaves(raw)
}

func (g *grower) grow(ctx context.Context, cp checkpoint, read func(context.Context, layout.RangeInfo) ([][]byte, error)) ([]leaf, error) {
	leaves := make([]leaf, 0, min(cp.Size, 1<<20))
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for at := range layout.Range(0, cp.Size, cp.Size) {
		nodes, err := read(ctx, at)
		if err != nil {
			return nil, err
		}
		if uint(len(nodes)) < at.N {
			return nil, fmt.Errorf("tile %d has %d of %d leaves", at.Index, len(nodes), at.N)
		}
		for _, node := range nodes[:at.N] {
			if err := tree.Append(node, nil); err != nil {
				return nil, err
			}
			leaves = append(leaves, leaf(node))
			if g.earlier != nil && tree.End() == g.earlier.Size {
				if g.root, err = tree.GetRootHash(nil); err != nil {
					return nil, err
				}
			}
		}
	}
	root := rfc6962.DefaultHasher.EmptyRoot()
	if cp.Size > 0 {
		var err error
		if root, err = tree.GetRootHash(nil); err != nil {
			return nil, err
		}
	}
	if !bytes.Equal(root, cp.Hash) {
		return nil, fmt.Errorf("leaves give root %x, signed is %x", root, cp.Hash)
	}
	return leaves, nil
}
