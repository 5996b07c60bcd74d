package grant

import (
	"context"
	"crypto/subtle"
	"io"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// maxOpen is how many logins one browser may hold open at once (AZ23).
const maxOpen = 10

// afterlife is how long an expired or completed request is still known, so that
// its page can say "expired" and show the way back instead of "unknown".
const afterlife = 15 * time.Minute

// Requests keeps the authorization requests that wait for a person.
type Requests struct {
	records  store.Records[Request]
	browsers index
	clock    clock.Clock
	rand     io.Reader
	life     time.Duration
}

// NewRequests makes the requests.
func NewRequests(d Deps) *Requests {
	return &Requests{
		records:  store.NewRecords[Request](d.KV, "login"),
		browsers: index{store.NewRecords[listed](d.KV, "browser"), maxOpen},
		clock:    d.Clock, rand: d.Rand, life: d.Lifetimes.OrDefaults().Request,
	}
}

// Start opens a validated request for the browser of r.BrowserHash. Of more
// than ten open ones of a browser the oldest is dropped.
func (q *Requests) Start(ctx context.Context, r Request) (Request, error) {
	handle, err := Random(q.rand)
	if err != nil {
		return Request{}, err
	}
	if r.BrowserHash == "" {
		return Request{}, fault.New(fault.Internal, "", "a login request needs a browser")
	}
	now := q.clock.Now()
	r.Handle, r.Progress = handle, Pending
	r.Started, r.Expires = now, now.Add(q.life)
	if err := q.records.Put(ctx, handle, r, q.life+afterlife); err != nil {
		return Request{}, err
	}
	return r, q.remember(ctx, r)
}

// Get gives the request to the browser that started it. Another browser gets
// fault.Denied and learns nothing (AZ22: a link to somebody's login is no
// login); an expired one comes with fault.Expired.
func (q *Requests) Get(ctx context.Context, handle, browserSecret string) (Request, error) {
	if !canonical(handle) {
		return Request{}, unknownRequest()
	}
	r, err := q.records.Get(ctx, handle)
	if err != nil {
		return Request{}, err
	}
	if browserSecret == "" || subtle.ConstantTimeCompare([]byte(Hash(browserSecret)), []byte(r.BrowserHash)) != 1 {
		return Request{}, fault.New(fault.Denied, "PF-SV-043", "the login was started in another browser")
	}
	if r.expired(q.clock.Now()) {
		if r.Progress != Completed {
			r.Progress = Expired
		}
		return r, expiredRequest()
	}
	return r, nil
}

// Restart gives another browser a login of its own with the same parameters and
// none of the progress (AZ22: opening somebody's login link gives a fresh flow).
// Only a pending request can be restarted; fault.Denied otherwise, so that
// nobody learns how far a login of somebody else has come.
func (q *Requests) Restart(ctx context.Context, handle, browserHash string) (Request, error) {
	foreign := fault.New(fault.Denied, "PF-SV-043", "the login was started in another browser")
	if !canonical(handle) {
		return Request{}, unknownRequest()
	}
	r, err := q.records.Get(ctx, handle)
	if err != nil {
		return Request{}, err
	}
	if r.Progress != Pending || r.expired(q.clock.Now()) {
		return Request{}, foreign
	}
	return q.Start(ctx, r.fresh(browserHash))
}

// Authenticate records the login that answers the request. fault.Used if it
// was already answered.
func (q *Requests) Authenticate(ctx context.Context, handle string, auth authn.Authentication, sid string) (Request, error) {
	return q.move(ctx, handle, func(r *Request) error { return r.authenticate(auth, sid) })
}

// Deny records that the holder refused, cancelled or cannot; code says why.
func (q *Requests) Deny(ctx context.Context, handle, code string) (Request, error) {
	return q.move(ctx, handle, func(r *Request) error { return r.deny(code) })
}

// SetWallet records the e-CPS request that the login waits for.
func (q *Requests) SetWallet(ctx context.Context, handle string, a Asked) (Request, error) {
	return q.move(ctx, handle, func(r *Request) error { return r.ask(a) })
}

// SetStart records under which name phones find the login, in place of was.
func (q *Requests) SetStart(ctx context.Context, handle, start, was string) (Request, error) {
	return q.move(ctx, handle, func(r *Request) error { return r.begin(start, was) })
}

// Change drops the session that could have answered (select_account).
func (q *Requests) Change(ctx context.Context, handle string) (Request, error) {
	return q.move(ctx, handle, (*Request).change)
}

// Consent records that the person allows what the request tells.
func (q *Requests) Consent(ctx context.Context, handle string) (Request, error) {
	return q.move(ctx, handle, (*Request).consent)
}

// Complete takes the outcome, once: of a double click or two tabs one wins, the
// others get fault.Used together with the completed request. The outcome is in
// Reason (denied) or Auth (authenticated).
func (q *Requests) Complete(ctx context.Context, handle string) (Request, error) {
	return q.move(ctx, handle, (*Request).complete)
}

// move makes one transition. It gives the request as it stands also when the
// transition was refused, so that the page can follow it.
func (q *Requests) move(ctx context.Context, handle string, transition func(*Request) error) (Request, error) {
	if !canonical(handle) {
		return Request{}, unknownRequest()
	}
	return q.records.Update(ctx, handle, func(r *Request) (time.Duration, error) {
		now := q.clock.Now()
		if r.expired(now) {
			return 0, expiredRequest()
		}
		if err := transition(r); err != nil {
			return 0, err
		}
		return r.Expires.Add(afterlife).Sub(now), nil
	})
}

// remember adds the request to its browser's index and drops what is over the limit.
func (q *Requests) remember(ctx context.Context, r Request) error {
	dropped, err := q.browsers.add(ctx, r.BrowserHash, listing{ID: r.Handle, Expires: r.Expires}, r.Started)
	if err != nil {
		return err
	}
	for _, handle := range dropped {
		if err := q.records.Delete(ctx, handle); err != nil {
			return err
		}
	}
	return nil
}

func unknownRequest() error { return fault.New(fault.NotFound, "PF-SV-044", "no such login request") }

func expiredRequest() error {
	return fault.New(fault.Expired, "PF-EC-010", "the login request has expired")
}
