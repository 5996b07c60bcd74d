package wallet

import (
	"errors"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

func TestInvitationServesOnePhone(t *testing.T) {
	k := newKit(t)
	inv, err := k.Invite(k.ctx, doctor)
	k.must(err)
	won, lost := race(func() error { _, _, err := k.enrol(inv.Code); return err })
	if won != 1 {
		t.Fatalf("%d phones of one invitation", won)
	}
	for _, err := range lost {
		k.wants(err, ecps.CodeInvitation)
	}
	late, err := k.Invite(k.ctx, doctor)
	k.must(err)
	k.clock.Advance(invitationLife)
	_, _, err = k.enrol(late.Code)
	k.wants(err, ecps.CodeInvitation)
	_, err = k.Invite(k.ctx, nobodyID)
	if !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
}

func TestPhoneWithoutTraceIsGoodForNothing(t *testing.T) {
	k := newKit(t)
	inv, err := k.Invite(k.ctx, doctor)
	k.must(err)
	k.trace.Break(errors.New("disk full"))
	_, _, err = k.enrol(inv.Code)
	if !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
	s, err := k.resolve(k.ctx, doctor, "")
	k.must(err)
	if s.obstacle(k.clock.Now()) != ecps.CodeNone {
		t.Fatal("an untraced phone can answer")
	}
}

func TestSixthPhoneReplacesTheOneUsedLongestAgo(t *testing.T) {
	k := newKit(t)
	var all []*handset
	for range maxDevices {
		all = append(all, k.handset(doctor))
		k.clock.Advance(time.Minute)
	}
	p := k.open(doctor)
	_, err := all[0].answers(p.ID, p.Number, rightPIN)
	k.must(err)
	k.handset(doctor)
	all[0].device()
	_, err = k.Authenticate(k.ctx, all[1].proof("GET", "/device", nil), ecps.Received{Method: "GET", Path: "/device"})
	k.wants(err, ecps.CodeCall)
}

func TestThreeYears(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	k.clock.Advance(start.AddDate(deviceYears, 0, 0).Sub(start) - time.Second)
	k.open(doctor)
	_, err := k.Waiting(k.ctx, h.device())
	k.must(err)
	k.clock.Advance(time.Second)
	_, err = k.Waiting(k.ctx, h.device())
	k.wants(err, ecps.CodeEnded)
	info, err := k.Info(k.ctx, h.device())
	k.must(err)
	if info.State != "expired" {
		t.Fatal(info.State)
	}
}

// A recorded call must be worth nothing: not again, not for another call.
func TestRecordedCallIsWorthNothing(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	seen := ecps.Received{Method: "POST", Path: "/requests/a/opened", Body: []byte("x")}
	proof := h.proof(seen.Method, seen.Path, seen.Body)
	for name, spoil := range map[string]func(*ecps.Received){
		"method": func(r *ecps.Received) { r.Method = "GET" },
		"path":   func(r *ecps.Received) { r.Path = "/requests/b/opened" },
		"query":  func(r *ecps.Received) { r.Path += "?x" },
		"body":   func(r *ecps.Received) { r.Body = []byte("y") },
	} {
		other := seen
		spoil(&other)
		_, err := k.Authenticate(k.ctx, proof, other)
		if fault.CodeOf(err) != ecps.CodeCall {
			t.Errorf("%s: %v", name, err)
		}
	}
	won, lost := race(func() error { _, err := k.Authenticate(k.ctx, proof, seen); return err })
	if won != 1 {
		t.Fatalf("one call was received %d times", won)
	}
	for _, err := range lost {
		k.wants(err, ecps.CodeReplay)
	}
	old := h.proof("GET", "/device", nil)
	k.clock.Advance(ecps.CallPast + 2*time.Second)
	_, err := k.Authenticate(k.ctx, old, ecps.Received{Method: "GET", Path: "/device"})
	k.wants(err, ecps.CodeClock)
}

// Unknown phone, wrong key, revoked phone: one answer.
func TestNobodyLearnsWhichPhonesExist(t *testing.T) {
	k := newKit(t)
	h, stranger := k.handset(doctor), k.handset(nurse)
	forged := *stranger
	forged.id = h.id
	ghost := *stranger
	ghost.id = "AAAAAAAAAAAAAAAAAAAAAA"
	texts := map[string]bool{}
	for _, who := range []*handset{&forged, &ghost} {
		_, err := k.Authenticate(k.ctx, who.proof("GET", "/device", nil), ecps.Received{Method: "GET", Path: "/device"})
		k.wants(err, ecps.CodeCall)
		texts[err.Error()] = true
	}
	if len(texts) != 1 {
		t.Fatalf("two answers: %v", texts)
	}
}

func TestProductionRefusesWhatOnlyTheSandboxMay(t *testing.T) {
	k := newKit(t, func(d *Deps) { d.Sandbox, d.Rounds = false, 0 })
	_, err := k.Invite(k.ctx, doctor)
	for _, err := range []error{
		err, k.Forget(k.ctx, doctor), k.Lock(k.ctx, doctor), k.Suspend(k.ctx, doctor), k.Expire(k.ctx, doctor),
	} {
		if !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
	}
	d := k.Deps
	d.Rounds = ecps.ProductionRounds - 1
	if _, err := New(d); !fault.Is(err, fault.Invalid) {
		t.Fatal("few rounds outside the sandbox")
	}
	if v := k.view(record{Number: "42"}, device{}, start); v.Number != "" {
		t.Fatal("the phone is told the number")
	}
	if p := k.Parameters(); p.Rounds != ecps.ProductionRounds {
		t.Fatal(p)
	}
}
