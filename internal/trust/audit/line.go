package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/egide-id/egide/internal/platform/fault"
)

// A line of the durable file (PG-61):
//
//	{"n":12,"time":"2026-11-22T08:15:02.123Z","salt":"…22 characters…","node":"a","version":"1.0",
//	 "event":"login.succeeded","origin":{"request":"…","address":"…","device":"…"},"body":{…}}
//
// n and time are given by the one writer, so that both rise together. The salt
// stands at a fixed place: what the tree holds is SHA-256(salt, line), and once
// the line is deleted nobody can guess it from its hash, because the salt went
// with it (storage.md section 2).

const (
	saltBytes = 16
	saltText  = 22 // in base64url
	// maxLine bounds a record, so that a stranger's long header cannot make one.
	maxLine  = 16 << 10
	timeForm = "2006-01-02T15:04:05.000Z"
)

// salted keeps salts and the constant parts of every line.
type salted struct {
	rand  io.Reader
	about string // `","node":"a","version":"1.0","event":"`
}

func newSalted(random io.Reader, node, version string) salted {
	return salted{rand: random, about: `","node":` + quoted(node) + `,"version":` + quoted(version) + `,"event":"`}
}

// encode writes everything of a line that the writer does not add. The body is
// encoded once, straight into the buffer.
func (s salted) encode(ctx context.Context, b *bytes.Buffer, enc *json.Encoder, e Event) error {
	var salt [saltBytes]byte
	if _, err := io.ReadFull(s.rand, salt[:]); err != nil {
		return fault.Wrap(fault.Unavailable, "", "no randomness for the trace", err)
	}
	b.Reset()
	b.WriteString(`,"salt":"`)
	b.Write(base64.RawURLEncoding.AppendEncode(b.AvailableBuffer(), salt[:]))
	b.WriteString(s.about)
	b.WriteString(e.event())
	o := OriginOf(ctx)
	b.WriteString(`","origin":{"request":`)
	writeQuoted(b, o.RequestID)
	b.WriteString(`,"address":`)
	writeQuoted(b, o.Address)
	b.WriteString(`,"device":`)
	writeQuoted(b, o.DeviceClass)
	b.WriteString(`},"body":`)
	if err := enc.Encode(e); err != nil {
		return fault.Wrap(fault.Internal, "", "event cannot be encoded", err)
	}
	b.Truncate(b.Len() - 1) // the encoder's line break
	b.WriteByte('}')
	if b.Len() > maxLine {
		return fault.New(fault.Invalid, "", "trace is too long")
	}
	return nil
}

// maxOrigin bounds each part of the origin: request ids may come from outside.
const maxOrigin = 128

// writeQuoted writes a JSON string, without reflection where nothing has to be escaped.
func writeQuoted(b *bytes.Buffer, s string) {
	if len(s) > maxOrigin {
		s = s[:maxOrigin]
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			b.WriteString(quoted(s))
			return
		}
	}
	b.WriteByte('"')
	b.WriteString(s)
	b.WriteByte('"')
}

func quoted(s string) string {
	q, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always has a JSON form
	}
	return string(q)
}

// appendLine completes a record with what only the writer knows.
func appendLine(dst []byte, n uint64, at time.Time, rest []byte) []byte {
	dst = append(dst, `{"n":`...)
	dst = strconv.AppendUint(dst, n, 10)
	dst = append(dst, `,"time":"`...)
	dst = at.UTC().AppendFormat(dst, timeForm)
	dst = append(dst, '"')
	dst = append(dst, rest...)
	return append(dst, '\n')
}

// hash is what the tree holds of a line.
type hash [sha256.Size]byte

// readLine takes number and salt out of a line (without its line break) and
// gives its entry in the tree. ok is false if the line is not of our shape.
func readLine(line []byte) (n uint64, entry hash, ok bool) {
	n, rest, ok := readNumber(line)
	if !ok {
		return 0, hash{}, false
	}
	rest, ok = bytes.CutPrefix(rest, []byte(`,"time":"`))
	if !ok || len(rest) < len(timeForm) {
		return 0, hash{}, false
	}
	rest, ok = bytes.CutPrefix(rest[len(timeForm):], []byte(`","salt":"`))
	if !ok || len(rest) < saltText {
		return 0, hash{}, false
	}
	var salt [saltBytes]byte
	if _, err := base64.RawURLEncoding.Decode(salt[:], rest[:saltText]); err != nil {
		return 0, hash{}, false
	}
	h := sha256.New()
	h.Write(salt[:])
	h.Write(line)
	h.Sum(entry[:0])
	return n, entry, true
}

func readNumber(line []byte) (n uint64, rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(line, []byte(`{"n":`))
	if !ok {
		return 0, nil, false
	}
	end := bytes.IndexByte(rest, ',')
	if end < 1 || end > 20 {
		return 0, nil, false
	}
	n, err := strconv.ParseUint(string(rest[:end]), 10, 64)
	return n, rest[end:], err == nil
}
