// Package device is the phone's side of the e-CPS: keys, enrolment, answers,
// and the watch for requests. It is what cmd/ecps, the sandbox and the tests
// carry in their pocket.
//
// A phone's state holds nothing against which a PIN could be tried: no PIN key,
// public or private, no signature of one, no check value (architecture, point 6).
package device

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Options of a phone; every field may be left empty.
type Options struct {
	Rounds int         // of PBKDF2 at enrolment; at least what the provider asks
	Label  string      // what the holder calls this phone
	Rand   io.Reader   // crypto/rand
	Clock  clock.Clock // the machine's
	Log    *slog.Logger
	// Save is called with the new state before an answer is sent and when it is
	// confirmed: a phone that forgets a ratchet looks like a copy of itself.
	Save func(state []byte) error
}

// state is what a phone keeps. It is secret as a whole.
type state struct {
	V         int      `json:"v"`
	Base      string   `json:"base"` // of the device API
	Issuer    string   `json:"iss"`
	Device    string   `json:"device"`
	Holder    string   `json:"holder"`
	Key       string   `json:"key"`    // device key, PKCS #8: this phone is software (swk)
	Secret    string   `json:"secret"` // 256 bits mixed with the PIN
	Rounds    int      `json:"rounds"`
	Ratchets  []string `json:"ratchets"` // the confirmed one, then those of answers without a confirmation
	ExpiresAt int64    `json:"expires_at"`
	Masked    string   `json:"masked,omitempty"` // seed of the offline code, masked by the PIN
}

// Phone is one enrolled phone. Safe for concurrent use; its answers go out one
// after the other.
type Phone struct {
	http *http.Client
	o    Options
	base *url.URL
	key  *ecdsa.PrivateKey

	answering sync.Mutex // one answer at a time: the ratchet is a chain

	mu    sync.Mutex
	state state
	skew  time.Duration // of our clock against the provider's
}

// Load makes a phone of a saved state. Errors: fault.Invalid.
func Load(client *http.Client, saved []byte, o Options) (*Phone, error) {
	d := json.NewDecoder(bytes.NewReader(saved))
	d.DisallowUnknownFields()
	var s state
	if err := d.Decode(&s); err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "the phone's state cannot be read", err)
	}
	if s.V != ecps.Version || len(s.Ratchets) == 0 {
		return nil, fault.New(fault.Invalid, "", "the phone's state is of another version")
	}
	der, err := base64.RawURLEncoding.DecodeString(s.Key)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "the phone's key cannot be read", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, fault.Wrap(fault.Invalid, "", "the phone's key cannot be read", err)
	}
	base, err := address(s.Base)
	if err != nil {
		return nil, err
	}
	return &Phone{http: client, o: o.filled(), base: base, key: key, state: s}, nil
}

// State is what must be kept to Load the phone again. It is secret.
func (p *Phone) State() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return json.MarshalIndent(p.state, "", "  ") //nolint:gosec // keeping the secret is what a state is for
}

// ID is the phone's public reference.
func (p *Phone) ID() string { return p.state.Device }

// Holder is the identifier it was enrolled for.
func (p *Phone) Holder() string { return p.state.Holder }

// Issuer is the provider it belongs to.
func (p *Phone) Issuer() string { return p.state.Issuer }

// ExpiresAt is the end of the e-CPS.
func (p *Phone) ExpiresAt() time.Time { return time.Unix(p.state.ExpiresAt, 0).UTC() }

// now is the provider's time as far as we know it.
func (p *Phone) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.o.Clock.Now().Add(p.skew)
}

func (p *Phone) setClock(server int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skew = time.Unix(server, 0).Sub(p.o.Clock.Now())
}

// ratchets gives the values that may be current.
func (p *Phone) ratchets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.state.Ratchets)
}

// keep replaces the ratchets and saves the state.
func (p *Phone) keep(ratchets []string) error {
	p.mu.Lock()
	p.state.Ratchets = ratchets
	p.mu.Unlock()
	return p.save()
}

func (p *Phone) save() error {
	if p.o.Save == nil {
		return nil
	}
	b, err := p.State()
	if err != nil {
		return err
	}
	return p.o.Save(b)
}

func (o Options) filled() Options {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
