package webpush

import (
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
)

const (
	maxTries   = 16
	firstPause = time.Second
	longPause  = time.Minute // of our own
	mostAsked  = time.Hour   // a service that asks for more gets this
)

// judge decides by the answer what becomes of a push (RFC 8030 5 and 7.3).
func (s *Sender) judge(p Push, a answer, tries int, now time.Time) Outcome {
	switch {
	case errors.Is(a.err, outbound.ErrAddress), fault.Is(a.err, fault.Invalid):
		return Outcome{Kind: Refused}
	case a.err != nil:
		return s.later(p, s.backOff(tries), tries, now)
	case a.status >= 200 && a.status < 300:
		return Outcome{Kind: Accepted}
	case a.status == http.StatusNotFound, a.status == http.StatusGone:
		return Outcome{Kind: Gone}
	case a.status == http.StatusTooManyRequests, a.status >= 500:
		pause, asked := retryAfter(a.retryAfter, now)
		if !asked {
			pause = s.backOff(tries)
		}
		return s.later(p, pause, tries, now)
	}
	return Outcome{Kind: Refused} // redirects too: they are not followed
}

// later tries again only what would still be of use then.
func (s *Sender) later(p Push, pause time.Duration, tries int, now time.Time) Outcome {
	if tries+1 >= maxTries || !now.Add(pause).Before(p.Expires) {
		return Outcome{Kind: Failed}
	}
	return Outcome{Kind: Later, After: pause}
}

// backOff doubles from a second to a minute; its second half is drawn, so that
// pushes that failed together do not come back together.
func (s *Sender) backOff(tries int) time.Duration {
	pause := min(firstPause<<min(tries, maxTries), longPause)
	var b [4]byte
	if _, err := io.ReadFull(s.o.Rand, b[:]); err != nil {
		return pause
	}
	half := pause / 2
	return half + time.Duration(binary.BigEndian.Uint32(b[:]))%half
}

// retryAfter reads RFC 9110 section 10.2.3, seconds or a date, within bounds: a
// service that asks for no pause, or for one without end, gets neither.
func retryAfter(header string, now time.Time) (pause time.Duration, asked bool) {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		pause = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		pause = at.Sub(now)
	} else {
		return 0, false
	}
	return min(max(pause, firstPause), mostAsked), true
}
