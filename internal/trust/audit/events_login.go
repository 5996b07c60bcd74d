package audit

// LoginSucceeded says that a person proved who he is (PG-60).
type LoginSucceeded struct {
	Subject string `json:"subject"`          // national identifier, "899700000017"
	Sub     string `json:"sub"`              // the stored UUID services know him by
	Client  string `json:"client"`           // relying service that asked
	SID     string `json:"sid"`              // session opened or renewed
	Means   string `json:"means"`            // authn.Means
	Device  string `json:"device,omitempty"` // reference of the phone or card
	ACR     string `json:"acr"`              // level reached
	Serial  string `json:"serial,omitempty"` // of the card's certificate, in hex
	Issuer  string `json:"issuer,omitempty"` // common name of its authority
	Txn     string `json:"txn,omitempty"`    // identifier of the challenge that the card answered
}

// LoginRefused says that a person or what he presented was refused. Failures of callers
// nobody has proven anything about go through Log.Failure instead.
type LoginRefused struct {
	Subject string `json:"subject,omitempty"`
	Client  string `json:"client"`
	Means   string `json:"means,omitempty"`
	Reason  string `json:"reason"`           // code of ux.md 3.5, "PF-EC-012"
	Device  string `json:"device,omitempty"` // reference of the card, once its key has signed this login
	Serial  string `json:"serial,omitempty"` // of the card's certificate, in hex
	Issuer  string `json:"issuer,omitempty"` // common name of its authority
	Txn     string `json:"txn,omitempty"`    // identifier of the challenge that the card answered
}

// SessionEnded says that a session is over, by logout or by another hand.
type SessionEnded struct {
	Subject string `json:"subject"`
	SID     string `json:"sid"`
	Reason  string `json:"reason"` // logout | replaced | epoch | admin | expired | card_removed | card_opposed
}

// SessionsEnded says that all sessions of a person were ended at once, and every
// token that grew out of them.
type SessionsEnded struct {
	Subject  string `json:"subject"`
	By       string `json:"by"`                 // holder | operator
	Operator string `json:"operator,omitempty"` // who gave the order
	Reason   string `json:"reason"`             // the order's reference, or closed_by_holder
	Sessions int    `json:"sessions"`
}

// LogoutNoticed says that a service was told of the end of a session and took it
// (Back-Channel Logout 1.0).
type LogoutNoticed struct {
	Client   string `json:"client"`
	SID      string `json:"sid"`
	Attempts int    `json:"attempts"`
}

// LogoutNotNoticed says that a service could not be told, for good.
type LogoutNotNoticed struct {
	Client   string `json:"client"`
	SID      string `json:"sid"`
	Attempts int    `json:"attempts"`
	Answer   string `json:"answer"` // a status, or why there was none
}

// ActivityChosen says that the person chose the situation d'exercice he acts in.
type ActivityChosen struct {
	Subject  string `json:"subject"`
	Client   string `json:"client"`
	SID      string `json:"sid"`
	Activity string `json:"activity"` // identifier of the work situation
}

// ConsentGiven says that a person allowed a service outside the sector to be told
// about him (GDPR art. 7: the proof of it).
type ConsentGiven struct {
	Subject string `json:"subject"`
	Client  string `json:"client"`
	SID     string `json:"sid"`
	Purpose string `json:"purpose"` // as it stood on the page
	Claims  string `json:"claims"`  // names of what may be told, by spaces
}

// ConsentRefused says that he did not.
type ConsentRefused struct {
	Subject string `json:"subject"`
	Client  string `json:"client"`
	SID     string `json:"sid"`
	Claims  string `json:"claims"`
}

// ConsentWithdrawn says that he takes his agreement back.
type ConsentWithdrawn struct {
	Subject string `json:"subject"`
	Client  string `json:"client"`
}

func (LoginSucceeded) event() string   { return "login.succeeded" }
func (LoginRefused) event() string     { return "login.refused" }
func (SessionEnded) event() string     { return "session.ended" }
func (SessionsEnded) event() string    { return "sessions.ended" }
func (ConsentGiven) event() string     { return "consent.given" }
func (ConsentRefused) event() string   { return "consent.refused" }
func (ConsentWithdrawn) event() string { return "consent.withdrawn" }
func (LogoutNoticed) event() string    { return "logout.noticed" }
func (LogoutNotNoticed) event() string { return "logout.not_noticed" }
func (ActivityChosen) event() string   { return "activity.chosen" }
