package wallet

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

func TestApprovalGivesOneProof(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	k.clock.Advance(3 * time.Second)
	receipt, err := h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	if receipt.State != "approved" || k.state(p.ID) != Approved {
		t.Fatalf("receipt %+v, state %s", receipt, k.state(p.ID))
	}
	proof, err := k.Consume(k.ctx, p.ID)
	k.must(err)
	if proof.Holder != doctor || proof.Device != h.id || !proof.At.Equal(start.Add(3*time.Second)) {
		t.Fatalf("proof %+v", proof)
	}
	if _, err := k.Consume(k.ctx, p.ID); !fault.Is(err, fault.Used) {
		t.Fatalf("second proof: %v", err)
	}
	if e := k.trace.Events(); !slices.Contains(e, audit.Event(audit.ApprovalGiven{Subject: doctor.String(), Device: h.id, Client: "dmp", Request: p.ID})) {
		t.Fatalf("no trace of the approval in %v", e)
	}
}

// race runs f a hundred times at once and counts the successes.
func race(f func() error) (won int64, lost []error) {
	const callers = 100
	var wg sync.WaitGroup
	var wins atomic.Int64
	errs := make([]error, callers)
	gate := make(chan struct{})
	for i := range callers {
		wg.Go(func() {
			<-gate
			if errs[i] = f(); errs[i] == nil {
				wins.Add(1)
			}
		})
	}
	close(gate)
	wg.Wait()
	return wins.Load(), slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func TestHundredParallelApprovalsHaveOneWinner(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	r, _ := h.sees(p.ID)
	token, _ := h.token(r, p.Number, rightPIN)
	d := h.device()
	won, lost := race(func() error { _, err := k.Answer(k.ctx, d, p.ID, token); return err })
	if won != 1 {
		t.Fatalf("%d winners", won)
	}
	for _, err := range lost {
		k.wants(err, ecps.CodeAnswered)
	}
	info, err := k.Info(k.ctx, d)
	k.must(err)
	if info.State != stateActive {
		t.Fatalf("an answer sent twice made the phone %s", info.State)
	}
	won, lost = race(func() error { _, err := k.Consume(k.ctx, p.ID); return err })
	if won != 1 {
		t.Fatalf("%d consumers", won)
	}
	for _, err := range lost {
		if !fault.Is(err, fault.Used) {
			t.Fatal(err)
		}
	}
}

// A thief with the phone tries PINs on many logins at once, from two copies: no
// interleaving may give him a fourth try.
func TestParallelPINGuessesNeverExceedThree(t *testing.T) {
	k := newKit(t, func(d *Deps) { d.Limits = DefaultLimits(); d.Limits.Open, d.Limits.PerHolder = 50, 50 })
	h := k.handset(doctor)
	var tokens []string
	var ids []string
	for range 20 {
		p := k.open(doctor)
		r, _ := h.sees(p.ID)
		token, _ := h.token(r, p.Number, badPIN)
		tokens, ids = append(tokens, token), append(ids, p.ID)
	}
	d := h.device()
	var next atomic.Int64
	race(func() error {
		i := int(next.Add(1)) % len(ids)
		_, err := k.Answer(k.ctx, d, ids[i], tokens[i])
		return err
	})
	tried := 0
	for _, e := range k.trace.Events() {
		if _, ok := e.(audit.DevicePINFailed); ok {
			tried++
		}
	}
	if tried > MaxPINFailures {
		t.Fatalf("%d PINs were judged", tried)
	}
	row, err := k.deviceByID(k.ctx, h.id)
	k.must(err)
	if row.state == stateActive {
		t.Fatal("the phone is still active")
	}
}

func TestWrongNumberRefusesAndTheNextIsTyped(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	k.must(k.RememberBrowser(k.ctx, "b", doctor))
	mine := func(a *Ask) { a.Browser = "b" }
	p := k.open(doctor, mine)
	_, err := h.answers(p.ID, other(p.Number), badPIN)
	k.wants(err, ecps.CodeWrongNumber)
	if got, _ := k.Status(k.ctx, p.ID); got.State != Refused || got.Reason != ecps.CodeWrongNumber {
		t.Fatalf("page sees %+v", got)
	}
	info, err := k.Info(k.ctx, h.device())
	k.must(err)
	if info.TriesLeft != MaxPINFailures {
		t.Fatal("a wrong number told something of the PIN")
	}
	p = k.open(doctor, mine)
	r, _ := h.sees(p.ID)
	if !p.Typed || !r.Typed || len(r.Choices) != 0 {
		t.Fatalf("after a refusal the digits must be typed: page %v phone %v", p.Typed, r)
	}
	_, err = h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	if p = k.open(doctor, mine); p.Typed {
		t.Fatal("after an approval the holder picks again")
	}
}

func TestRefusalNeedsNoPINAndEndsTheLogin(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	_, err := h.answers(p.ID, "", "", refusing)
	k.must(err)
	got, err := k.Status(k.ctx, p.ID)
	k.must(err)
	if got.State != Refused || got.Reason != ecps.CodeRefused {
		t.Fatalf("page sees %+v", got)
	}
	_, err = k.Consume(k.ctx, p.ID)
	k.wants(err, ecps.CodeRefused)
}

func TestThreeWrongPINsLock(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	k.must(k.RememberBrowser(k.ctx, "b", doctor))
	p := k.open(doctor, func(a *Ask) { a.Browser = "b" })
	for left := 2; left >= 1; left-- {
		_, err := h.answers(p.ID, p.Number, badPIN)
		k.wants(err, ecps.CodeWrongPIN)
		rejection, ok := errors.AsType[*Rejection](err)
		if !ok || *rejection.TriesLeft != left {
			t.Fatalf("tries left: %v, want %d", err, left)
		}
		if k.state(p.ID) != Open {
			t.Fatal("a wrong PIN ended the request")
		}
	}
	_, err := h.answers(p.ID, p.Number, badPIN)
	k.wants(err, ecps.CodeLocked)
	if got, _ := k.Status(k.ctx, p.ID); got.State != Refused || got.Reason != ecps.CodeLocked {
		t.Fatalf("page sees %+v", got)
	}
	_, err = k.Waiting(k.ctx, h.device())
	k.wants(err, ecps.CodeLocked)
	_, err = k.Open(k.ctx, k.ask(doctor, func(a *Ask) { a.Browser = "b" }))
	k.wants(err, ecps.CodeLocked)
}

func TestRightPINForgivesEarlierOnesAndTellsTheirNumber(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	for range 3 {
		p := k.open(doctor)
		for range 2 {
			_, err := h.answers(p.ID, p.Number, badPIN)
			k.wants(err, ecps.CodeWrongPIN)
		}
		receipt, err := h.answers(p.ID, p.Number, rightPIN)
		k.must(err)
		if receipt.WrongPINs != 2 {
			t.Fatalf("holder was told of %d wrong PINs", receipt.WrongPINs)
		}
	}
}

// Whoever lacks the device key, or points at a request that is not open, must
// not be able to lock a phone.
func TestOnlyAValidSignatureOnALiveRequestCountsAgainstThePIN(t *testing.T) {
	k := newKit(t)
	h, thief := k.handset(doctor), k.handset(nurse)
	p := k.open(doctor)
	r, _ := h.sees(p.ID)
	forged := *thief
	forged.id, forged.holder, forged.rat = h.id, h.holder, h.rat
	for range 5 {
		token, _ := forged.token(r, p.Number, badPIN)
		_, err := k.Answer(k.ctx, h.device(), p.ID, token)
		k.wants(err, ecps.CodeCall)
		own, _ := thief.token(r, p.Number, badPIN)
		_, err = k.Answer(k.ctx, thief.device(), p.ID, own)
		k.wants(err, ecps.CodeNoRequest)
	}
	k.must(k.Cancel(k.ctx, p.ID))
	for range 5 {
		token, _ := h.token(r, p.Number, badPIN)
		_, err := k.Answer(k.ctx, h.device(), p.ID, token)
		k.wants(err, ecps.CodeAnswered)
	}
	info, err := k.Info(k.ctx, h.device())
	k.must(err)
	if info.State != stateActive || info.TriesLeft != MaxPINFailures {
		t.Fatalf("phone %+v", info)
	}
}

// Every field of what was shown is signed: a signature cannot be carried over.
func TestSignatureOfAnotherRequestIsRefused(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	for name, change := range map[string]func(*ecps.Answer){
		"issuer":      func(a *ecps.Answer) { a.Issuer = "https://evil.example" },
		"holder":      func(a *ecps.Answer) { a.Holder = nurse.String() },
		"service":     func(a *ecps.Answer) { a.Service = "other" },
		"name":        func(a *ecps.Answer) { a.Name = "Autre service" },
		"asker":       func(a *ecps.Answer) { a.Asker = ecps.AskerTablet },
		"transaction": func(a *ecps.Answer) { a.Transaction = a.Next },
		"past":        func(a *ecps.Answer) { a.Time -= 61 },
		"future":      func(a *ecps.Answer) { a.Time += 31 },
	} {
		_, err := h.answers(p.ID, p.Number, rightPIN, change)
		if !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if k.state(p.ID) != Open {
		t.Fatal("the request moved")
	}
}

func TestClonedPhoneIsFound(t *testing.T) {
	for _, first := range []string{rightPIN, badPIN} {
		k := newKit(t)
		h := k.handset(doctor)
		copied := *h
		p := k.open(doctor)
		_, err := copied.answers(p.ID, p.Number, first) // the thief, with the right PIN or guessing
		if first == badPIN {
			k.wants(err, ecps.CodeWrongPIN)
			p = k.open(doctor)
		} else {
			k.must(err)
			p = k.open(doctor)
		}
		_, err = h.answers(p.ID, p.Number, rightPIN)
		k.wants(err, ecps.CodeCloned)
		info, err := k.Info(k.ctx, h.device())
		k.must(err)
		if info.State != stateSuspended || k.state(p.ID) != Refused {
			t.Fatalf("phone %s, request %s", info.State, k.state(p.ID))
		}
	}
}

// The answer arrived, its receipt did not: the phone sends both values next
// time and is not taken for a copy of itself.
func TestLostReceiptIsNoClone(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	r, _ := h.sees(p.ID)
	token, next := h.token(r, p.Number, rightPIN)
	_, err := k.Answer(k.ctx, h.device(), p.ID, token)
	k.must(err)
	h.rat = append(h.rat, next)
	p = k.open(doctor)
	_, err = h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
}

func TestActWithoutTraceIsRefused(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	k.trace.Break(errors.New("disk full"))
	_, err := h.answers(p.ID, p.Number, rightPIN)
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("approval without a trace: %v", err)
	}
	if k.state(p.ID) != Open {
		t.Fatal("an approval without a trace reached the page")
	}
	_, err = h.answers(p.ID, other(p.Number), rightPIN)
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("refusal without a trace: %v", err)
	}
	k.trace.Break(nil)
	_, err = h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
}

func TestClosedRecordCannotApprove(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	k.dir.set([]rpps.NationalID{doctor, oldADELI}, func(p *rpps.Professional) { p.Closed = true })
	_, err := h.answers(p.ID, p.Number, rightPIN)
	k.wants(err, ecps.CodeClosed)
	k.dir.set([]rpps.NationalID{doctor, oldADELI}, func(p *rpps.Professional) { p.Closed = false })
	_, err = h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	k.dir.set([]rpps.NationalID{doctor, oldADELI}, func(p *rpps.Professional) { p.Closed = true })
	_, err = k.Consume(k.ctx, p.ID)
	k.wants(err, ecps.CodeClosed)
}

func TestSuspensionBetweenApprovalAndUseHolds(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	_, err := h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	k.must(k.Suspend(k.ctx, doctor))
	_, err = k.Consume(k.ctx, p.ID)
	k.wants(err, ecps.CodeSuspended)
}

// A node dies while it judges: its hold on the request lapses.
func TestRequestSurvivesTheDeathOfItsJudge(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	_, err := k.move(k.ctx, p.ID, func(r *record) error { return r.claim(k.clock.Now(), "dead") })
	k.must(err)
	_, err = h.answers(p.ID, p.Number, rightPIN)
	k.wants(err, ecps.CodeAnswered)
	k.clock.Advance(claimLease)
	_, err = h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	_, err = k.move(k.ctx, p.ID, func(r *record) error { return r.refuse("dead", ecps.CodeRefused) })
	if !fault.Is(err, fault.Used) {
		t.Fatalf("the dead judge came back: %v", err)
	}
}

func TestPhoneOfTheADELITimesServesItsHolder(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(oldADELI)
	_, err := h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	proof, err := k.Consume(k.ctx, p.ID)
	k.must(err)
	if proof.Holder != doctor {
		t.Fatalf("proof for %s", proof.Holder)
	}
}
