package activation

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// record is one activation in the store. Of somebody who cannot be written to
// it holds secrets that nobody knows.
type record struct {
	Holder   string              `json:"holder"`
	OpensAt  time.Time           `json:"opens_at"` // end of the 48 h, zero when they are over
	Ends     time.Time           `json:"ends"`
	Channels map[string]*channel `json:"channels"`
}

// channel is one of the two secrets.
type channel struct {
	Hash   string `json:"hash"`
	Tries  int    `json:"tries"`
	Proven bool   `json:"proven"`
}

// tried is what became of one try.
type tried uint8

const (
	over  tried = iota // the activation is dead
	wrong              // one try less
	right
	again // this secret was already proven
)

// try counts first and compares then: a caller that dies in between has tried.
// A secret that was proven is not asked twice, but must be right again.
func (r *record) try(name, hash string, now time.Time) tried {
	c := r.Channels[name]
	if c == nil || !now.Before(r.Ends) || c.Tries >= maxTries {
		return over
	}
	same := subtle.ConstantTimeCompare([]byte(c.Hash), []byte(hash)) == 1
	switch {
	case same && c.Proven:
		return again
	case same:
		c.Proven = true
		return right
	}
	c.Tries++
	return wrong
}

// secrets are the two that go out.
type secrets struct{ mail, sms string }

const (
	letters32  = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ" // no 0, 1, I, O: they are typed from a screen
	mailLength = 8                                  // 40 bits
	smsLength  = 8                                  // digits
)

func draw(rand io.Reader) (secrets, error) {
	mail, err := pick(rand, letters32, mailLength)
	if err != nil {
		return secrets{}, err
	}
	sms, err := pick(rand, "0123456789", smsLength)
	return secrets{mail: mail, sms: sms}, err
}

func pick(rand io.Reader, alphabet string, n int) (string, error) {
	out := make([]byte, n)
	for i := range out {
		v, err := ecps.Below(rand, len(alphabet))
		if err != nil {
			return "", err
		}
		out[i] = alphabet[v]
	}
	return string(out), nil
}

// hashOf binds a secret to its activation and channel.
func hashOf(id, channel, secret string) string {
	return ecps.Hash(fmt.Sprintf("egide.ecps.secret.v1 %s %s %s", id, channel, secret))
}

// squeeze forgives spaces, dashes and small letters.
func squeeze(typed string) string {
	if len(typed) > 64 {
		return ""
	}
	return strings.ToUpper(strings.NewReplacer(" ", "", "\u00a0", "", "-", "").Replace(typed))
}

// count is how often something was asked within the window.
type count struct {
	N     int       `json:"n"`
	Since time.Time `json:"since"`
}

// count notes one more and tells whether there are too many.
func (a *Activations) count(ctx context.Context, what string, limit int, now time.Time) (over bool, err error) {
	key := ecps.Hash(what)
	change := func(c *count) (time.Duration, error) {
		if !now.Before(c.Since.Add(window)) {
			*c = count{Since: now}
		}
		if over = c.N >= limit; !over {
			c.N++
		}
		return window, nil
	}
	for {
		if _, err = a.counts.Update(ctx, key, change); !fault.Is(err, fault.NotFound) {
			return over, err
		}
		var fresh count
		if _, err := change(&fresh); err != nil {
			return false, err
		}
		if err = a.counts.Put(ctx, key, fresh, window); !fault.Is(err, fault.Conflict) {
			return over, err
		}
	}
}
