package cps

// Public codes of the card (ux.md 3.5), the same on pages, in logs and in the
// documentation. The texts belong to whoever shows them.
//
// What the page learns from the bridge, or from its absence:
const (
	CodePermission       = "PF-CA-018" // the browser was not allowed to reach the bridge
	CodeNoBridge         = "PF-CA-019" // no bridge answers on this computer
	CodeNoReader         = "PF-CA-020"
	CodePINWrong         = "PF-CA-021"
	CodeNoCard           = "PF-CA-024"
	CodeCardUnknown      = "PF-CA-025" // the card does not answer, or is none of ours
	CodeContactless      = "PF-CA-026" // proves a card, not a person
	CodePINBlocked       = "PF-CA-027"
	CodeCardRemoved      = "PF-CA-028"
	CodeCancelled        = "PF-CA-029"
	CodeTimeout          = "PF-CA-030"
	CodeBusy             = "PF-CA-031" // another login, or another program, holds the card
	CodeCardError        = "PF-CA-032"
	CodeNotAllowed       = "PF-CA-033" // the bridge is not set up for this provider
	CodeChallengeInvalid = "PF-CA-034" // the bridge does not believe the challenge
	CodeChallengeExpired = "PF-CA-035"
	CodeCardExpired      = "PF-CA-036" // the bridge saw the end date before asking for the code
	CodeNoWindow         = "PF-CA-037" // the bridge cannot show its window for the PIN
)

// What the provider finds when it judges an answer, in the order of its checks:
const (
	CodeNotWaiting    = "PF-CA-040" // 1: no challenge waits: expired, already used, or the card was pulled
	CodeForeign       = "PF-CA-041" // 1: a challenge of another login or browser
	CodeAnswerInvalid = "PF-CA-042" // 2: the answer cannot be read
	CodeCertMalformed = "PF-CA-043" // 3: too large, unreadable or too weak a key
	CodeUntrusted     = "PF-CA-044" // 3: no pinned authority issued it
	CodeTestCard      = "PF-CA-045" // 3: a test card in production
	CodeNotValidNow   = "PF-CA-046" // 4: before or after its validity (S-51)
	CodeWrongKey      = "PF-CA-047" // 4: not the authentication certificate of a card
	CodeNotAccepted   = "PF-CA-048" // 4: policy, card type or card number not accepted here
	CodeSignature     = "PF-CA-049" // 5: not signed over this login by this card
	CodeRevoked       = "PF-CA-050" // 6: revoked by its authority
	CodeUnconfirmed   = "PF-CA-051" // 6: neither OCSP nor a fresh CRL can confirm it
	CodeOpposed       = "PF-CA-022" // 6: put in opposition here
	CodeUnknownHolder = "PF-CA-052" // 7: the register does not know the holder
	CodeClosedHolder  = "PF-CA-053" // 7: the holder's record is closed (S-94)
	CodePulled        = "PF-CA-054" // the card was pulled before the login was finished
)
