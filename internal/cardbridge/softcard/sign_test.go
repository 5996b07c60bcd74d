package softcard_test

import (
	"crypto"
	"crypto/rsa"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
)

// A key is for one operation: neither does the other's work, and none works
// without the PIN.
func TestKeysKeepToTheirOperation(t *testing.T) {
	digest := make([]byte, 32)
	for name, c := range map[string]struct {
		model, mse, use string
		data            []byte
		want            uint16
	}{
		"signature key logs in":           {"cps3", "0022 41a4 06 800102 840181", "00880000", digest, 0x6985},
		"authentication key signs":        {"cps3", "0022 41b6 06 800142 840182", "002a9e9a", digest, 0x6985},
		"login key deciphers by login":    {"cps3", "0022 41b8 06 80011a 840182", "00880000", digest, 0x6985},
		"login with a signing algorithm":  {"cps3", "0022 41a4 06 800142 840182", "00880000", digest, 0x6985},
		"more than a DigestInfo":          {"cps3", "0022 41a4 06 800102 840182", "00880000", make([]byte, 103), 0x6700},
		"a hash of another length":        {"cps3", "0022 41b6 06 800142 840181", "002a9e9a", digest[:20], 0x6a80},
		"no key at all":                   {"cps3", "0022 41a4 03 800102", "00880000", digest, 0x6985},
		"decipherment without indicator":  {"cps3", "0022 41b8 06 80011a 840182", "002a8086", digest, 0x6a80},
		"signature key of CPS4, raw":      {"cps4", "0122 41b8 03 830110", "012a8086", digest, 0x6985},
		"authentication key of CPS4, CDS": {"cps4", "0122 81b6 04 910228a0", "012a9e9a", digest, 0x6985},
		"a raw block of another length":   {"cps4", "0122 41b8 03 830120", "012a8086", digest, 0x6700},
		"an algorithm CPS4 does not have": {"cps4", "0122 81b6 04 9102ff90", "012a9e9a", digest, 0x6985},
	} {
		t.Run(name, func(t *testing.T) {
			e := newCard(t, c.model, softcard.Options{})
			expect(t, e, 0x9000, c.mse)
			expect(t, e, 0x6982, c.use, c.data...) // whatever else is wrong: first the PIN
			expect(t, e, 0x9000, c.mse[:2]+verifyPIN[2:])
			expect(t, e, c.want, c.use, c.data...)
		})
	}
}

func TestUnknownKeysAndTemplatesAreRefused(t *testing.T) {
	e := newCard(t, "cps3", softcard.Options{})
	for command, want := range map[string]uint16{
		"0022 41a4 06 800102 840199": 0x6a88, "0022 41a4 06 840182 800102": 0x9000, // either order [C]
		"0022 41a5 06 800102 840182": 0x6a86, "0022 81a4 06 800102 840182": 0x6a86,
		"0022 41a4 03 990102": 0x6a80, "0022 41a4 02 8001": 0x6a80, "0022 41a4 04 80020202": 0x6a80,
	} {
		expect(t, e, want, command)
	}
	expect(t, newCard(t, "cps4", softcard.Options{}), 0x6a80, "0122 41b8 06 800102 840120")
}

// Another program's command in the middle of a chain must not be filled with
// what the first has begun.
func TestForeignCommandInAChain(t *testing.T) {
	e := newCard(t, "cps3", softcard.Options{})
	expect(t, e, 0x9000, "102a8086", 0x81, 0x31)
	expect(t, e, 0x6883, verifyPIN)
	expect(t, e, 0x63c3, "00200001") // it cost no try
	expect(t, e, 0x9000, "102a8086", make([]byte, 255)...)
	expect(t, e, 0x9000, "102a8086", make([]byte, 255)...)
	expect(t, e, 0x6700, "102a8086", make([]byte, 255)...) // chains end somewhere
	expect(t, e, 0x9000, verifyPIN)
}

// The whole signature of a message of any length, its last round done by the
// card, is the one that software verifies.
func TestLastRoundOfTheHash(t *testing.T) {
	cert := certificateOf(t, signature)
	for name, c := range map[string]struct {
		hash         crypto.Hash
		prepare, key string
	}{
		"SHA-256": {crypto.SHA256, "0022 41aa 03 800140", "0022 41b6 06 800142 840181"},
		"SHA-1":   {crypto.SHA1, "0022 41aa 03 800110", "0022 41b6 06 800112 840181"},
	} {
		for _, n := range []int{1, 20, 64, 65, 128, 1000} {
			e := newCard(t, "cps3", softcard.Options{})
			message := []byte(strings.Repeat("m", n))
			expect(t, e, 0x9000, verifyPIN)
			expect(t, e, 0x9000, c.key)
			expect(t, e, 0x9000, c.prepare)
			expect(t, e, 0x9000, "002a90a0", rounds(t, c.hash, message)...)
			signed := fetch(t, e, "002a9e9a00")
			h := c.hash.New()
			h.Write(message)
			if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), c.hash, h.Sum(nil), signed); err != nil {
				t.Errorf("%s of %d bytes: %v", name, n, err)
			}
			expect(t, e, 0x6a80, "002a9e9a00") // once
		}
	}
}

// rounds computes all but the last block, as the Cryptolib does, and writes the
// data of PSO HASH.
func rounds(t *testing.T, hash crypto.Hash, message []byte) []byte {
	t.Helper()
	done := (len(message) - 1) / 64 * 64
	if done == 0 {
		return slices.Concat([]byte{0x90, 0x00, 0x80, byte(len(message))}, message)
	}
	h := hash.New()
	h.Write(message[:done])
	form, err := h.(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
	must(t, err)
	state := form[4 : 4+h.Size()] // after Go's mark
	first := append(state, binary.BigEndian.AppendUint64(nil, uint64(len(message))*8)...)
	last := message[done:]
	return slices.Concat([]byte{0x90, byte(len(first))}, first, []byte{0x80, byte(len(last))}, last)
}

func TestMalformedLastRoundIsRefused(t *testing.T) {
	e := newCard(t, "cps3", softcard.Options{})
	expect(t, e, 0x6985, "002a90a0", 0x90, 0, 0x80, 0) // no algorithm yet
	expect(t, e, 0x9000, "0022 41aa 03 800140")
	short := append([]byte{0x90, 40}, make([]byte, 40)...)
	for name, data := range map[string][]byte{
		"no block": {0x90, 0}, "state too short": {0x90, 2, 1, 1, 0x80, 1, 1}, "other tag": {0x91, 0, 0x80, 1, 1},
		"block too long": append([]byte{0x90, 0, 0x80, 65}, make([]byte, 65)...), "block cut": {0x90, 0, 0x80, 9, 1},
		"count below the block": append(short, 0x80, 1, 1),
	} {
		if _, sw := ask(t, e, "002a90a0", data...); sw != 0x6a80 {
			t.Errorf("%s answered %04X", name, sw)
		}
	}
}

// Decipherment of CPS3, in two commands, gives back what was encrypted.
func TestDecipherment(t *testing.T) {
	key := certificateOf(t, authentication).PublicKey.(*rsa.PublicKey)
	block, err := rsa.EncryptPKCS1v15(random{}, key, []byte("session key")) //nolint:staticcheck // the card's own operation
	must(t, err)
	e := newCard(t, "cps3", softcard.Options{})
	expect(t, e, 0x9000, verifyPIN)
	expect(t, e, 0x9000, "0022 41b8 06 80011a 840182")
	data := append([]byte{0x81}, block...)
	expect(t, e, 0x9000, "102a8086", data[:200]...)
	if got := fetch(t, e, "002a8086", data[200:]...); string(got) != "session key" {
		t.Errorf("%q", got)
	}
}

// random is enough for padding that only has to be without zeros.
type random struct{}

func (random) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 0x5a
	}
	return len(b), nil
}

// Both cards log in with the same signature: CPS3 pads, CPS4 is given the block.
func TestSameSignatureFromBothCards(t *testing.T) {
	info := cps.DigestInfo([]byte("message"))
	a := newCard(t, "cps3", softcard.Options{})
	expect(t, a, 0x9000, verifyPIN)
	expect(t, a, 0x9000, "0022 41a4 06 800102 840182")
	first := fetch(t, a, "00880000", info...)

	b := newCard(t, "cps4", softcard.Options{})
	block := slices.Concat([]byte{0, 1}, []byte(strings.Repeat("\xff", 256-3-len(info))), []byte{0}, info)
	expect(t, b, 0x9000, "01"+verifyPIN[2:])
	expect(t, b, 0x9000, "0122 41b8 03 830120")
	expect(t, b, 0x9000, "112a8086", block[:240]...)
	second := fetch(t, b, "012a8086", block[240:]...)
	if !slices.Equal(first, second) {
		t.Error("the cards sign differently")
	}
}

// A block that is no number below the modulus, and one that was never
// encrypted, are data the keys refuse.
func TestBlocksThatKeysRefuse(t *testing.T) {
	large := []byte(strings.Repeat("\xff", 256))
	b := newCard(t, "cps4", softcard.Options{})
	expect(t, b, 0x9000, "01"+verifyPIN[2:])
	expect(t, b, 0x9000, "0122 41b8 03 830120")
	expect(t, b, 0x9000, "112a8086", large[:200]...)
	expect(t, b, 0x6a80, "012a8086", large[200:]...)
	expect(t, b, 0x9000, "0122 81b6 04 91022890")
	expect(t, b, 0x6a80, "012a9e9a", 1, 2, 3)

	a := newCard(t, "cps3", softcard.Options{})
	expect(t, a, 0x9000, verifyPIN)
	expect(t, a, 0x9000, "0022 41b8 06 80011a 840182")
	expect(t, a, 0x9000, "102a8086", append([]byte{0x81}, make([]byte, 200)...)...)
	expect(t, a, 0x6a80, "002a8086", make([]byte, 56)...)
}

// BenchmarkLogin is the card's share of a login on CPS3: PIN, key, signature.
func BenchmarkLogin(b *testing.B) {
	e := newCard(b, "cps3", softcard.Options{})
	info := cps.DigestInfo([]byte("message"))
	for b.Loop() {
		expect(b, e, 0x9000, verifyPIN)
		expect(b, e, 0x9000, "0022 41a4 06 800102 840182")
		fetch(b, e, "00880000", info...)
	}
}
