package card_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// What real cards do, or might: all of it ends in the same login (cps-card.md
// section 2; [C OSC#2217, #2267] for lax bit strings and missing algorithms).
func TestLaxEncodings(t *testing.T) {
	for name, change := range map[string]func(*plain){
		"bits with padding set":      func(p *plain) { p.files[fileKeys] = keyObject("CPS_PRIV_AUT", "02", "0367", "0082") },
		"bits without content":       func(p *plain) { p.files[fileKeys] = keyObject("CPS_PRIV_AUT", "02", "00", "0082") },
		"empty bits":                 func(p *plain) { p.files[fileKeys] = keyObject("CPS_PRIV_AUT", "02", "", "0082") },
		"a negative reference":       func(p *plain) { p.files[fileKeys] = keyObject("CPS_PRIV_AUT", "02", "0560", "82") },
		"no reference":               func(p *plain) { p.files[fileKeys] = keyObject("CPS_PRIV_AUT", "02", "0560", "") },
		"a reference that is none":   func(p *plain) { p.files[fileKeys] = keyObject("CPS_PRIV_AUT", "02", "0560", "01020304") },
		"no label, known identifier": func(p *plain) { p.files[fileKeys] = keyObject("", "02", "", "0082") },
		"no label, usage alone":      func(p *plain) { p.files[fileKeys] = unlabelled() },
		"certificate by label alone": func(p *plain) { p.files[fileKeys] = keyObject("CPS_PRIV_AUT", "07", "0560", "0082") },
		"no directory of keys":       func(p *plain) { delete(p.files, fileKeys) },
		"no directory of PINs":       func(p *plain) { delete(p.files, filePINs) },
		"no EF.DIR":                  func(p *plain) { delete(p.files, fileDIR) },
		"EF.DIR of another card":     func(p *plain) { p.files[fileDIR] = bytes.Repeat([]byte{0x5a}, 101) },
		"padding before and after":   func(p *plain) { p.files[fileODF] = slices.Concat(padding, p.files[fileODF], padding) },
		"relative paths":             func(p *plain) { p.files[fileODF] = relative() },
		"a path that is none": func(p *plain) {
			p.files[fileODF] = append(pointer(0xa0, strings.Repeat("5201", 140)), p.files[fileODF]...)
		},
		"certificate at a full chunk": func(p *plain) { p.files[fileAuth] = append(p.files[fileAuth], make([]byte, toChunk(p))...) },
		"a file that ends early":      func(p *plain) { p.before = warnAtEnd(p) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlain()
			change(p)
			_, signature, err := loginTo(t.Context(), p, "1234")
			must(t, err)
			if len(signature) != 256 {
				t.Errorf("%d bytes", len(signature))
			}
			if set, _ := p.find("002241A4"); !bytes.HasSuffix(set, unhex("800102 840182")) {
				t.Errorf("key %x", set)
			}
			if verify, n := p.find("00200001"); n != 1 || !bytes.Equal(verify, unhex("00200001 04 31323334")) {
				t.Errorf("%d PINs, first %x", n, verify)
			}
		})
	}
}

var padding = []byte{0x00, 0xff, 0xff, 0x00}

func unlabelled() []byte {
	return slices.Concat(
		keyObject("", "0A", "0600 40", "0081"), keyObject("CPS_PRIV_TECH", "0B", "0560", "0083"), keyObject("", "0C", "0560", "0082"),
	)
}

func relative() []byte {
	return slices.Concat(pointer(0xa0, "5201"), pointer(0xa4, "5202"), pointer(0xa8, "5204"))
}

// toChunk is what is missing to a whole number of reads.
func toChunk(p *plain) int { return 0xe7 - len(p.files[fileAuth])%0xe7 }

// warnAtEnd answers 6282 where the file is shorter than asked.
func warnAtEnd(p *plain) func([]byte) []byte {
	return func(c []byte) []byte {
		if c[1] != 0xb0 {
			return nil
		}
		answer := p.answer(c)
		if n := len(answer) - 2; n > 0 && n < int(c[4]) {
			return append(answer[:n], 0x62, 0x82)
		}
		return answer
	}
}

// Several directories of a kind are read, each as far as it can be.
func TestKeysInTwoDirectories(t *testing.T) {
	p := newPlain()
	p.files["3f0000015205"] = append(keyObject("CPS_PRIV_SIG", "01", "0600 40", "0081"), 0x30, 0x50) // a rest that is none
	p.files[fileODF] = append(pointer(0xa0, "5205"), p.files[fileODF]...)
	p.files[fileKeys] = keyObject("CPS_PRIV_AUT", "02", "0560", "0085")
	_, _, err := loginTo(t.Context(), p, "1234")
	must(t, err)
	if set, _ := p.find("002241A4"); !bytes.HasSuffix(set, unhex("840185")) {
		t.Errorf("key %x", set)
	}
}

// The application lies where EF.DIR says.
func TestApplicationElsewhere(t *testing.T) {
	p := newPlain()
	p.files[fileDIR] = tlv(0x61, tlv(0x4f, unhex(aid)), tlv(0x51, unhex("3F000007")))
	for path, b := range p.files {
		if strings.HasPrefix(path, "3f000001") {
			p.files["3f000007"+path[8:]] = b
			delete(p.files, path)
		}
	}
	p.files["3f0000075031"] = relative()
	p.files["3f0000075202"] = certObject("Certificat d'Authentification CPS", "02", "b001")
	_, _, err := loginTo(t.Context(), p, "1234")
	must(t, err)
}

// The lengths and the reference are those of the PIN that guards the key: the
// unblock code's tries are never touched.
func TestPINThatGuardsTheKey(t *testing.T) {
	for name, c := range map[string]struct {
		directory         []byte
		shortest, longest int
		reference         byte
	}{
		"as it should be":    {pinObject("01", "020104 020108 020106", "800101"), 4, 6, 0x01},
		"unblock code first": {append(pinObject("02", "020108 020108", "800102"), pinObject("01", "020105 020106", "800103")...), 5, 6, 0x03},
		"lengths that lie":   {pinObject("01", "020109 020101", "800101"), 4, 8, 0x01},
		"endless lengths":    {pinObject("01", "020100 02017F", ""), 4, 8, 0x01},
		"huge integers":      {pinObject("01", "0208FFFFFFFFFFFFFFFF 020108", ""), 4, 8, 0x01},
		"only another's":     {pinObject("02", "020108 020108", "800102"), 4, 8, 0x01},
		"noise":              {[]byte{0x30, 0x82, 0xff, 0xff, 0x30}, 4, 8, 0x01},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlain()
			p.files[filePINs] = c.directory
			s, err := card.Open(t.Context(), p)
			must(t, err)
			shortest, longest := s.Digits()
			must(t, s.Verify(t.Context(), bytes.Repeat([]byte{'1'}, c.longest)))
			verify, _ := p.find("0020")
			if shortest != c.shortest || longest != c.longest || verify[3] != c.reference {
				t.Errorf("%d to %d, reference %02x", shortest, longest, verify[3])
			}
		})
	}
}

// Cards that are none of ours, or have nothing to log in with.
func TestCardWithoutWhatALoginNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*plain)
		code   string
	}{
		"another issuer":     {func(p *plain) { p.files[fileSerial] = unhex("5A0A8025000002992138450F") }, cps.CodeCardUnknown},
		"no serial number":   {func(p *plain) { delete(p.files, fileSerial) }, cps.CodeCardUnknown},
		"no directory":       {func(p *plain) { delete(p.files, fileODF) }, cps.CodeCardUnknown},
		"no certificate":     {func(p *plain) { p.files[fileCertificates] = nil; delete(p.files, fileCertificates) }, cps.CodeCardUnknown},
		"signature only":     {func(p *plain) { p.files[fileCertificates] = certObject("Certificat de Signature CPS", "01", "b002") }, cps.CodeCardUnknown},
		"technical only":     {func(p *plain) { technical(p) }, cps.CodeCardUnknown},
		"certificate absent": {func(p *plain) { delete(p.files, fileAuth) }, cps.CodeCardError},
		"certificate noise":  {func(p *plain) { p.files[fileAuth] = bytes.Repeat([]byte{0x30}, 900) }, cps.CodeCardError},
		"no application":     {func(p *plain) { p.before = without(aid, "E828BD080F8025000001FF0020") }, cps.CodeCardUnknown},
		"contactless only":   {func(p *plain) { p.before = without(aid) }, cps.CodeContactless},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlain()
			c.change(p)
			if _, _, err := loginTo(t.Context(), p, "1234"); fault.CodeOf(err) != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
			if _, n := p.find("0020"); n != 0 {
				t.Error("its PIN was sent")
			}
		})
	}
}

func technical(p *plain) {
	p.files[fileKeys] = keyObject("CPS_PRIV_TECH_AUT", "03", "0560", "0082")
	p.files[fileCertificates] = certObject("Certificat Technique CPS", "03", fileAuth)
}

// without is a card that lacks applications.
func without(names ...string) func([]byte) []byte {
	return func(c []byte) []byte {
		for _, name := range names {
			if c[1] == 0xa4 && c[2] == 0x04 && bytes.Equal(c[5:], unhex(name)) {
				return unhex("6A82")
			}
		}
		return nil
	}
}

func FuzzPKCS15(f *testing.F) {
	p := newPlain()
	f.Add(p.files[fileODF], p.files[fileKeys], p.files[fileCertificates], p.files[filePINs])
	f.Add(relative(), unlabelled(), bytes.Repeat([]byte{0x30, 0x80}, 40), []byte{0x30, 0x82, 0xff, 0xff})
	f.Add(bytes.Repeat(pointer(0xa0, "5201"), 30), bytes.Repeat([]byte{0x30, 0x02, 0x30, 0x00}, 99), []byte{}, []byte{0x1f, 0x81, 0x82})
	f.Fuzz(func(t *testing.T, odf, keys, certificates, pins []byte) {
		p := newPlain()
		p.files[fileODF], p.files[fileKeys], p.files[fileCertificates], p.files[filePINs] = odf, keys, certificates, pins
		s, err := card.Open(t.Context(), p)
		if err != nil {
			return
		}
		if shortest, longest := s.Digits(); shortest < 1 || longest < shortest || longest > 16 {
			t.Errorf("a PIN of %d to %d digits", shortest, longest)
		}
		if _, err := s.Certificate(t.Context()); err == nil {
			if _, err := s.Sign(t.Context(), cps.DigestInfo([]byte("message"))); err != nil {
				t.Logf("no login: %v", err)
			}
		}
		for _, c := range p.sent {
			if len(c) > 261 || len(c) > 5 && int(c[4]) != len(c)-5 && int(c[4]) != len(c)-6 {
				t.Errorf("a malformed command: %x", c)
			}
		}
	})
}
