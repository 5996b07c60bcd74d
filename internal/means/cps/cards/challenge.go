package cards

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// challengeMemory outlives the challenge, so that a late or repeated answer is
// told what it is (cps-card.md section 8).
const challengeMemory = 5 * time.Minute

// state is where a challenge stands.
type state string

const (
	waiting state = "waiting" // for an answer
	judged  state = "judged"  // consumed by one answer; no session yet
	open    state = "open"    // a session stands on it while the card is in the reader
	pulled  state = "pulled"  // the card has left the reader
)

// challenge is the record of one challenge.
type challenge struct {
	State   state     `json:"state"`
	Login   string    `json:"login"`
	Browser string    `json:"browser"` // hash of the browser's secret
	Digest  []byte    `json:"digest"`  // SHA-256 of the JWS that travelled
	Removal string    `json:"removal"` // hash of the secret that a bridge proves
	Expires time.Time `json:"expires"`
	SID     string    `json:"sid,omitempty"`
}

// answered lets one answer of the login and browser that asked judge it.
func (r *challenge) answered(a Answer, now time.Time) error {
	same := subtle.ConstantTimeCompare([]byte(r.Browser), []byte(a.Browser)) & subtle.ConstantTimeCompare([]byte(r.Login), []byte(a.Login))
	switch {
	case same != 1:
		return fault.New(fault.Denied, cps.CodeForeign, "the challenge belongs to another login")
	case r.State == pulled:
		return fault.New(fault.Denied, cps.CodePulled, "the card was pulled")
	case r.State != waiting:
		return fault.New(fault.Used, cps.CodeNotWaiting, "the challenge was answered before")
	case !now.Before(r.Expires):
		return fault.New(fault.Expired, cps.CodeNotWaiting, "the challenge has expired")
	}
	r.State = judged
	return nil
}

// stand puts a session on the challenge.
func (r *challenge) stand(sid string) error {
	switch r.State {
	case pulled:
		return fault.New(fault.Denied, cps.CodePulled, "the card was pulled before the login was finished")
	case judged:
		r.State, r.SID = open, sid
		return nil
	case waiting, open:
	}
	return fault.New(fault.Used, cps.CodeNotWaiting, "the challenge already stands for a login")
}

// pull records that the card is gone; of several reports one moves it.
func (r *challenge) pull(secret string) error {
	if subtle.ConstantTimeCompare([]byte(r.Removal), []byte(hash(secret))) != 1 {
		return fault.New(fault.Denied, "", "not the removal secret of this login")
	}
	if r.State == pulled {
		return fault.New(fault.Used, "", "the card was reported before")
	}
	r.State = pulled
	return nil
}

// consume is check 1: the challenge waits, for this login and this browser.
func (c *Cards) consume(ctx context.Context, a Answer) (challenge, error) {
	unknown := fault.New(fault.NotFound, cps.CodeNotWaiting, "no such challenge")
	if !canonical(a.ID) {
		return challenge{}, unknown
	}
	r, err := c.challenges.Update(ctx, a.ID, func(r *challenge) (time.Duration, error) {
		return challengeMemory, r.answered(a, c.Clock.Now())
	})
	if fault.Is(err, fault.NotFound) {
		return challenge{}, unknown
	}
	if err == nil && len(r.Digest) != sha256.Size {
		return challenge{}, fault.New(fault.Internal, "", "stored challenge is damaged")
	}
	return r, err
}

// Open ties the session that a card has just opened to its stay in the reader,
// and to the card, so that pulling or opposing the card ends it.
// Errors: fault.Denied with CodePulled when the card has left meanwhile,
// fault.Unavailable; the session must then end.
func (c *Cards) Open(ctx context.Context, id, sid, number string) error {
	if err := c.remember(ctx, number, sid); err != nil {
		return err
	}
	_, err := c.challenges.Update(ctx, id, func(r *challenge) (time.Duration, error) {
		return c.SessionLife, r.stand(sid)
	})
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Expired, cps.CodeNotWaiting, "the challenge expired while it was judged")
	}
	return err
}

// Pull records that the card of a login has left its reader and gives the
// session to end: empty when none stands on it yet, or when sessions are kept.
// Reports of what is unknown or over are no error: a bridge cannot do better.
// Errors: fault.Denied for a wrong secret, fault.Unavailable.
func (c *Cards) Pull(ctx context.Context, r cps.Removal) (sid string, err error) {
	if !canonical(r.ID) || c.KeepSessions {
		return "", nil
	}
	was, err := c.challenges.Update(ctx, r.ID, func(v *challenge) (time.Duration, error) {
		return challengeMemory, v.pull(r.Secret)
	})
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	if fault.Is(err, fault.Used) {
		return was.SID, nil // ended before, or its ending failed: once more does no harm
	}
	return was.SID, err
}

// canonical tells an id of our own making: 128 bits in base64url.
func canonical(id string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(id)
	return err == nil && len(b) == 16
}

// txn names the login to the bridge without giving its handle away.
func txn(login string) string { return hash("cps txn\x00" + login)[:22] }

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
