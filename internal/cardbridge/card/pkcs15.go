package card

import (
	"bytes"
	"slices"
	"strings"
)

// What a login needs of the directories of ISO 7816-15. Of the quirks of real
// cards, bit strings are encoded laxly and keys name no algorithm [C OSC#2217,
// #2267]; nothing here depends on either.

// folderOf finds an application's folder in EF.DIR: 61 { 4F name, 51 path }.
func folderOf(directory, aid []byte) ([]byte, bool) {
	for _, application := range list(directory) {
		name, _ := application.first(0x4f)
		path, _ := application.first(0x51)
		if application.tag == 0x61 && bytes.Equal(name, aid) && isPath(path) {
			return path, true
		}
	}
	return nil, false
}

// privateKey is an object of the directory of private keys.
type privateKey struct {
	label     string
	id        []byte // shared with its certificate
	guard     []byte // identifier of the PIN before it
	usage     []byte // bit string without its head
	reference byte   // 0 when the card does not tell
}

// authenticationKey finds the key for logins: by its label [C CL], else by its
// identifier, else by its usage [C OSC#2267].
func authenticationKey(directory []byte) (privateKey, bool) {
	var keys []privateKey
	for _, o := range list(directory) {
		if k, ok := readKey(o); ok {
			keys = append(keys, k)
		}
	}
	identifier := append(slices.Clone(aidContact), 0x02)
	for _, fits := range []func(privateKey) bool{
		func(k privateKey) bool { return forAuthentication(k.label) },
		func(k privateKey) bool { return bytes.Equal(k.id, identifier) },
		privateKey.signsLogins,
	} {
		if i := slices.IndexFunc(keys, fits); i >= 0 {
			return keys[i], true
		}
	}
	return privateKey{}, false
}

// readKey reads SEQUENCE { common attributes, key attributes, ... }.
func readKey(o object) (privateKey, bool) {
	parts := o.children()
	if len(parts) < 2 {
		return privateKey{}, false
	}
	var k privateKey
	label, _ := parts[0].first(tagUTF8)
	k.label = string(label)
	k.guard, _ = parts[0].first(tagOctets)
	k.id, _ = parts[1].first(tagOctets)
	if usage, ok := parts[1].first(tagBits); ok && len(usage) > 1 {
		k.usage = usage[1:]
	}
	if n, ok := parts[1].last(tagInteger); ok {
		k.reference, _ = small(n)
	}
	return k, true
}

// signsLogins reads the usage: sign, without nonRepudiation, which is the other
// key's; the technical key of the contactless side is told by its label.
func (k privateKey) signsLogins() bool {
	const sign, nonRepudiation = 0x20, 0x40
	return len(k.usage) > 0 && k.usage[0]&sign != 0 && (len(k.usage) < 2 || k.usage[1]&nonRepudiation == 0) && !technical(k.label)
}

// forAuthentication tells the labels of PKCS#11 [C CL]: CPS_PRIV_AUT and
// "Certificat d'Authentification CPS"; never CPS_PRIV_TECH_AUT.
func forAuthentication(label string) bool {
	return strings.Contains(strings.ToUpper(label), "AUT") && !technical(label)
}

func technical(label string) bool { return strings.Contains(strings.ToUpper(label), "TECH") }

// certificateOf finds the certificate of a key by their common identifier, else
// by its label.
func certificateOf(directory, id []byte) ([]byte, bool) {
	byID := func(label string, own []byte) bool { return len(id) > 0 && bytes.Equal(own, id) }
	byLabel := func(label string, own []byte) bool { return forAuthentication(label) }
	for _, fits := range []func(string, []byte) bool{byID, byLabel} {
		for _, c := range list(directory) {
			parts := c.children()
			if len(parts) < 3 {
				continue
			}
			label, _ := parts[0].first(tagUTF8)
			own, _ := parts[1].first(tagOctets)
			if !fits(string(label), own) {
				continue
			}
			const deepest = 3
			if path, ok := parts[len(parts)-1].pathIn(deepest); ok {
				return path, true
			}
		}
	}
	return nil, false
}

// pinRules is what the card tells about its PIN.
type pinRules struct {
	reference         byte
	shortest, longest int
}

// unknownPIN stands where the card does not tell: reference 01 [C OSC#2275], and
// the lengths of cps-card.md section 3.
var unknownPIN = pinRules{reference: 0x01, shortest: 4, longest: 8}

// pinOf finds the PIN that guards a key; never another one, such as the unblock
// code, whose tries a wrong reference would use up.
func pinOf(directory, guard []byte) pinRules {
	for _, o := range list(directory) {
		parts := o.children()
		if len(parts) < 3 {
			continue
		}
		own, _ := parts[1].first(tagOctets)
		if len(guard) > 0 && !bytes.Equal(own, guard) {
			continue
		}
		if attributes, ok := parts[len(parts)-1].first(tagSequence); ok {
			return readPIN(attributes)
		}
	}
	return unknownPIN
}

// readPIN takes the lengths, which are the integers of the attributes: minimum,
// stored, and maximum if given; and the reference, [0].
func readPIN(attributes []byte) pinRules {
	const most = 16
	rules := unknownPIN
	var lengths []int
	for _, a := range list(attributes) {
		n, ok := small(a.value)
		switch {
		case ok && a.tag == tagInteger:
			lengths = append(lengths, int(n))
		case ok && a.tag == 0x80 && n > 0:
			rules.reference = n
		}
	}
	if len(lengths) >= 2 {
		shortest, longest := lengths[0], lengths[len(lengths)-1]
		if shortest > 0 && shortest <= longest && longest <= most {
			rules.shortest, rules.longest = shortest, longest
		}
	}
	return rules
}
