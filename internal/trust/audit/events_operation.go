package audit

// RegisterImported says that a new state of the register was judged (PG-02).
type RegisterImported struct {
	Source      string `json:"source"`      // kind of extract: public | restricted | finess | savoir-faire
	Fingerprint string `json:"fingerprint"` // SHA-256 of the file
	Rows        uint64 `json:"rows"`
	Persons     uint64 `json:"persons"`
	Added       uint64 `json:"added"`
	Changed     uint64 `json:"changed"`
	Closed      uint64 `json:"closed"`
	Rejected    uint64 `json:"rejected"`
	Accepted    bool   `json:"accepted"`
	Overridden  bool   `json:"overridden"`       // a person accepted what the guard rails refused
	Reason      string `json:"reason,omitempty"` // name of the guard rail that refused
}

// KeyRotated says that a signing key changed its state (PG-37).
type KeyRotated struct {
	Alg   string `json:"alg"`
	Kid   string `json:"kid"`
	State string `json:"state"` // next | active | retired | purged
}

// KeyDropped says that a signing key left the set at once, with all it signed. A
// node that was not running says so when it starts.
type KeyDropped struct {
	Alg      string `json:"alg"`
	Kid      string `json:"kid"`
	Operator string `json:"operator"`
	Reason   string `json:"reason"` // compromised | lost | exercise
	At       string `json:"at"`     // RFC 3339
}

// ConfigChanged says that a configuration took effect, or a broken one was refused.
type ConfigChanged struct {
	Fingerprint string `json:"fingerprint"`
	Accepted    bool   `json:"accepted"`
}

// ClockMoved says that the sandbox moved its clock. Never outside it.
type ClockMoved struct {
	Seconds int64 `json:"seconds"`
}

// AdminAction is what an operator may do to a holder; the list is closed.
type AdminAction string

// The acts of an operator.
const (
	HolderLocked    AdminAction = "holder.locked"
	HolderSuspended AdminAction = "holder.suspended"
	HolderExpired   AdminAction = "holder.expired"
	HolderForgotten AdminAction = "holder.forgotten"
	HolderFrozen    AdminAction = "holder.frozen"
)

// AdminActed says that an operator acted on a holder.
type AdminActed struct {
	Operator string      `json:"operator"`
	Action   AdminAction `json:"action"`
	Subject  string      `json:"subject"`
}

// ServiceStarted says that a node began to serve.
type ServiceStarted struct {
	Environment string `json:"environment"` // production | sandbox
	Issuer      string `json:"issuer"`
	Fingerprint string `json:"fingerprint"` // of the configuration
	TimeSource  string `json:"time_source"` // system | manual (PG-61: when, and by which clock)
}

// ServiceStopped says that a node stopped in order.
type ServiceStopped struct {
	Reason string `json:"reason"` // signal | failure
}

func (RegisterImported) event() string { return "register.imported" }
func (KeyRotated) event() string       { return "key.rotated" }
func (KeyDropped) event() string       { return "key.dropped" }
func (ConfigChanged) event() string    { return "config.changed" }
func (ClockMoved) event() string       { return "clock.moved" }
func (AdminActed) event() string       { return "admin.acted" }
func (ServiceStarted) event() string   { return "service.started" }
func (ServiceStopped) event() string   { return "service.stopped" }
