package softcard

import "slices"

// model is all that differs between the cards.
type model struct {
	atr                       []byte
	t0                        bool
	noPIN                     bool
	class                     func(cla byte) bool
	commands                  map[byte]func(*Emulator, command) ([]byte, uint16)
	authentication, signature byte // key references
	tree                      func(contents) *file
}

// models gives each model by the name that card files use.
func models() map[string]*model {
	common := map[byte]func(*Emulator, command) ([]byte, uint16){
		insSelect: selectFile, insReadBinary: readBinary, insVerify: verify,
	}
	with := func(more map[byte]func(*Emulator, command) ([]byte, uint16)) map[byte]func(*Emulator, command) ([]byte, uint16) {
		all := map[byte]func(*Emulator, command) ([]byte, uint16){}
		for ins, run := range common {
			all[ins] = run
		}
		for ins, run := range more {
			all[ins] = run
		}
		return all
	}
	return map[string]*model{
		// CPS3 in contact mode: T=0, class 00 [C CL, OSC, PL; T=0 RUN].
		"cps3": {
			atr: []byte{0x3b, 0xac, 0x00, 0x40, 0x2a, 0x00, 0x12, 0x25, 0x00, 0x64, 0x80, 0x00, 0x03, 0x10, 0x00, 0x90, 0x00},
			t0:  true, class: func(cla byte) bool { return cla&^chaining == 0x00 },
			commands: with(map[byte]func(*Emulator, command) ([]byte, uint16){
				insUnblock: unblock, insGetData: getData, insMSE: setEnvironment, insInternalAuth: internalAuthenticate, insPSO: operate,
			}),
			authentication: 0x82, signature: 0x81,
			tree: func(c contents) *file { return contactTree(c, "CPS3v3", 0x82, 0x81) },
		},
		// CPS3 contactless: no PIN, one technical key, no signature [C].
		"cps3-contactless": {
			atr:   []byte{0x3b, 0x8f, 0x80, 0x01, 0x00, 0x31, 0xb8, 0x64, 0x04, 0xb0, 0xec, 0xc1, 0x73, 0x94, 0x01, 0x80, 0x82, 0x90, 0x00, 0x0e},
			class: func(cla byte) bool { return cla&^chaining == 0x00 }, noPIN: true,
			commands:       common,
			authentication: 0x82, signature: 0x81,
			tree: contactlessTree,
		},
		// CPS4: T=1, logical channel 1, raw RSA [C CL card-cps4.c].
		"cps4": {
			atr:   []byte{0x3b, 0x9b, 0x18, 0x80, 0x01, 0x00, 0x12, 0x25, 0x00, 0x64, 0x80, 0x04, 0x01, 0x00, 0x00, 0x90, 0x44},
			class: func(cla byte) bool { return cla&^chaining == 0x01 },
			commands: with(map[byte]func(*Emulator, command) ([]byte, uint16){
				insMSE: setEnvironmentCPS4, insPSO: operateCPS4, // its way to unblock is [U]
			}),
			authentication: 0x20, signature: 0x10, // [C CL tests]
			tree: func(c contents) *file { return contactTree(c, "CPS4v1", 0x20, 0x10) },
		},
	}
}

// rootAID names the card as a whole: in EF.ATR, and the ChipDoc application of CPS4 [C].
var rootAID = []byte{0x80, 0x25, 0x00, 0x00, 0x01, 0xff, 0x01, 0x00}

func contactTree(c contents, token string, authentication, signature byte) *file {
	return folder(idRoot, rootAID,
		elementary(0x2f00, applications()), elementary(0x2f01, efATR()), elementary(0xd003, serialNumber(c.number)).named(0x1c),
		application(c, token, authentication, signature),
	)
}

// contactlessTree has its application under another name, without PIN or keys of
// a person; the file that tells the contact mode is there and cannot be read.
func contactlessTree(c contents) *file {
	aid := append(slices.Clone(applicationAID[:len(applicationAID)-1]), 0x20)
	return folder(idRoot, rootAID,
		elementary(0x2f01, efATR()), elementary(0xd003, serialNumber(c.number)).named(0x1c),
		folder(0x0001, aid,
			elementary(idPINs, nil).readBy(never), elementary(idAuthentication, c.authentication)),
	)
}

// applications is EF.DIR [C OSC#2223]: the one application, its label and path.
func applications() []byte {
	return tlv(0x61, tlv(0x4f, applicationAID), tlv(0x50, []byte("IAS CPS")), tlv(0x51, []byte{0x3f, 0x00, 0x00, 0x01}))
}

// efATR is EF.ATR of a real card, 57 bytes with a stray 80 first [C OSC#2220]:
// services, pre-issuing data, capabilities, the card's name, sizes of its
// buffers (commands 260, answers 256), an object identifier.
func efATR() []byte {
	command, answer := tlv(tagInteger, []byte{0x01, 0x04}), tlv(tagInteger, []byte{0x01, 0x00})
	return slices.Concat(
		[]byte{0x80}, tlv(0x43, []byte{0xb8}), tlv(0x46, []byte{0x04, 0xb0, 0xec, 0xc1}), tlv(0x47, []byte{0x94, 0x01, 0x80}),
		tlv(0x4f, rootAID), tlv(0xe0, command, command, answer, answer),
		tlv(0x78, tlv(0x06, []byte{0x2b, 0x81, 0x22, 0xf8, 0x78, 0x02})), tlv(0x82, []byte{0x90, 0x00}),
	)
}

// serialNumber is EF.SN.ICC: issuer, five bytes of number, check digit and
// padding. Ten digits do not fit before a check digit; how real cards fold
// theirs is [U], so the certificate alone is believed.
func serialNumber(number string) []byte {
	b := []byte{0x5a, 0x0a, 0x80, 0x25, 0x00, 0x00, 0x01}
	for tail := number[2:]; len(tail) > 0; tail = tail[2:] {
		b = append(b, (tail[0]-'0')<<4|(tail[1]-'0'))
	}
	return append(b, 0x0f)
}
