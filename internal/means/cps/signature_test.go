package cps

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// bench is one card before one verifier.
type bench struct {
	*Verifier
	revocation *standing
	der        []byte
	other      []byte // a second certificate for the same key
}

func newBench(t testing.TB) bench {
	t.Helper()
	fort, s := newBranch(t, igc.Fort, "FORT", true), &standing{}
	second := cardOf(t, igc.CPS, "899700218897", true)
	second.SerialNumber = big.NewInt(0x4343)
	return bench{
		newVerifier(t, TrustOptions{}, s, fort), s,
		certified(t, cardOf(t, igc.CPS, holder, true), keys().card.Public(), fort.issuer).Raw,
		certified(t, second, keys().card.Public(), fort.issuer).Raw,
	}
}

// Signatures that the key of the card, or somebody else's, may well have made.
func TestSignatureAttacks(t *testing.T) {
	b := newBench(t)
	k := keys()
	message := messageOf(origin, asked, b.der)
	sum := sha256.Sum256(message)
	pkcs1 := func(hash crypto.Hash, digest []byte) []byte {
		s, err := rsa.SignPKCS1v15(nil, k.card, hash, digest)
		must(t, err)
		return s
	}
	pss, err := rsa.SignPSS(rand.Reader, k.card, crypto.SHA256, sum[:], nil)
	must(t, err)
	short, long := sha1.Sum(message), sha512.Sum512(message)
	good := signed(t, k.card, message)
	// RFC 8446 4.4.3 and RFC 5246 7.4.8: what a TLS server can have signed, with
	// our whole message as the part that it chooses.
	tls13 := append([]byte(strings.Repeat(" ", 64)+"TLS 1.3, client CertificateVerify\x00"), sum[:]...)
	tls12 := append([]byte{1, 0, 0, 107}, message...)
	over := new(big.Int).Add(new(big.Int).SetBytes(good), k.card.N).FillBytes(make([]byte, 257))
	for name, signature := range map[string][]byte{
		"for another origin":            signed(t, k.card, messageOf("https://login.exarnple", asked, b.der)),
		"for the origin with a slash":   signed(t, k.card, messageOf(origin+"/", asked, b.der)),
		"for another login":             signed(t, k.card, messageOf(origin, Digest("the token of another login"), b.der)),
		"with the other certificate":    signed(t, k.card, messageOf(origin, asked, b.other)),
		"by another card":               signed(t, k.other, message),
		"TLS 1.2 client authentication": signed(t, k.card, tls12),
		"TLS 1.3 client authentication": signed(t, k.card, tls13),
		"of another protocol version":   signed(t, k.card, append([]byte("cps-auth:2"), message[len(Protocol):]...)),
		"of the message without tag":    signed(t, k.card, message[len(Protocol)+1:]),
		"of the hash of the message":    signed(t, k.card, sum[:]),
		"of the hash as it is":          pkcs1(crypto.Hash(0), sum[:]),
		"of the token alone":            signed(t, k.card, []byte("the token of this login")),
		"PSS":                           pss,
		"SHA-1":                         pkcs1(crypto.SHA1, short[:]),
		"SHA-512":                       pkcs1(crypto.SHA512, long[:]),
		"hash cut short":                pkcs1(crypto.Hash(0), DigestInfo(message)[:50]),
		"cut short":                     good[:255],
		"zero before":                   append([]byte{0}, good...),
		"zero after":                    append(bytes.Clone(good), 0),
		"modulus added":                 over,
		"zero":                          make([]byte, 256),
		"one":                           append(make([]byte, 255), 1),
		"modulus":                       k.card.N.Bytes(),
		"another length":                make([]byte, 512),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := b.Judge(t.Context(), origin, asked, answer(t, b.der, signature))
			if fault.CodeOf(err) != CodeSignature || got.Check != 5 || got.Proven {
				t.Fatalf("got %v (check %d, proven %t)", err, got.Check, got.Proven)
			}
		})
	}
	if b.revocation.asked != 0 {
		t.Fatal("the authority was asked about a card that did not sign")
	}
}

// One key, two certificates: the one that was signed for logs in, no other.
func TestSwappedCertificate(t *testing.T) {
	b := newBench(t)
	_, err := b.Judge(t.Context(), origin, asked, answer(t, b.other, signed(t, keys().card, messageOf(origin, asked, b.der))))
	if fault.CodeOf(err) != CodeSignature {
		t.Fatal(err)
	}
}

// What the answer says of its origin decides nothing: the provider's own does.
func TestClaimedOriginIsNotBelieved(t *testing.T) {
	b := newBench(t)
	honest := bytes.Replace(login(t, b.der), []byte(origin), []byte("https://elsewhere.example"), 1)
	if _, err := b.Judge(t.Context(), origin, asked, honest); err != nil {
		t.Fatal(err)
	}
	relayed := signed(t, keys().card, messageOf("https://elsewhere.example", asked, b.der))
	if _, err := b.Judge(t.Context(), origin, asked, answer(t, b.der, relayed)); fault.CodeOf(err) != CodeSignature {
		t.Fatal(err)
	}
}

func TestAnswerOfOneLoginInAnother(t *testing.T) {
	b := newBench(t)
	body := login(t, b.der)
	if _, err := b.Judge(t.Context(), origin, Digest("the token of another login"), body); fault.CodeOf(err) != CodeSignature {
		t.Fatal(err)
	}
	if _, err := b.Judge(t.Context(), "https://other.example", asked, body); fault.CodeOf(err) != CodeSignature {
		t.Fatal(err)
	}
}

// Keys that anybody could factor, forge for or make us work for.
func TestWeakKeys(t *testing.T) {
	fort := newBranch(t, igc.Fort, "FORT", true)
	v := newVerifier(t, TrustOptions{}, &standing{}, fort)
	modulus := func(bits int, last uint) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return n.SetBit(n, 0, last)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	for name, key := range map[string]crypto.PublicKey{
		"RSA of 1024 bits":  &rsa.PublicKey{N: modulus(1024, 1), E: 65537},
		"RSA of 2047 bits":  &rsa.PublicKey{N: modulus(2047, 1), E: 65537},
		"RSA of 4097 bits":  &rsa.PublicKey{N: modulus(4097, 1), E: 65537},
		"RSA of 16384 bits": &rsa.PublicKey{N: modulus(16384, 1), E: 65537},
		"exponent 1":        &rsa.PublicKey{N: modulus(2048, 1), E: 1},
		"exponent 3":        &rsa.PublicKey{N: modulus(2048, 1), E: 3},
		"even exponent":     &rsa.PublicKey{N: modulus(2048, 1), E: 65538},
		"even modulus":      &rsa.PublicKey{N: modulus(2048, 0), E: 65537},
		"an elliptic curve": curve.Public(),
	} {
		t.Run(name, func(t *testing.T) {
			der := certified(t, cardOf(t, igc.CPS, holder, true), key, fort.issuer).Raw
			// With exponent 1 the padded block is its own signature.
			sum := DigestInfo(messageOf(origin, asked, der))
			block := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 256-3-len(sum))...)
			block = append(append(block, 0), sum...)
			got, err := v.Judge(t.Context(), origin, asked, answer(t, der, block))
			if fault.CodeOf(err) != CodeCertMalformed || got.Check != 3 {
				t.Fatalf("got %v (check %d)", err, got.Check)
			}
		})
	}
}

func TestMalformedCertificates(t *testing.T) {
	b := newBench(t)
	for name, der := range map[string][]byte{
		"something after it": append(bytes.Clone(b.der), 0),
		"cut short":          b.der[:len(b.der)-1],
		"not DER":            []byte("-----BEGIN CERTIFICATE-----"),
		"a key":              {0x30, 0},
		"as large as may be": append(bytes.Clone(b.der), make([]byte, MaxCertificate+1-len(b.der))...),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := b.Judge(t.Context(), origin, asked, login(t, der))
			if fault.CodeOf(err) != CodeCertMalformed || got.Check != 3 || got.Proven {
				t.Fatalf("got %v (check %d)", err, got.Check)
			}
		})
	}
	if _, err := b.Judge(t.Context(), origin, asked, login(t, altered(b.der))); fault.CodeOf(err) != CodeUntrusted {
		t.Fatalf("a certificate altered after it was signed: %v", err)
	}
}

// altered makes another holder of the one that the authority has signed.
func altered(der []byte) []byte {
	return bytes.ReplaceAll(der, []byte(holder), []byte("899700218897"))
}
