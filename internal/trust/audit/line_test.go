package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever stands in an event, its line is JSON, reads back with its number,
// and no other line has its entry.
func TestEveryLineReadsBack(t *testing.T) {
	t.Parallel()
	s := newSalted(rand.Reader, "node-a", `1.0 "quoted"`)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		ctx := WithOrigin(context.Background(), Origin{RequestID: text.Draw(t, "request"), Address: text.Draw(t, "address")})
		n := rapid.Uint64().Draw(t, "n")
		if err := s.encode(ctx, &b, enc, SessionEnded{Subject: text.Draw(t, "subject"), Reason: text.Draw(t, "reason")}); err != nil {
			t.Fatal(err)
		}
		line := appendLine(nil, n, noon, b.Bytes())
		line, whole := bytes.CutSuffix(line, []byte("\n"))
		if !whole || bytes.ContainsRune(line, '\n') || !json.Valid(line) {
			t.Fatalf("line %q", line)
		}
		got, entry, ok := readLine(line)
		if !ok || got != n {
			t.Fatalf("read back as %d, %v: %q", got, ok, line)
		}
		at := rapid.IntRange(0, len(line)-1).Draw(t, "at")
		line[at] ^= 1
		if _, other, ok := readLine(line); ok && other == entry {
			t.Fatalf("a changed byte %d changes nothing", at)
		}
	})
}

func TestEqualEventsHaveUnequalEntries(t *testing.T) {
	t.Parallel()
	s := newSalted(rand.Reader, "node-a", "1.0")
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	seen := map[hash]bool{}
	for range 100 {
		if err := s.encode(t.Context(), &b, enc, ServiceStopped{Reason: "signal"}); err != nil {
			t.Fatal(err)
		}
		line := appendLine(nil, 7, noon.In(time.FixedZone("", 3600)), b.Bytes())
		_, entry, ok := readLine(line[:len(line)-1])
		if !ok || seen[entry] {
			t.Fatal("a purged record could be guessed from its hash")
		}
		seen[entry] = true
	}
}

func FuzzReadLine(f *testing.F) {
	f.Add([]byte(`{"n":12,"time":"2026-11-22T08:15:02.123Z","salt":"AAAAAAAAAAAAAAAAAAAAAA"}`))
	f.Add([]byte(`{"n":99999999999999999999,"time":"`))
	f.Add([]byte(`{"n":,`))
	f.Add([]byte("\x00\x00"))
	f.Fuzz(func(t *testing.T, line []byte) {
		n, entry, ok := readLine(line)
		if again, same, still := readLine(bytes.Clone(line)); again != n || same != entry || still != ok {
			t.Errorf("two readings of %q", line)
		}
	})
}
