package audit

// FailureKind is a kind of failure a stranger can cause; the list is closed.
type FailureKind string

// What strangers fail at.
const (
	FailureClientAuth    FailureKind = "client_auth"    // wrong client credentials
	FailureAuthorization FailureKind = "authorization"  // an authorization request that cannot be answered
	FailureCode          FailureKind = "code"           // unknown, expired or foreign code
	FailureRefresh       FailureKind = "refresh"        // unknown or forged refresh token
	FailureAccessToken   FailureKind = "access_token"   // unknown or expired token at UserInfo
	FailureIntrospection FailureKind = "introspection"  // token of nobody, or of another service
	FailureRevocation    FailureKind = "revocation"     // as above, at revocation
	FailureIdentifier    FailureKind = "identifier"     // login with an identifier that leads nowhere
	FailureDeviceAuth    FailureKind = "device_auth"    // call of the device API without a valid device signature
	FailureEnrolment     FailureKind = "enrolment"      // unknown or used invitation
	FailureCard          FailureKind = "card"           // answer that no card is proven to have signed
	FailureRemoval       FailureKind = "card_removal"   // report of a pulled card without its secret
	FailureCSRF          FailureKind = "csrf"           // form that is not from our page
	FailureBrowser       FailureKind = "browser"        // request of another browser
	FailureLogout        FailureKind = "logout"         // logout with a hint that is not ours
	FailureRegistration  FailureKind = "registration"   // registration without a right to it
	FailureOperator      FailureKind = "operator"       // admin API with a certificate that no operator has
	FailureRateLimit     FailureKind = "rate_limit"     // too many tries
	FailureMalformed     FailureKind = "malformed"      // request no parser accepts
	FailureInternalError FailureKind = "internal_error" // ours, seen by a stranger
)

// Failure is one vain try of somebody who has proven nothing. Log.Failure
// counts it; it never becomes a record of its own.
type Failure struct {
	Kind FailureKind
	Code string // public code, "PF-ID-002" or an OAuth error
}

// failureKinds is the closed list.
var failureKinds = map[FailureKind]bool{
	FailureClientAuth: true, FailureAuthorization: true, FailureCode: true, FailureRefresh: true,
	FailureAccessToken: true, FailureIntrospection: true, FailureRevocation: true, FailureIdentifier: true,
	FailureDeviceAuth: true, FailureEnrolment: true, FailureCSRF: true, FailureBrowser: true,
	FailureRegistration: true, FailureOperator: true,
	FailureCard: true, FailureRemoval: true, FailureLogout: true, FailureRateLimit: true, FailureMalformed: true, FailureInternalError: true,
}

// known maps a kind outside the list to one inside it: the list stays closed
// whatever a caller makes up.
func (k FailureKind) known() FailureKind {
	if failureKinds[k] {
		return k
	}
	return FailureMalformed
}
