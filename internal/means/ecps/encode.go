package ecps

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/egide-id/egide/internal/platform/fault"
)

func malformed(why string) error { return fault.New(fault.Invalid, CodeMalformed, why) }

// encode gives the one accepted JSON form of a message: members in the order of
// the specification, no spaces, only the escapes that JSON demands.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fault.Wrap(fault.Internal, "", "message cannot be encoded", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode reads a message and refuses every form of it but the one encode gives.
// Two readers that disagree about a doubled member, a member in other letters
// or trailing data are how signed JSON is attacked; comparing bytes closes all
// of these at once.
func Decode[T any](b []byte) (T, error) {
	var v, zero T
	if len(b) > MaxMessage {
		return zero, malformed("message is too long")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return zero, fault.Wrap(fault.Invalid, CodeMalformed, "message is not the JSON we expect", err)
	}
	again, err := encode(v)
	if err != nil {
		return zero, err
	}
	if !bytes.Equal(again, b) {
		return zero, malformed("message is not in canonical form")
	}
	return v, nil
}

// Encode gives the canonical form of a message.
func Encode(v any) ([]byte, error) { return encode(v) }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// unb64 reads exactly size bytes of strict base64url without padding.
func unb64(s string, size int) ([]byte, error) {
	if len(s) != base64.RawURLEncoding.EncodedLen(size) {
		return nil, malformed("a binary field has a wrong length")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != size {
		return nil, malformed("a binary field is not strict base64url")
	}
	return b, nil
}

// NewSecret draws 256 random bits in base64url: transactions, ratchets, codes.
func NewSecret(rand io.Reader) (string, error) { return draw(rand, 32) }

// NewID draws 128 random bits in base64url: names that must be unique.
func NewID(rand io.Reader) (string, error) { return draw(rand, 16) }

func draw(rand io.Reader, size int) (string, error) {
	b := make([]byte, size)
	if _, err := io.ReadFull(rand, b); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	return b64(b), nil
}

// Hash is SHA-256 in base64url, for values that are stored to be compared only.
func Hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return b64(h[:])
}

// BodyHash is the bh member of a call: SHA-256 of the body, empty or not.
func BodyHash(body []byte) string {
	h := sha256.Sum256(body)
	return b64(h[:])
}

// digest hashes a label and fields, each preceded by its length, so that no two
// lists of fields give the same bytes (a shorter issuer cannot borrow the first
// letters of the device).
func digest(label string, fields ...string) []byte {
	h := sha256.New()
	var size [4]byte
	for _, f := range append([]string{label}, fields...) {
		binary.BigEndian.PutUint32(size[:], uint32(len(f))) //nolint:gosec // fields are at most MaxMessage long
		h.Write(size[:])
		h.Write([]byte(f))
	}
	return h.Sum(nil)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// text accepts what a phone can show without being misled: letters, marks,
// signs and spaces, no line breaks, no characters that turn the direction of
// writing (Unicode TR 36).
func text(s string, least int) bool {
	if len(s) < least || len(s) > maxText || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsGraphic(r) {
			return false
		}
	}
	return true
}

// Showable makes a name fit to be shown and signed: what text would refuse is
// left out, and the end of what is too long.
func Showable(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "") {
		if unicode.IsGraphic(r) && b.Len()+utf8.RuneLen(r) <= maxText {
			b.WriteRune(r)
		}
	}
	return b.String()
}
