package audit

// ClientChanged says that a relying service was registered, changed or removed:
// by a file (nobody is named), by an operator, or by itself (RFC 7592).
type ClientChanged struct {
	Client      string `json:"client"`
	Change      string `json:"change"` // added | changed | removed | refused | disabled | enabled | secret_rotated
	Fingerprint string `json:"fingerprint"`
	Operator    string `json:"operator,omitempty"` // "client:<id>" when the service changed its own
	Reason      string `json:"reason,omitempty"`   // reference of the case, never prose
	Token       string `json:"token,omitempty"`    // reference of the initial token it registered with
}

// InitialTokenChanged says that a right to register was given or taken back.
// Its use is told by the ClientChanged that names it.
type InitialTokenChanged struct {
	Token    string `json:"token"`  // reference, never the token
	Change   string `json:"change"` // issued | revoked
	Owner    string `json:"owner"`  // legal person that may register
	Uses     int64  `json:"uses,omitempty"`
	Operator string `json:"operator"`
	Reason   string `json:"reason"`
}

func (ClientChanged) event() string       { return "client.changed" }
func (InitialTokenChanged) event() string { return "registration.token_changed" }
