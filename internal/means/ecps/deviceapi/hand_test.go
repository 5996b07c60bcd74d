package deviceapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// randomness is crypto/rand as a value.
type randomness struct{}

// Read implements io.Reader.
func (randomness) Read(p []byte) (int, error) { return rand.Read(p) }

// hand holds a phone without any server: what a thief has.
type hand struct {
	t       *testing.T
	clock   *clock.Manual
	key     *ecdsa.PrivateKey
	secret  []byte
	done    ecps.Enrolled
	ratchet []string
}

const handIssuer = "http://127.0.0.1/auth"

func newHand(t *testing.T, w *wallet.Wallet, c *clock.Manual) *hand {
	t.Helper()
	h := &hand{t: t, clock: c, secret: make([]byte, ecps.SecretSize)}
	_, _ = rand.Read(h.secret)
	var err error
	h.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.must(err)
	inv, err := w.Invite(t.Context(), doctor)
	h.must(err)
	pin, err := ecps.PINKey(rightPIN, h.secret, 2)
	h.must(err)
	token, err := ecps.SignEnrolment(h.key, pin, ecps.Enrolment{V: ecps.Version, Issuer: handIssuer, Invitation: inv.Code, Rounds: 2, Time: c.Now().Unix()})
	h.must(err)
	h.done, err = w.Enrol(t.Context(), token)
	h.must(err)
	h.ratchet = []string{h.done.Ratchet}
	return h
}

func (h *hand) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// device proves the device key, as the thief can.
func (h *hand) device(w *wallet.Wallet) wallet.Device {
	h.t.Helper()
	id, err := ecps.NewID(rand.Reader)
	h.must(err)
	proof, err := ecps.SignCall(h.key, h.done.Device, ecps.Call{
		V: ecps.Version, Issuer: handIssuer, Method: "POST", Path: "/acts", Body: ecps.BodyHash(nil), Time: h.clock.Now().Unix(), ID: id,
	})
	h.must(err)
	d, err := w.Authenticate(h.t.Context(), proof, ecps.Received{Method: "POST", Path: "/acts"})
	h.must(err)
	return d
}

// guess tries a PIN by an act, and gives the code of the answer.
func (h *hand) guess(w *wallet.Wallet, pin string) string {
	h.t.Helper()
	key, err := ecps.PINKey(pin, h.secret, 2)
	h.must(err)
	next, err := ecps.NewSecret(rand.Reader)
	h.must(err)
	subject, err := ecps.NewSecret(rand.Reader)
	h.must(err)
	token, err := ecps.SignAct(h.key, ecps.Act{
		V: ecps.Version, Issuer: handIssuer, Device: h.done.Device, Holder: h.done.Holder, Kind: ecps.ActTransfer, Subject: subject,
		Time: h.clock.Now().Unix(), Ratchets: h.ratchet, Next: next,
	}.SignPIN(key))
	h.must(err)
	_, err = w.Act(h.t.Context(), h.device(w), token)
	h.ratchet = []string{h.ratchet[0], next}
	return fault.CodeOf(err)
}
