package audit

// ActivationProven says that one of the two secrets came back right (PG-12).
type ActivationProven struct {
	Subject    string `json:"subject"`
	Activation string `json:"activation"` // public reference, never the secret
	Channel    string `json:"channel"`    // mail | sms
}

// DeviceConfirmed says that the holder confirmed, with another means, that a new phone is his.
type DeviceConfirmed struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
}

// DevicePINChanged says that the holder changed the PIN of a phone, with the old one.
type DevicePINChanged struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
}

// OfflineCodeSet says that a phone can show codes without a network.
type OfflineCodeSet struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
}

// DeviceResumed says that a suspended phone is good again.
type DeviceResumed struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
	By      string `json:"by"` // means of the holder, or "support"
}

// DeviceLeaving says that the holder moved to a new phone and when the old one ends.
type DeviceLeaving struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
	Next    string `json:"next"` // the new phone
}

// StrangersSilenced says that a holder refused so often that browsers he has not
// used reach his phone no more for a while (PG-18).
type StrangersSilenced struct {
	Subject  string `json:"subject"`
	Refusals int    `json:"refusals"` // in a row
	Seconds  int64  `json:"seconds"`
}

// HolderFroze says that a person contested a login or a request: all he has open
// ends, and his phones stop (PG-18, PG-69).
type HolderFroze struct {
	Subject string `json:"subject"`
	Means   string `json:"means"`             // he said it with
	Ref     string `json:"ref,omitempty"`     // phone or card of it
	SignIn  string `json:"sign_in,omitempty"` // reference of the contested login
}

// HolderUnfroze says that the freeze was undone, by another means.
type HolderUnfroze struct {
	Subject string `json:"subject"`
	Means   string `json:"means"`
	Ref     string `json:"ref,omitempty"`
}

// SupportAsked says that one person of support asked for an act on an e-CPS.
type SupportAsked struct {
	Operator string `json:"operator"`
	Order    string `json:"order"`
	Act      string `json:"act"` // suspend | resume | revoke
	Subject  string `json:"subject"`
	Device   string `json:"device,omitempty"` // empty: every phone
	Reason   string `json:"reason"`           // reference of the case, never prose
}

// SupportConfirmed says that a second person confirmed it, and it was done (PG-25).
type SupportConfirmed struct {
	Operator string `json:"operator"`
	Order    string `json:"order"`
	Act      string `json:"act"`
	Subject  string `json:"subject"`
	Device   string `json:"device,omitempty"`
}

// SupportLooked says that a person of support opened what is known of an e-CPS.
type SupportLooked struct {
	Operator string `json:"operator"`
	Subject  string `json:"subject"`
}

func (ActivationProven) event() string  { return "activation.proven" }
func (DeviceConfirmed) event() string   { return "device.confirmed" }
func (DevicePINChanged) event() string  { return "device.pin_changed" }
func (OfflineCodeSet) event() string    { return "device.offline_code_set" }
func (DeviceResumed) event() string     { return "device.resumed" }
func (DeviceLeaving) event() string     { return "device.leaving" }
func (StrangersSilenced) event() string { return "strangers.silenced" }
func (HolderFroze) event() string       { return "holder.froze" }
func (HolderUnfroze) event() string     { return "holder.unfroze" }
func (SupportAsked) event() string      { return "support.asked" }
func (SupportConfirmed) event() string  { return "support.confirmed" }
func (SupportLooked) event() string     { return "support.looked" }
