package ecps

// Paths under the base of the API.
const (
	PathParameters  = "/parameters"
	PathActivations = "/activations"
	PathDevices     = "/devices"
	PathDevice      = "/device"
	PathRequests    = "/requests"
	PathEvents      = "/events"
	PathStarts      = "/starts"
	PathActs        = "/acts"
	PathHistory     = "/history"
	PathFreeze      = "/freeze"
	PathPush        = "/push"
	PathDiagnoses   = "/diagnoses"
)

// What the fragment of the app's address may carry. A fragment is sent to no
// server, so that no log keeps it.
const (
	FragmentInvitation = "i" // a code that lets a phone enrol
	FragmentOffer      = "t" // the hash of a new phone's device key
	FragmentStart      = "l" // a login page's QR
	FragmentHere       = "h" // a login page on this very phone
)
