package card

import (
	"context"
	"crypto"
	"crypto/rsa"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// maxDigestInfo is the most that a card pads: 40 % of the modulus [I IAS-ECC].
const maxDigestInfo = 102

// Sign signs a DigestInfo of at most 102 bytes with the authentication key,
// after Certificate and Verify, and checks the signature before it gives it
// away: a card that signs wrong must not look like an attack.
// Errors: fault.Unavailable with CodeCardError; as Open.
func (s *Session) Sign(ctx context.Context, digestInfo []byte) ([]byte, error) {
	if s.public == nil {
		return nil, fault.New(fault.Internal, "", "card: the certificate is read before signing")
	}
	if len(digestInfo) == 0 || len(digestInfo) > maxDigestInfo {
		return nil, fault.New(fault.Internal, "", "card: no DigestInfo has this length")
	}
	signature, err := s.model.sign(ctx, s, digestInfo)
	if fault.Is(err, fault.Conflict) {
		return nil, disturbed(err)
	}
	if err != nil {
		return nil, err
	}
	if rsa.VerifyPKCS1v15(s.public, crypto.Hash(0), digestInfo, signature) != nil {
		return nil, faulty("its signature does not fit its certificate")
	}
	return signature, nil
}

func disturbed(err error) error {
	return fault.Wrap(fault.Unavailable, cps.CodeCardError, "another program disturbs the card", err)
}

// keyAsTold is CPS3: the directory tells the reference, 82 on every card seen [C OSC#2267].
func keyAsTold(told byte) byte {
	if told == 0 {
		return 0x82
	}
	return told
}

// keyOfCPS4 is always 20: the Cryptolib sends it whatever the directory says [C
// CL card-cps4.c]; what that says is [U].
func keyOfCPS4(byte) byte { return 0x20 }

// signByAuthentication is CPS3: INTERNAL AUTHENTICATE, which pads by itself [C CL].
func signByAuthentication(ctx context.Context, s *Session, digestInfo []byte) ([]byte, error) {
	const clientAuthentication = 0x02
	set := []byte{0x80, 0x01, clientAuthentication, 0x84, 0x01, s.objects.key}
	_, sw, err := s.send(ctx, apdu{ins: insMSE, p1: 0x41, p2: 0xa4, data: set, want: none})
	if err := expect("prepare key", insMSE, sw, err); err != nil {
		return nil, err
	}
	signature, sw, err := s.send(ctx, apdu{ins: insInternalAuth, data: digestInfo, want: 0})
	return signature, expect("sign", insInternalAuth, sw, err)
}

// signByDecipher is CPS4: a raw RSA operation over a block that we pad [C CL card-cps4.c].
func signByDecipher(ctx context.Context, s *Session, digestInfo []byte) ([]byte, error) {
	set := []byte{0x83, 0x01, s.objects.key}
	_, sw, err := s.send(ctx, apdu{ins: insMSE, p1: 0x41, p2: 0xb8, data: set, want: none})
	if err := expect("prepare key", insMSE, sw, err); err != nil {
		return nil, err
	}
	signature, sw, err := s.chained(ctx, apdu{ins: insPSO, p1: 0x80, p2: 0x86, data: padded(s.public, digestInfo), want: 0})
	return signature, expect("sign", insPSO, sw, err)
}

// padded is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2): 00 01 FF..FF 00 DigestInfo.
func padded(key *rsa.PublicKey, digestInfo []byte) []byte {
	block := make([]byte, key.Size())
	for i := range block {
		block[i] = 0xff
	}
	block[0], block[1] = 0x00, 0x01
	at := len(block) - len(digestInfo)
	block[at-1] = 0x00
	copy(block[at:], digestInfo)
	return block
}
