package ecps

// Public codes of the e-CPS, the same on pages, in logs, on the phone and in
// the documentation (ux.md 3.5). The texts belong to whoever shows them.
const (
	CodeExpired     = "PF-EC-010" // nobody answered in time
	CodeNotReceived = "PF-EC-011" // no phone has fetched the request yet
	CodeWrongNumber = "PF-EC-012" // the number picked is not the one of the page
	CodeOpening     = "PF-EC-013" // registered less than 48 h ago
	CodeEnded       = "PF-EC-014" // three years are over (S-68)
	CodeLocked      = "PF-EC-015" // three wrong PINs in a row (PG-15)
	CodeSuspended   = "PF-EC-016" // suspended by the holder, or two phones claim to be one
	CodeClosed      = "PF-EC-017" // the record of the person is closed (S-94)
	CodeNone        = "PF-EC-018" // this person has no e-CPS, or none any more
	CodeRefused     = "PF-EC-019" // the holder refused on the phone
	CodeSuperseded  = "PF-EC-020" // a newer login of the same browser took over
	CodeCancelled   = "PF-EC-021" // cancelled on the page
	CodeFrozen      = "PF-EC-022" // the holder said that it was not he: all is frozen
	CodePending     = "PF-EC-023" // a new phone that its holder has not confirmed yet
	CodeOfflineCode = "PF-EC-024" // the offline code is wrong, used, or too many were tried
)

// Codes that only a phone sees.
const (
	CodeCall            = "PF-EC-030" // the call is not signed by a device we know
	CodeClock           = "PF-EC-031" // the phone's clock is too far from ours
	CodeReplay          = "PF-EC-032" // this very call was already received
	CodeMalformed       = "PF-EC-033" // the message cannot be read
	CodeNoRequest       = "PF-EC-034" // no such request for this phone
	CodeAnswered        = "PF-EC-035" // the request is already answered, or is being answered
	CodeWrongPIN        = "PF-EC-036" // wrong PIN; the answer says how many tries are left
	CodeCloned          = "PF-EC-037" // another copy of this phone was used: suspended
	CodeInvitation      = "PF-EC-038" // the invitation is unknown, used or too old
	CodeTrivialPIN      = "PF-EC-039" // a PIN anybody would try first (PG-15)
	CodeBusy            = "PF-EC-040" // too many streams of one phone
	CodeActivationWrong = "PF-EC-041" // an activation secret is wrong
	CodeActivation      = "PF-EC-042" // the activation is over: too old, too many tries, or used
	CodeStart           = "PF-EC-043" // the QR or link of a login page is too old, or used
	CodeSameMeans       = "PF-EC-044" // this needs another means than the one that is stopped
)
