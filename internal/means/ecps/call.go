package ecps

import (
	"crypto"
	"crypto/ecdsa"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Scheme of the Authorization header that carries a signed call.
const Scheme = "ECPS"

// CallPast and CallFuture bound the age of a call. JTILife is how long its jti
// must be remembered: longer than any call can be accepted.
const (
	CallPast   = 60 * time.Second
	CallFuture = 30 * time.Second
	JTILife    = CallPast + CallFuture + 10*time.Second
)

// Call is the proof that one HTTP call comes from the holder of the device key,
// in the manner of DPoP (RFC 9449 4.2), bound to the body as well.
type Call struct {
	V      int    `json:"v"`
	Issuer string `json:"iss"`
	Method string `json:"htm"`
	Path   string `json:"htu"` // path and query under the base of the API
	Body   string `json:"bh"`  // BodyHash
	Time   int64  `json:"iat"`
	ID     string `json:"jti"` // 128 random bits, accepted once
}

// SignCall signs a call of that device.
func SignCall(key crypto.Signer, device string, c Call) (string, error) {
	return sign(key, typCall, device, c)
}

// SignedCall is a call that was read but not verified.
type SignedCall struct {
	Device string // as claimed
	Call   Call
	signed signed
}

// ParseCall reads the proof of a call. Errors: fault.Invalid with PF-EC-033.
func ParseCall(token string) (SignedCall, error) {
	s, err := open(token, typCall)
	if err != nil {
		return SignedCall{}, err
	}
	c, err := Decode[Call](s.payload)
	if err != nil {
		return SignedCall{}, err
	}
	if c.V != Version {
		return SignedCall{}, malformed("call is of another version")
	}
	if _, err := unb64(c.ID, 16); err != nil {
		return SignedCall{}, err
	}
	return SignedCall{Device: s.kid, Call: c, signed: s}, nil
}

// Received is what the server saw of a call.
type Received struct {
	Issuer, Method, Path string
	Body                 []byte
	Now                  time.Time
}

// Verify checks the signature, then that the proof is of this call and not of
// another one that somebody recorded. The jti is the caller's to consume.
// Errors: fault.Denied with PF-EC-030, or PF-EC-031 when the clock is off.
func (s SignedCall) Verify(key *ecdsa.PublicKey, r Received) error {
	if err := s.signed.verify(key); err != nil {
		return err
	}
	c := s.Call
	if c.Issuer != r.Issuer || c.Method != r.Method || c.Path != r.Path || c.Body != BodyHash(r.Body) {
		return fault.New(fault.Denied, CodeCall, "the signature is of another call")
	}
	at := time.Unix(c.Time, 0)
	if at.Before(r.Now.Add(-CallPast)) || at.After(r.Now.Add(CallFuture)) {
		return fault.New(fault.Denied, CodeClock, "the phone's clock is too far from ours")
	}
	return nil
}
