package cps

import "net/http"

// Status is the bridge's answer to GET /v1/status. It never tells who holds the
// card: no certificate, no serial number.
type Status struct {
	Bridge    string         `json:"bridge"` // "card-bridge"
	Version   string         `json:"version"`
	Protocols []string       `json:"protocols"`
	Readers   []StatusReader `json:"readers"`
}

// StatusReader is one reader; it is named by its place in the list only.
type StatusReader struct {
	ID     int    `json:"id"`
	State  string `json:"state"` // empty | present | mute | busy
	Card   string `json:"card"`  // cps3 | cps4 | contactless | unknown | none
	PINPad bool   `json:"pinpad"`
}

// Ask is the body of POST /v1/authenticate.
type Ask struct {
	Protocol  string `json:"protocol"`
	Challenge string `json:"challenge"` // compact JWS
}

// Cancel is the body of POST /v1/cancel.
type Cancel struct {
	ID string `json:"jti"`
}

// Removal is the body of POST RemovalPath at the provider: the card is gone.
type Removal struct {
	ID     string `json:"jti"`
	Secret string `json:"removal"`
}

// Problem is the body of every refusal of the bridge.
type Problem struct {
	Error     BridgeError `json:"error"`
	TriesLeft *int        `json:"tries_left,omitempty"` // with pin_incorrect and pin_blocked
}

// BridgeError is one of the closed list of the protocol.
type BridgeError string

// The closed list (cps-card.md section 8, and two words for what it has none
// for: request_invalid and window_unavailable).
const (
	OriginNotAllowed   BridgeError = "origin_not_allowed"
	BadHost            BridgeError = "bad_host"
	RequestInvalid     BridgeError = "request_invalid" // not JSON, too large, without the preflight header, of another protocol
	ChallengeInvalid   BridgeError = "challenge_invalid"
	ChallengeExpired   BridgeError = "challenge_expired"
	BridgeBusy         BridgeError = "busy"
	NoReader           BridgeError = "no_reader"
	NoCard             BridgeError = "no_card"
	CardNotSupported   BridgeError = "card_not_supported"
	ContactlessRefused BridgeError = "contactless_refused"
	CertificateExpired BridgeError = "certificate_expired"
	UserCancelled      BridgeError = "user_cancelled"
	PINIncorrect       BridgeError = "pin_incorrect"
	PINBlocked         BridgeError = "pin_blocked"
	CardRemoved        BridgeError = "card_removed"
	Timeout            BridgeError = "timeout"
	CardError          BridgeError = "card_error"
	WindowUnavailable  BridgeError = "window_unavailable" // no pinentry, no terminal
)

// bridgeErrors is the one table from the protocol's words to status and code.
var bridgeErrors = map[BridgeError]struct {
	status int
	code   string
}{
	OriginNotAllowed:   {http.StatusForbidden, CodeNotAllowed},
	BadHost:            {http.StatusMisdirectedRequest, CodeNotAllowed},
	RequestInvalid:     {http.StatusBadRequest, CodeChallengeInvalid},
	ChallengeInvalid:   {http.StatusBadRequest, CodeChallengeInvalid},
	ChallengeExpired:   {http.StatusBadRequest, CodeChallengeExpired},
	BridgeBusy:         {http.StatusConflict, CodeBusy},
	NoReader:           {http.StatusConflict, CodeNoReader},
	NoCard:             {http.StatusConflict, CodeNoCard},
	CardNotSupported:   {http.StatusConflict, CodeCardUnknown},
	ContactlessRefused: {http.StatusConflict, CodeContactless},
	CertificateExpired: {http.StatusConflict, CodeCardExpired},
	UserCancelled:      {http.StatusConflict, CodeCancelled},
	PINIncorrect:       {http.StatusConflict, CodePINWrong},
	PINBlocked:         {http.StatusLocked, CodePINBlocked},
	CardRemoved:        {http.StatusConflict, CodeCardRemoved},
	Timeout:            {http.StatusRequestTimeout, CodeTimeout},
	CardError:          {http.StatusBadGateway, CodeCardError},
	WindowUnavailable:  {http.StatusServiceUnavailable, CodeNoWindow},
}

// BridgeErrors lists the closed list, in no order.
func BridgeErrors() []BridgeError {
	list := make([]BridgeError, 0, len(bridgeErrors))
	for e := range bridgeErrors {
		list = append(list, e)
	}
	return list
}

// Status gives the HTTP status of the error; 502 for a word outside the list.
func (e BridgeError) Status() int {
	if row, ok := bridgeErrors[e]; ok {
		return row.status
	}
	return http.StatusBadGateway
}

// Code gives the public code of the error.
func (e BridgeError) Code() string {
	if row, ok := bridgeErrors[e]; ok {
		return row.code
	}
	return CodeCardError
}
