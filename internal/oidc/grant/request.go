package grant

import (
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/fault"
)

// RequestState is where an authorization request stands.
type RequestState string

// The states: Pending -> Authenticated -> Completed, or Pending|Authenticated
// -> Denied -> Completed. Expired is told by the clock, from every open state.
const (
	Pending       RequestState = "pending"
	Authenticated RequestState = "authenticated"
	Denied        RequestState = "denied"
	Completed     RequestState = "completed"
	Expired       RequestState = "expired"
)

// Request is an authorization request that needs a person: what the service
// asked, already validated, and how far the login came.
type Request struct {
	Handle        string    `json:"handle"` // in the URL of the login pages
	ClientID      string    `json:"client"`
	RedirectURI   string    `json:"redirect"`
	ResponseMode  string    `json:"mode,omitempty"`
	State         string    `json:"state,omitempty"` // of the service, echoed unchanged
	Nonce         string    `json:"nonce,omitempty"`
	CodeChallenge string    `json:"challenge,omitempty"`
	Prompt        string    `json:"prompt,omitempty"`
	UILocales     string    `json:"locales,omitempty"`
	LoginHint     string    `json:"hint,omitempty"`
	HintSub       string    `json:"hint_sub,omitempty"` // sub of a valid id_token_hint: only this person may answer
	Scope         []string  `json:"scope,omitempty"`
	ACRValues     []string  `json:"acrs,omitempty"`
	MustACRs      []string  `json:"must_acrs,omitempty"` // essential: one of these or an error
	Claims        Claims    `json:"claims,omitzero"`
	MaxAge        *int      `json:"max_age,omitempty"`
	BrowserHash   string    `json:"browser"` // Hash of the browser's secret cookie
	Started       time.Time `json:"started"`
	Expires       time.Time `json:"expires"`

	Progress RequestState          `json:"progress"`
	SID      string                `json:"sid,omitempty"`
	Auth     *authn.Authentication `json:"auth,omitempty"`
	Wallet   string                `json:"wallet,omitempty"` // present e-CPS request
	Start    string                `json:"start,omitempty"`  // open for a phone that scans its QR or follows its link
	Holder   rpps.NationalID       `json:"holder,omitzero"`  // identifier typed for it; proves nothing
	Reason   string                `json:"reason,omitempty"` // PF code of a denial
	Shared   bool                  `json:"shared,omitempty"` // shared post: no session for the next person
	Reauth   bool                  `json:"reauth,omitempty"` // an existing session does not satisfy it

	Account    string `json:"account,omitempty"`     // sid of the session that answers once its holder says that it is he (select_account)
	AskConsent bool   `json:"ask_consent,omitempty"` // prompt=consent: whatever was said before
	Consented  bool   `json:"consented,omitempty"`   // the person has allowed what this request tells
}

// Claims are those asked for by name (Core 5.5), beside what the scopes give.
// They go with the login into its code and its token family, so that a refresh
// answers what was asked at first.
type Claims struct {
	IDToken  []string `json:"id,omitempty"`
	UserInfo []string `json:"info,omitempty"`
}

// fresh is what the service asked, without anything that happened since.
func (r Request) fresh(browserHash string) Request {
	r.BrowserHash = browserHash
	r.SID, r.Auth, r.Wallet, r.Start, r.Holder, r.Reason, r.Shared = "", nil, "", "", rpps.NationalID{}, "", false
	r.Account, r.Consented = "", false
	return r
}

// authenticate records the login that answers the request.
func (r *Request) authenticate(auth authn.Authentication, sid string) error {
	if r.Progress != Pending {
		return usedRequest()
	}
	r.Progress, r.Auth, r.SID = Authenticated, &auth, sid
	r.Wallet, r.Holder = "", rpps.NationalID{}
	return nil
}

// deny records that nobody will answer it, and why. A login may still be
// cancelled on the page that confirms it.
func (r *Request) deny(code string) error {
	if r.Progress != Pending && r.Progress != Authenticated {
		return usedRequest()
	}
	r.Progress, r.Reason = Denied, code
	r.Auth, r.SID = nil, ""
	r.Wallet, r.Holder = "", rpps.NationalID{}
	r.Consented = false
	return nil
}

// change drops the session that could have answered: somebody else, or the same
// person anew, logs in.
func (r *Request) change() error {
	if r.Progress != Pending {
		return usedRequest()
	}
	r.Account, r.Reauth = "", true
	return nil
}

// consent records that whoever logged in allows what the request tells.
func (r *Request) consent() error {
	if r.Progress != Authenticated {
		return usedRequest()
	}
	r.Consented = true
	return nil
}

// Asked is what the holder was last asked on his phone, and how he came to ask
// for it. It is kept with the request so that nobody types it twice.
type Asked struct {
	Wallet string          // e-CPS request; empty for none
	Was    string          // the one that the asker saw: of two forms sent at once one counts
	Holder rpps.NationalID // as typed; proves nothing
	Shared bool            // shared post
}

// ask records the e-CPS request that the page shows, in place of the one that
// the asker saw; fault.Used when another form was faster.
func (r *Request) ask(a Asked) error {
	if r.Progress != Pending || r.Wallet != a.Was {
		return usedRequest()
	}
	r.Wallet, r.Holder, r.Shared = a.Wallet, a.Holder, a.Shared
	return nil
}

// begin opens the request for a phone that comes to its page; fault.Used when
// another tab was faster.
func (r *Request) begin(start, was string) error {
	if r.Progress != Pending || r.Start != was {
		return usedRequest()
	}
	r.Start = start
	return nil
}

// complete takes the outcome to the service.
func (r *Request) complete() error {
	if r.Progress != Authenticated && r.Progress != Denied {
		return usedRequest()
	}
	r.Progress = Completed
	return nil
}

// expired tells that the clock has closed the request.
func (r *Request) expired(now time.Time) bool { return !now.Before(r.Expires) }

func usedRequest() error {
	return fault.New(fault.Used, "PF-SV-042", "the login request has already moved on")
}
