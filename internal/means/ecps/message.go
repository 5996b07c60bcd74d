package ecps

// Request is one login as the holder's phone sees it.
type Request struct {
	ID          string   `json:"id"`
	Transaction string   `json:"transaction"` // only the holder's phones know it
	Service     string   `json:"service"`     // client_id
	Name        string   `json:"name"`        // of the service, for the eye
	Asker       string   `json:"asker"`
	Place       string   `json:"place,omitempty"` // label of the workstation, where it has one
	OpenedAt    int64    `json:"opened_at"`
	ExpiresAt   int64    `json:"expires_at"`
	State       string   `json:"state"`
	Typed       bool     `json:"typed"`            // the holder types the two digits
	Choices     []string `json:"choices"`          // three values, empty when typed
	TriesLeft   int      `json:"tries_left"`       // wrong PINs before the lock
	Number      string   `json:"number,omitempty"` // sandbox only, for phones nobody looks at
	Here        bool     `json:"here,omitempty"`   // asked by this very phone: nothing to compare, and the login goes on here alone
}

// Requests is what waits for the holder, those of browsers he knows first.
type Requests struct {
	V        int       `json:"v"`
	Requests []Request `json:"requests"`
	Obstacle string    `json:"obstacle,omitempty"` // why this phone may not answer now
}

// Submission carries a signed answer.
type Submission struct {
	Answer string `json:"answer"`
}

// EnrolmentSubmission carries a signed enrolment.
type EnrolmentSubmission struct {
	Enrolment string `json:"enrolment"`
}

// Receipt confirms an answer that was taken. The ratchet has moved.
type Receipt struct {
	V         int    `json:"v"`
	State     string `json:"state"`      // approved or refused
	WrongPINs int    `json:"wrong_pins"` // wrong PINs since the last right one, so that a holder sees others' tries
	// Return is where the browser of this phone goes on, with a code that is good
	// once and there alone; only for a login that began on this phone.
	Return string `json:"return,omitempty"`
}

// DeviceInfo is what a phone shows on its first screen.
type DeviceInfo struct {
	V          int    `json:"v"`
	Device     string `json:"device"`
	Holder     string `json:"holder"`
	State      string `json:"state"` // pending, active, locked, suspended, frozen, expired
	TriesLeft  int    `json:"tries_left"`
	ExpiresAt  int64  `json:"expires_at"`
	Time       int64  `json:"time"`
	Label      string `json:"label"` // what the holder calls this phone
	EnrolledAt int64  `json:"enrolled_at"`
	Check      string `json:"check"`   // two digits, while pending
	Name       string `json:"name"`    // of the holder, as he practises
	Devices    int    `json:"devices"` // phones of this holder, this one included
	Offline    bool   `json:"offline"` // this phone has an offline code
	Vapid      string `json:"vapid"`   // public key of this provider's pushes (RFC 8292), empty if it sends none
	Push       bool   `json:"push"`    // a push service reaches this phone
}

// Problem is every refusal of the API.
type Problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Time   int64  `json:"time"` // the provider's clock, so that a phone can mend its own
	// TriesLeft stands with PF-EC-036 and PF-EC-015.
	TriesLeft *int `json:"tries_left,omitempty"`
	// Moved tells that the provider has taken the answer's next ratchet.
	Moved bool `json:"moved,omitempty"`
}
