package audit

import (
	"bytes"
	"context"
	"fmt"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
)

// checkFiles holds every file of the Merkle log against the proven leaves:
// entries and tiles of all levels, because later proofs are made from them.
//
// The library has such a check (fsck), but on a log with a damaged tile its
// worker ends, its producer waits for ever, and an auditor with it.
func checkFiles(ctx context.Context, fetch client.FileFetcher, leaves []leaf) error {
	size := uint64(len(leaves))
	for at := range layout.Range(0, size, size) {
		raw, err := fetch.ReadEntryBundle(ctx, at.Index, at.Partial)
		if err != nil {
			return fmt.Errorf("entries %d: %w", at.Index, err)
		}
		got, err := bundleLeaves(raw)
		if err != nil || !startsWith(got, leaves[at.Index*bundleEntries:][:at.N]) {
			return fmt.Errorf("entries %d are not those of the tree", at.Index)
		}
	}
	for level, nodes := uint64(0), leaves; len(nodes) > 0; level++ {
		above, err := checkLevel(ctx, fetch, level, nodes, size)
		if err != nil {
			return err
		}
		nodes = above
	}
	return nil
}

// checkLevel compares the tiles of a level and gives the nodes of the next: the
// roots of the full tiles.
func checkLevel(ctx context.Context, fetch client.FileFetcher, level uint64, nodes []leaf, size uint64) ([]leaf, error) {
	var above []leaf
	for index := uint64(0); index*layout.TileWidth < uint64(len(nodes)); index++ {
		want := nodes[index*layout.TileWidth:]
		want = want[:min(len(want), layout.TileWidth)]
		raw, err := fetch.ReadTile(ctx, level, index, layout.PartialTileSize(level, index, size))
		if err != nil {
			return nil, fmt.Errorf("tile %d of level %d: %w", index, level, err)
		}
		var tile api.HashTile
		if err := tile.UnmarshalText(raw); err != nil || !startsWith(tile.Nodes, want) {
			return nil, fmt.Errorf("tile %d of level %d is not that of the tree", index, level)
		}
		if len(want) == layout.TileWidth {
			above = append(above, rootOf(want))
		}
	}
	return above, nil
}

// rootOf hashes a full tile pair by pair (RFC 6962 section 2.1).
func rootOf(tile []leaf) leaf {
	row := append([]leaf(nil), tile...)
	for ; len(row) > 1; row = row[:len(row)/2] {
		for i := range len(row) / 2 {
			row[i] = leaf(rfc6962.DefaultHasher.HashChildren(row[2*i][:], row[2*i+1][:]))
		}
	}
	return row[0]
}

// startsWith: a full tile may stand where a partial one was asked for.
func startsWith(got [][]byte, want []leaf) bool {
	if len(got) < len(want) {
		return false
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i][:]) {
			return false
		}
	}
	return true
}
