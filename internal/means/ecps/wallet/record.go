package wallet

import (
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// record is one request in the store. A request that no phone will see (Silent)
// is the same record with the same life.
type record struct {
	ID          string    `json:"id"`
	Holder      string    `json:"holder"` // canonical identifier
	Key         string    `json:"key"`    // of the holder, for topics and indexes
	Client      string    `json:"client"`
	Service     string    `json:"service"`
	Asker       string    `json:"asker"`
	Place       string    `json:"place,omitempty"`
	Login       string    `json:"login"`
	Number      string    `json:"number"`
	Choices     []string  `json:"choices"`
	Transaction string    `json:"transaction"`
	Typed       bool      `json:"typed"`
	Known       bool      `json:"known"`
	Silent      bool      `json:"silent"`
	State       State     `json:"state"`
	Delivery    Delivery  `json:"delivery"`
	Reason      string    `json:"reason"`
	Resends     int       `json:"resends"`
	Start       string    `json:"start,omitempty"` // the start it came from: QR or link, no push (start.go)
	Here        string    `json:"here,omitempty"`  // hash of the code that the browser of the approving phone must bring
	Back        string    `json:"back,omitempty"`  // where that browser goes on
	Only        string    `json:"only,omitempty"`  // the phone that came to the page: no other sees the request
	OpenedAt    time.Time `json:"opened_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	// Claim names the answer that is being judged; until Lease nobody else may
	// answer. It lapses, so that a crash in between does not lose the request.
	Claim  string    `json:"claim"`
	Lease  time.Time `json:"lease"`
	Taken  time.Time `json:"taken"`  // when the approval was consumed; lapses like Lease
	Device string    `json:"device"` // that approved
	At     time.Time `json:"at"`     // of the approval
}

const claimLease = 10 * time.Second

// stateAt is the state as of now: expiry needs no writer. An approval whose
// taker has vanished is there to be taken again: a node that died between
// consuming it and recording the login must not cost the holder his login. What
// it leads to is still one outcome, because the login is answered once.
func (r *record) stateAt(now time.Time) State {
	switch {
	case r.State == Consumed && !now.Before(r.Taken.Add(claimLease)) && now.Before(r.At.Add(approvedLife)):
		return Approved
	case r.State == Open && !now.Before(r.ExpiresAt) && now.After(r.Lease):
		return Expired
	case r.State == Approved && !now.Before(r.At.Add(approvedLife)):
		return Expired
	}
	return r.State
}

// left is how long the record is still kept.
func (r *record) left(now time.Time) time.Duration {
	return max(time.Second, r.OpenedAt.Add(recordLife).Sub(now))
}

// mustBeOpen is the guard of every transition that begins at Open.
func (r *record) mustBeOpen(now time.Time) error {
	switch r.stateAt(now) {
	case Open:
		return nil
	case Expired:
		return fault.New(fault.Expired, ecps.CodeExpired, "the request has expired")
	case Approved, Refused, Superseded, Cancelled, Consumed:
	}
	return fault.New(fault.Used, ecps.CodeAnswered, "the request is already answered or gone")
}

// claim lets one answer be judged. Of any number of parallel answers one wins.
func (r *record) claim(now time.Time, claim string) error {
	if err := r.mustBeOpen(now); err != nil {
		return err
	}
	if r.Claim != "" && now.Before(r.Lease) {
		return fault.New(fault.Conflict, ecps.CodeAnswered, "another answer is being judged")
	}
	if !now.Before(r.ExpiresAt) {
		return fault.New(fault.Expired, ecps.CodeExpired, "the request has expired")
	}
	r.Claim, r.Lease = claim, now.Add(claimLease)
	return nil
}

// held guards what only the winner of claim may do.
func (r *record) held(claim string) error {
	if r.State != Open || r.Claim != claim {
		return fault.New(fault.Used, ecps.CodeAnswered, "the request was answered or ended meanwhile")
	}
	return nil
}

// release gives the request back: the holder may try again.
func (r *record) release(claim string) error {
	if err := r.held(claim); err != nil {
		return err
	}
	r.Claim, r.Lease = "", time.Time{}
	return nil
}

// approve: the claim was judged good.
func (r *record) approve(claim, device, arrival string, now time.Time) error {
	if err := r.held(claim); err != nil {
		return err
	}
	if r.Here != "" {
		r.Here = ecps.Hash(arrival)
	}
	r.State, r.Device, r.At, r.Claim, r.Lease = Approved, device, now, "", time.Time{}
	return nil
}

// refuse: the holder said no, or what he said must count as no.
func (r *record) refuse(claim, reason string) error {
	if err := r.held(claim); err != nil {
		return err
	}
	r.State, r.Reason, r.Claim, r.Lease = Refused, reason, "", time.Time{}
	return nil
}

// stop ends the request from the page's side; an approval not yet used dies too.
func (r *record) stop(to State, reason string, now time.Time) error {
	if r.stateAt(now) != Approved {
		if err := r.mustBeOpen(now); err != nil {
			return err
		}
	}
	r.State, r.Reason = to, reason
	return nil
}

// consume: approved -> consumed, by one taker.
func (r *record) consume(now time.Time) error {
	switch r.stateAt(now) {
	case Approved:
		if r.awaitsArrival() {
			return fault.New(fault.Conflict, "", "the browser of the phone that approved has not come back")
		}
		r.State, r.Taken = Consumed, now
		return nil
	case Consumed:
		return fault.New(fault.Used, ecps.CodeAnswered, "the approval is already used")
	case Expired:
		return fault.New(fault.Expired, ecps.CodeExpired, "the request has expired")
	case Open:
		return fault.New(fault.Conflict, "", "the request is not answered yet")
	case Refused, Superseded, Cancelled:
	}
	return fault.New(fault.Denied, r.shown(), "the request did not end in an approval")
}

// awaitsArrival: the login goes on in the browser of the approving phone alone.
func (r *record) awaitsArrival() bool { return r.Here != "" && r.Here != hereArrived }

// deliver moves delivery forward, never back. It tells whether it moved.
func (r *record) deliver(to Delivery) bool {
	if rank(to) <= rank(r.Delivery) {
		return false
	}
	r.Delivery = to
	return true
}

func rank(d Delivery) int {
	switch d {
	case Opened:
		return 2
	case Received:
		return 1
	case Sent:
	}
	return 0
}

// shown is the reason this browser may read. That the holder refused, and that
// the number was wrong, is his own act and told to all; the state of his e-CPS
// only where he is known.
func (r *record) shown() string {
	if r.Known || r.Reason == ecps.CodeWrongNumber || r.State != Refused {
		return r.Reason
	}
	return ecps.CodeRefused
}

// pending is the record as its page may see it.
func (r *record) pending(now time.Time) Pending {
	p := Pending{ID: r.ID, Number: r.Number, State: r.stateAt(now), Known: r.Known, Reason: r.shown(), ExpiresAt: r.ExpiresAt}
	if p.State == Expired {
		p.Reason = ecps.CodeExpired
		if r.Known && r.Delivery == Sent {
			p.Reason = ecps.CodeNotReceived
		}
	}
	if r.Known {
		p.Typed, p.Delivery = r.Typed, r.Delivery
	}
	p.Started, p.Here, p.Arriving = r.Start != "", r.Here != "", r.awaitsArrival()
	return p
}
