package ecps

// ActSubmission carries a signed act.
type ActSubmission struct {
	Act string `json:"act"`
}

// ActDone confirms an act. The ratchet has moved.
type ActDone struct {
	V         int     `json:"v"`
	Kind      ActKind `json:"act"`
	Result    string  `json:"result"`     // of a transfer: the invitation for the new phone
	WrongPINs int     `json:"wrong_pins"` // since the last right one
}

// ActivationAsk begins way B (S-63).
type ActivationAsk struct {
	Identifier string `json:"identifier"`
}

// Activation is the same answer for everybody, known or not.
type Activation struct {
	V         int    `json:"v"`
	ID        string `json:"activation"`
	ExpiresAt int64  `json:"expires_at"`
}

// ActivationSecret is one of the two secrets, as typed.
type ActivationSecret struct {
	Channel string `json:"channel"` // mail, sms
	Secret  string `json:"secret"`
}

// ActivationState is how far an activation has come.
type ActivationState struct {
	V          int      `json:"v"`
	Proven     []string `json:"proven"`     // channels whose secret was right
	OpensAt    int64    `json:"opens_at"`   // end of the 48 h (S-37), 0 when they are over
	Invitation string   `json:"invitation"` // once both are proven: the code to enrol with
}

// DeviceLine is one phone in the list of the holder's phones.
type DeviceLine struct {
	Device     string `json:"device"`
	Label      string `json:"label"`
	State      string `json:"state"`
	EnrolledAt int64  `json:"enrolled_at"`
	UsedAt     int64  `json:"used_at"`
	ExpiresAt  int64  `json:"expires_at"`
	This       bool   `json:"this"`
}

// Devices are all phones of the holder.
type Devices struct {
	V       int          `json:"v"`
	Devices []DeviceLine `json:"devices"`
}

// DeviceLabel renames this phone.
type DeviceLabel struct {
	Label string `json:"label"`
}

// SignIn is one login of the holder (PG-69).
type SignIn struct {
	ID      string `json:"id"`
	At      int64  `json:"at"`
	Service string `json:"service"`
	Means   string `json:"means"`
	Asker   string `json:"asker"`
	Device  string `json:"device"` // label of the phone, number of the card
	State   string `json:"state"`  // good, contested
}

// History is the holder's last logins, newest first.
type History struct {
	V       int      `json:"v"`
	SignIns []SignIn `json:"sign_ins"`
}

// FreezeAsk says "this was not me", of one login or in general.
type FreezeAsk struct {
	SignIn string `json:"sign_in"`
}

// FreezeDone tells what the freeze has stopped.
type FreezeDone struct {
	V        int   `json:"v"`
	FrozenAt int64 `json:"frozen_at"`
	Sessions int   `json:"sessions"`
}

// PushSubscription is where a push service reaches this phone (RFC 8030), as
// the browser gave it.
type PushSubscription struct {
	Endpoint string `json:"endpoint"`
	P256DH   string `json:"p256dh"`
	Auth     string `json:"auth"`
}

// Start claims a login page's QR or link for this phone's holder.
type Start struct {
	Token string `json:"token"`
	Here  bool   `json:"here"` // the page is in this phone's own browser
}

// DiagnosisAsk is what the phone can tell of itself.
type DiagnosisAsk struct {
	Skew          int64  `json:"skew"`          // seconds, of its clock against ours
	Notifications string `json:"notifications"` // granted, denied, default, unsupported
	Subscribed    bool   `json:"subscribed"`
	Version       string `json:"version"` // of the app
}

// DiagnosisStep is one link of the chain.
type DiagnosisStep struct {
	Name string `json:"name"` // register, right, device, push, clock
	OK   bool   `json:"ok"`
}

// Diagnosis names the broken link, and a code under which support sees the same.
type Diagnosis struct {
	V      int             `json:"v"`
	Code   string          `json:"code"`
	Broken string          `json:"broken"` // empty when nothing is
	Steps  []DiagnosisStep `json:"steps"`
}
