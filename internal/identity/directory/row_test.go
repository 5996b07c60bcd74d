package directory

import (
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"
)

func rowGen() *rapid.Generator[cells] {
	cell := rapid.SampledFrom([]string{"", "", "A", "ÉLODIE", "99", "un texte plus long que les autres, avec des espaces"})
	return rapid.Custom(func(t *rapid.T) cells {
		var row cells
		for c := colNationalID + 1; c < columnCount; c++ {
			row[c] = cell.Draw(t, "cell")
		}
		return row
	})
}

func unpack(t interface{ Fatal(...any) }, packed []byte) []cells {
	var rows []cells
	err := eachRow(string(packed), func(row *cells) error {
		rows = append(rows, *row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestPackedRowsComeBackOnceEachInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rowGen(), 1, 6).Draw(t, "rows")
		rows = append(rows, rows[0])
		var set rowSet
		var want []cells
		for i := range rows {
			set.add(&rows[i])
			if !slices.Contains(want, rows[i]) {
				want = append(want, rows[i])
			}
		}
		if got := unpack(t, set.packed); !slices.Equal(got, want) {
			t.Fatalf("%d rows came back as %d", len(want), len(got))
		}
		if set.duplicates != len(rows)-len(want) {
			t.Fatalf("%d duplicates counted of %d", set.duplicates, len(rows)-len(want))
		}
	})
}

func TestFingerprintKnowsRowsAndNotTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfNDistinct(rowGen(), 2, 5, func(c cells) uint64 {
			var empty cells
			return xxhash.Sum64(appendRow(nil, &empty, &c))
		}).Draw(t, "rows")
		sum := func(rows []cells) uint64 {
			var set rowSet
			for i := range rows {
				set.add(&rows[i])
			}
			return set.fingerprint()
		}
		before := sum(rows)
		slices.Reverse(rows)
		if sum(rows) != before {
			t.Fatal("another order, another fingerprint")
		}
		rows[0][colPhone] += "0"
		if sum(rows) == before {
			t.Fatal("another telephone, the same fingerprint")
		}
	})
}

// A person's rows may lie anywhere in the file: gathered, they are what they
// would have been side by side.
func TestScatteredRowsCombineToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rowGen(), 1, 6).Draw(t, "rows")
		var whole rowSet
		var parts [][]byte
		for i := range rows {
			whole.add(&rows[i])
			var one rowSet
			one.add(&rows[i])
			parts = append(parts, append(make([]byte, 8), one.packed...))
		}
		payload, fingerprint, duplicates, err := combineRows(parts)
		if err != nil || string(payload) != string(whole.packed) || fingerprint != whole.fingerprint() || duplicates != whole.duplicates {
			t.Fatalf("scattered rows differ: %v", err)
		}
	})
}

func FuzzRows(f *testing.F) {
	var set rowSet
	set.add(&cells{colProfession: "10", colCategory: "C"})
	set.add(&cells{colProfession: "10", colCategory: "M"})
	f.Add(string(set.packed))
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff")
	f.Fuzz(func(t *testing.T, packed string) {
		n := 0
		_ = eachRow(packed, func(*cells) error { n++; return nil })
		if n > len(packed)/8 {
			t.Errorf("%d rows out of %d bytes", n, len(packed))
		}
	})
}

func FuzzRecord(f *testing.F) {
	r := record{firstSeen: 12}
	r.put(block{source: sourceIdentifiers, payload: []byte("x")})
	r.put(block{source: sourcePublic, misses: 1, fingerprint: 42, payload: []byte("yy")})
	f.Add(appendRecord(nil, &r))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, data []byte) {
		var got record
		if readRecord(data, &got) != nil {
			return
		}
		var again record
		if err := readRecord(appendRecord(nil, &got), &again); err != nil || len(again.blocks) != len(got.blocks) {
			t.Errorf("a record that was read cannot be written and read: %v", err)
		}
	})
}
