package audit

// DeviceInvited says that a holder may enrol a phone.
type DeviceInvited struct {
	Subject    string `json:"subject"`
	Invitation string `json:"invitation"`    // public reference, never the secret
	Way        string `json:"way,omitempty"` // card | contact | transfer | sandbox (PG-12)
}

// DeviceEnrolled says that a phone became a means of identification.
type DeviceEnrolled struct {
	Subject    string `json:"subject"`
	Device     string `json:"device"`
	Invitation string `json:"invitation"`
	Model      string `json:"model,omitempty"` // class of key protection, as enrolled
	Way        string `json:"way,omitempty"`   // how its holder activated it
}

// DevicePINFailed says that a valid device signature came with a wrong PIN signature.
type DevicePINFailed struct {
	Subject  string `json:"subject"`
	Device   string `json:"device"`
	Request  string `json:"request"`
	Failures int    `json:"failures"` // in a row, this one included
}

// DeviceLocked says that three PINs in a row were wrong, or that an operator locked the phone.
type DeviceLocked struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
	Reason  string `json:"reason"`
}

// DeviceUnlocked says that the lock was lifted.
type DeviceUnlocked struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
	Reason  string `json:"reason"`
}

// DeviceSuspended says that the holder or an operator froze the phone.
type DeviceSuspended struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
	Reason  string `json:"reason"`
}

// DeviceRevoked says that the phone is no means of identification any more.
type DeviceRevoked struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
	Reason  string `json:"reason"`
}

// DeviceExpired says that the validity of the e-CPS came to its end (PG-19).
type DeviceExpired struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
}

// ApprovalGiven says that the holder approved a login on his phone.
type ApprovalGiven struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
	Client  string `json:"client"`
	Request string `json:"request"`
}

// ApprovalRefused says that the holder refused, or picked a wrong number.
type ApprovalRefused struct {
	Subject string `json:"subject"`
	Device  string `json:"device"`
	Client  string `json:"client"`
	Request string `json:"request"`
	Reason  string `json:"reason"` // refused | wrong_number | not_me
}

func (DeviceInvited) event() string   { return "device.invited" }
func (DeviceEnrolled) event() string  { return "device.enrolled" }
func (DevicePINFailed) event() string { return "device.pin_failed" }
func (DeviceLocked) event() string    { return "device.locked" }
func (DeviceUnlocked) event() string  { return "device.unlocked" }
func (DeviceSuspended) event() string { return "device.suspended" }
func (DeviceRevoked) event() string   { return "device.revoked" }
func (DeviceExpired) event() string   { return "device.expired" }
func (ApprovalGiven) event() string   { return "approval.given" }
func (ApprovalRefused) event() string { return "approval.refused" }
