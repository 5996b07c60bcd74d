package wallet

import (
	"slices"
	"time"
)

// index is what waits for one holder, and how often it was asked. There are two
// per holder: one of browsers he has used, one of all others, so that a flood
// of strangers never contends with a browser of his own. A third use, per
// network source, only counts.
type index struct {
	Live     []live    `json:"live"`
	Count    int       `json:"count"` // in the window that began at Since
	Since    time.Time `json:"since"`
	Refusals int       `json:"refusals"` // in a row
	Quiet    time.Time `json:"quiet"`    // strangers are silent until then
}

type live struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
}

// maxFriends bounds the open requests of a holder's own browsers; the oldest
// goes first.
const maxFriends = 64

// maxLive bounds the open requests in one index, whatever the limits say: a
// record of the store is at most 64 KiB.
const maxLive = 256

// refusalMemory is how long refusals in a row are remembered.
const refusalMemory = 24 * time.Hour

// verdict on a stranger's request.
type verdict uint8

const (
	heard  verdict = iota // the phone is told
	hushed                // counted, but the phone is not told
	over                  // not even counted: there are too many already
)

// prune forgets what is over and opens a new window when the last one is past.
func (x *index) prune(now time.Time, window time.Duration) {
	x.Live = slices.DeleteFunc(x.Live, func(l live) bool { return !now.Before(l.Expires) })
	if !now.Before(x.Since.Add(window)) {
		x.Count, x.Since = 0, now
	}
}

// admit judges a stranger's request. It looks at nothing that depends on
// whether the holder exists, but the quiet time after refusals, which changes
// neither what is written nor how much.
func (x *index) admit(now time.Time, l Limits, r live, supersedes string) verdict {
	x.prune(now, l.Window)
	x.drop(supersedes)
	if x.Count >= l.PerHolder || len(x.Live) >= l.Open {
		return over
	}
	x.Count++
	x.Live = append(x.Live, r)
	if now.Before(x.Quiet) {
		return hushed
	}
	return heard
}

// befriend enters a request of a browser the holder has used: never refused.
func (x *index) befriend(now time.Time, r live, supersedes string) {
	x.prune(now, recordLife)
	x.drop(supersedes)
	x.Live = append(x.Live, r)
	if extra := len(x.Live) - maxFriends; extra > 0 {
		x.Live = slices.Delete(x.Live, 0, extra)
	}
}

func (x *index) drop(id string) {
	x.Live = slices.DeleteFunc(x.Live, func(l live) bool { return l.ID == id })
}

// refused begins or lengthens the quiet time for strangers (PG-18).
func (x *index) refused(now time.Time, backOff []time.Duration) {
	x.Refusals++
	if len(backOff) > 0 {
		x.Quiet = now.Add(backOff[min(x.Refusals, len(backOff))-1])
	}
}

// kept is how long the index must live: as long as anything in it matters.
func (x *index) kept(window time.Duration) time.Duration {
	if x.Refusals > 0 {
		return refusalMemory
	}
	return max(window, recordLife)
}
