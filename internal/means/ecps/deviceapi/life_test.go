package deviceapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
)

// Two phones side by side (ux.md 7, idea 9): the end date goes over, both work
// for a day, there is no moment without a working means.
func TestTransferToANewPhone(t *testing.T) {
	l := newLife(t)
	old := l.phone(doctor)
	l.clock.Advance(300 * 24 * time.Hour)
	offer, err := device.NewOffer()
	l.must(err)
	name, err := offer.Name()
	l.must(err)
	code, err := old.Transfer(t.Context(), name, rightPIN)
	l.must(err)
	if _, err := device.Enrol(t.Context(), l.client, l.url+"/#i="+code, rightPIN, device.Options{Clock: l.clock}); err == nil {
		t.Fatal("the invitation admitted another key than the offered one")
	}
	next, err := offer.Enrol(t.Context(), l.client, l.url+"/#i="+code, "4711", device.Options{Clock: l.clock})
	l.must(err)
	if !next.ExpiresAt().Equal(old.ExpiresAt()) {
		t.Errorf("end date moved: %v, %v", old.ExpiresAt(), next.ExpiresAt())
	}
	for hours := range 24 {
		if l.state(old) != "active" || l.state(next) != "active" {
			t.Fatalf("after %d h: old %s, new %s", hours, l.state(old), l.state(next))
		}
		l.clock.Advance(time.Hour)
	}
	if l.state(old) == "active" || l.state(next) != "active" {
		t.Errorf("after the day: old %s, new %s", l.state(old), l.state(next))
	}
}

// A wrong PIN never gives away an invitation, a seed or a phone, and counts like
// any other wrong PIN: three tries in all.
func TestActsCountWrongPINs(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	_, err := p.Transfer(t.Context(), strings.Repeat("A", 43), badPIN)
	l.wants(err, ecps.CodeWrongPIN)
	l.wants(p.SetOffline(t.Context(), badPIN), ecps.CodeWrongPIN)
	l.wants(p.ChangePIN(t.Context(), badPIN, "4711"), ecps.CodeLocked)
	if l.state(p) != "locked" {
		t.Error(l.state(p))
	}
}

func TestChangeOfPIN(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	l.wants(p.ChangePIN(t.Context(), rightPIN, "1234"), "")
	l.must(p.ChangePIN(t.Context(), rightPIN, "4711"))
	asked, r := l.login(p, doctor)
	_, err := p.Approve(t.Context(), r, asked.Number, rightPIN)
	l.wants(err, ecps.CodeWrongPIN)
	receipt, err := p.Approve(t.Context(), r, asked.Number, "4711")
	l.must(err)
	if receipt.WrongPINs != 1 {
		t.Errorf("%d wrong tries told, want 1", receipt.WrongPINs)
	}
}

// Removing another phone wants the PIN and one's own holder.
func TestRemoveAnotherPhone(t *testing.T) {
	l := newLife(t)
	mine, other, hers := l.phone(doctor), l.phone(doctor), l.phone(nurse)
	if err := mine.Remove(t.Context(), hers.ID(), rightPIN); err == nil {
		t.Error("somebody else's phone was removed")
	}
	l.must(mine.Remove(t.Context(), other.ID(), rightPIN))
	if _, err := other.Info(t.Context()); err == nil {
		t.Error("the removed phone still speaks")
	}
	list, err := mine.Devices(t.Context())
	l.must(err)
	if len(list.Devices) != 1 || !list.Devices[0].This {
		t.Errorf("%+v", list)
	}
}

// The offline code: good once, one step of grace, masked on the phone by the PIN
// with nothing to try it against, and its failures never lock the online path.
func TestOfflineCode(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	l.must(p.SetOffline(t.Context(), rightPIN))
	ask := wallet.Ask{Holder: doctor, ClientID: "dmp", Source: "192.0.2.1"}
	code, err := p.OfflineCode(rightPIN)
	l.must(err)
	l.clock.Advance(29 * time.Second)
	proof, err := l.wallet.ProveOffline(t.Context(), ask, code[:4]+" "+code[4:])
	l.must(err)
	if proof.Device != p.ID() {
		t.Errorf("%+v", proof)
	}
	_, err = l.wallet.ProveOffline(t.Context(), ask, code)
	l.wants(err, ecps.CodeOfflineCode)
	l.clock.Advance(time.Hour)
	wrong, err := p.OfflineCode(badPIN)
	l.must(err)
	for range 10 {
		_, err = l.wallet.ProveOffline(t.Context(), ask, wrong)
		l.wants(err, ecps.CodeOfflineCode)
	}
	right, err := p.OfflineCode(rightPIN)
	l.must(err)
	_, err = l.wallet.ProveOffline(t.Context(), ask, right)
	l.wants(err, ecps.CodeOfflineCode) // closed for a while
	asked, r := l.login(p, doctor)
	_, err = p.Approve(t.Context(), r, asked.Number, rightPIN)
	l.must(err) // the online path never noticed
	l.clock.Advance(time.Hour)
	right, err = p.OfflineCode(rightPIN)
	l.must(err)
	_, err = l.wallet.ProveOffline(t.Context(), ask, right)
	l.must(err)
}

// Of a stolen database the seeds are closed.
func TestStolenDatabaseHoldsNoOfflineSeed(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	l.must(p.SetOffline(t.Context(), rightPIN))
	var sealed string
	l.must(l.db.Read().QueryRow(`SELECT otp_seed FROM devices WHERE id = $1`, p.ID()).Scan(&sealed))
	if len(sealed) < 60 {
		t.Fatalf("seed lies open: %q", sealed)
	}
	if _, err := newSealer().Unseal("ecps.offline "+p.ID(), sealed); err == nil {
		t.Fatal("another key opens it")
	}
}

// The page's QR: another one every few seconds, taken by one phone, the number
// compared as always, no push.
func TestStartByQR(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	start := l.start()
	shown, err := l.wallet.Show(t.Context(), start)
	l.must(err)
	first := token(shown.QR)
	l.clock.Advance(4 * time.Second)
	shown, err = l.wallet.Show(t.Context(), start)
	l.must(err)
	if token(shown.QR) == first {
		t.Error("the QR does not change")
	}
	r, err := p.Start(t.Context(), first, false)
	l.must(err)
	if len(r.Choices) != 3 || r.Here || r.Name != "DMP" {
		t.Errorf("%+v", r)
	}
	_, err = l.phone(nurse).Start(t.Context(), token(shown.QR), false)
	l.wants(err, ecps.CodeStart)
	shown, err = l.wallet.Show(t.Context(), start)
	l.must(err)
	page, err := l.wallet.Status(t.Context(), shown.Request)
	l.must(err)
	_, err = p.Approve(t.Context(), r, page.Number, rightPIN)
	l.must(err)
	proof, err := l.wallet.Consume(t.Context(), shown.Request)
	l.must(err)
	if proof.Holder != doctor {
		t.Errorf("%+v", proof)
	}
}

// A QR that was photographed is worth nothing half a minute later.
func TestPhotographedLoginQR(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	shown, err := l.wallet.Show(t.Context(), l.start())
	l.must(err)
	l.clock.Advance(25 * time.Second)
	_, err = p.Start(t.Context(), token(shown.QR), false)
	l.wants(err, ecps.CodeStart)
	_, err = p.Start(t.Context(), token(shown.QR)[:40]+"AAAAAA", false)
	l.wants(err, ecps.CodeStart)
}

// Relayed QR: the victim scans an attacker's page. His phone offers three
// numbers, the right one is on the attacker's screen; a wrong pick refuses, and
// from then on two digits are typed.
func TestRelayedLoginQR(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	start := l.start()
	shown, err := l.wallet.Show(t.Context(), start)
	l.must(err)
	r, err := p.Start(t.Context(), token(shown.QR), false)
	l.must(err)
	shown, err = l.wallet.Show(t.Context(), start)
	l.must(err)
	page, err := l.wallet.Status(t.Context(), shown.Request)
	l.must(err)
	_, err = p.Approve(t.Context(), r, otherThan(r.Choices, page.Number), rightPIN)
	l.wants(err, ecps.CodeWrongNumber)
	if _, err := l.wallet.Consume(t.Context(), shown.Request); err == nil {
		t.Error("the attacker is in")
	}
	shown, err = l.wallet.Show(t.Context(), l.start())
	l.must(err)
	r, err = p.Start(t.Context(), token(shown.QR), false)
	l.must(err)
	if !r.Typed || len(r.Choices) != 0 {
		t.Errorf("after a refusal the digits are not typed: %+v", r)
	}
}

// On one phone the login goes on only in the browser that brings the code of the
// approving app: a link sent to a victim logs nobody in.
func TestLinkSentToAVictim(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	start := l.start()
	shown, err := l.wallet.Show(t.Context(), start)
	l.must(err)
	if _, err := p.Start(t.Context(), token(shown.QR), true); err == nil {
		t.Error("a QR served as a link")
	}
	r, err := p.Start(t.Context(), token(shown.Link), true)
	l.must(err)
	if !r.Here || len(r.Choices) != 1 {
		t.Fatalf("%+v", r)
	}
	receipt, err := p.Approve(t.Context(), r, r.Choices[0], rightPIN)
	l.must(err)
	shown, err = l.wallet.Show(t.Context(), start)
	l.must(err)
	if _, err := l.wallet.Consume(t.Context(), shown.Request); err == nil {
		t.Fatal("consumed without the code of the phone's browser")
	}
	if err := l.wallet.Arrive(t.Context(), shown.Request, strings.Repeat("A", 43)); err == nil {
		t.Fatal("any code served")
	}
	back, code, _ := strings.Cut(receipt.Return, "?code=")
	if back != "https://auth.example.test/login/h/arrive" {
		t.Errorf("leads to %s", receipt.Return)
	}
	l.must(l.wallet.Arrive(t.Context(), shown.Request, code))
	if err := l.wallet.Arrive(t.Context(), shown.Request, code); err == nil {
		t.Error("the code served twice")
	}
	_, err = l.wallet.Consume(t.Context(), shown.Request)
	l.must(err)
}

func (l *life) start() string {
	l.t.Helper()
	start, err := l.wallet.Begin(l.ctx, wallet.StartAsk{ClientID: "dmp", Service: "DMP", AskerKind: "phone", Login: "h", Back: "https://auth.example.test/login/h/arrive"})
	l.must(err)
	return start
}

// token is what stands after the = of an address for the app.
func token(address string) string { return address[strings.LastIndex(address, "=")+1:] }

func otherThan(choices []string, right string) string {
	for _, c := range choices {
		if c != right {
			return c
		}
	}
	return right
}

// « Ce n'est pas moi »: phones, requests and sessions stop at once; the same
// means does not undo it, the card does, and the contested phone stays out.
func TestFreezeAndUndo(t *testing.T) {
	l := newLife(t)
	mine, stolen := l.phone(doctor), l.phone(doctor)
	l.must(l.wallet.SignedIn(t.Context(), doctor, "", wallet.SignIn{At: begin, Client: "dmp", Service: "DMP", Means: authn.ECPS, Ref: stolen.ID(), SID: "s"}))
	history, err := mine.History(t.Context())
	l.must(err)
	if len(history.SignIns) != 1 || history.SignIns[0].Device != "téléphone" {
		t.Fatalf("%+v", history)
	}
	asked, _ := l.login(mine, doctor)
	done, err := mine.Freeze(t.Context(), history.SignIns[0].ID)
	l.must(err)
	if done.Sessions != 2 || l.ended != 1 {
		t.Errorf("%+v, everything ended %d times", done, l.ended)
	}
	for _, p := range []*device.Phone{mine, stolen} {
		if l.state(p) != "frozen" {
			t.Errorf("a phone is %s", l.state(p))
		}
	}
	if list, err := mine.Waiting(t.Context()); err == nil && len(list.Requests) > 0 {
		t.Error("a frozen phone still sees requests")
	}
	if _, err := l.wallet.Consume(t.Context(), asked.ID); err == nil {
		t.Error("a request went through")
	}
	l.wants(l.wallet.Unfreeze(t.Context(), doctor, authn.ECPS, mine.ID()), ecps.CodeSameMeans)
	l.wants(l.wallet.ResumePhone(t.Context(), doctor, mine.ID(), authn.Card, "c"), ecps.CodeFrozen)
	l.must(l.wallet.Stopped(t.Context(), doctor, authn.Card))
	l.must(l.wallet.Unfreeze(t.Context(), doctor, authn.Card, "c"))
	if l.state(mine) != "active" || l.state(stolen) == "active" {
		t.Errorf("after the undo: mine %s, the contested one %s", l.state(mine), l.state(stolen))
	}
	history, err = mine.History(t.Context())
	l.must(err)
	if history.SignIns[0].State != "contested" {
		t.Errorf("%+v", history)
	}
}

// A contested login by card stops the card; only both secrets of way B undo it.
func TestFreezeOfACard(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	l.must(l.wallet.SignedIn(t.Context(), doctor, "", wallet.SignIn{At: begin, Client: "dmp", Service: "DMP", Means: authn.Card, Ref: "8025/1", SID: "s"}))
	history, err := p.History(t.Context())
	l.must(err)
	_, err = p.Freeze(t.Context(), history.SignIns[0].ID)
	l.must(err)
	l.wants(l.wallet.Stopped(t.Context(), doctor, authn.Card), ecps.CodeFrozen)
	l.wants(l.wallet.Unfreeze(t.Context(), doctor, authn.Card, "8025/1"), ecps.CodeSameMeans)
	a := l.begin(doctor.String())
	mail, sms := l.box.secrets()
	l.prove(a, "mail", mail)
	s, _, _ := l.prove(a, "sms", sms)
	next := l.enrol(l.url + "/#i=" + s.Invitation)
	if l.state(next) != "active" {
		t.Error(l.state(next))
	}
	l.must(l.wallet.Stopped(t.Context(), doctor, authn.Card))
	if l.state(p) == "active" {
		t.Error("a phone came back that nobody resumed")
	}
	l.must(l.wallet.ResumePhone(t.Context(), doctor, p.ID(), authn.ECPS, next.ID()))
}

// A stolen phone cannot lift its own suspension.
func TestStolenPhoneResumesNothing(t *testing.T) {
	l := newLife(t)
	p, other := l.phone(doctor), l.phone(doctor)
	l.must(l.wallet.SuspendPhone(t.Context(), doctor, "", "holder"))
	if l.state(p) != "suspended" || l.state(other) != "suspended" {
		t.Fatal("not suspended")
	}
	l.wants(l.wallet.ResumePhone(t.Context(), doctor, p.ID(), authn.ECPS, p.ID()), ecps.CodeSameMeans)
	l.must(l.wallet.ResumePhone(t.Context(), doctor, other.ID(), authn.Card, "c"))
	l.must(l.wallet.ResumePhone(t.Context(), doctor, p.ID(), authn.ECPS, other.ID()))
}

// The name of a workstation is shown with its requests, and what is seen is what
// is signed.
func TestNameOfAWorkstationIsShownAndSigned(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	l.must(l.wallet.RememberBrowser(t.Context(), "own", doctor))
	l.must(l.wallet.LabelBrowser(t.Context(), "own", doctor, "Poste d'accueil"))
	asked, r := l.login(p, doctor)
	if r.Place != "Poste d'accueil" {
		t.Fatalf("%+v", r)
	}
	other := r
	other.Place = "Un autre poste"
	_, err := p.Approve(t.Context(), other, asked.Number, rightPIN)
	l.wants(err, ecps.CodeCall)
	_, err = p.Approve(t.Context(), r, asked.Number, rightPIN)
	l.must(err)
}

// Support: two different people, within the hour, once; never a PIN, never an approval.
func TestSupportTakesTwoPeople(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	o, err := l.wallet.AskSupport(t.Context(), wallet.Order{Act: wallet.SupportSuspend, Holder: doctor, Reason: "case-7", AskedBy: "anna"})
	l.must(err)
	if l.state(p) != "active" {
		t.Fatal("one person was enough")
	}
	if _, err := l.wallet.ConfirmSupport(t.Context(), "anna", o.ID); err == nil {
		t.Fatal("the same person confirmed")
	}
	_, err = l.wallet.ConfirmSupport(t.Context(), "bea", o.ID)
	l.must(err)
	if l.state(p) != "suspended" {
		t.Fatal(l.state(p))
	}
	if _, err := l.wallet.ConfirmSupport(t.Context(), "carl", o.ID); err == nil {
		t.Error("done twice")
	}
	o, err = l.wallet.AskSupport(t.Context(), wallet.Order{Act: wallet.SupportResume, Holder: doctor, Reason: "case-8", AskedBy: "anna"})
	l.must(err)
	l.clock.Advance(time.Hour)
	if _, err := l.wallet.ConfirmSupport(t.Context(), "bea", o.ID); err == nil {
		t.Error("done too late")
	}
	if _, err := l.wallet.AskSupport(t.Context(), wallet.Order{Act: "approve", Holder: doctor, Reason: "r", AskedBy: "anna"}); err == nil {
		t.Error("support approved")
	}
}

// Reminders at 60, 30 and 7 days, each with a name of its own.
func TestReminders(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	l.news = nil
	seen := map[string]int{}
	for day := range 3 * 366 {
		l.must(l.wallet.RemindNow(t.Context()))
		for _, n := range l.news {
			if _, told := seen[n.Key]; !told {
				seen[n.Key] = day
				left := int(p.ExpiresAt().Sub(l.clock.Now()).Hours() / 24)
				if n.Days != left {
					t.Errorf("reminder of %d days came %d days before", n.Days, left)
				}
			}
		}
		l.news = nil
		l.clock.Advance(24 * time.Hour)
	}
	if len(seen) != 3 {
		t.Errorf("%v", seen)
	}
}

// « Où ça coince ? » names the broken link, for each link (ux.md 7, idea 1).
func TestBrokenLinkIsNamed(t *testing.T) {
	good := ecps.DiagnosisAsk{Notifications: "granted", Subscribed: true, Version: "1"}
	for name, broken := range map[string]func(l *life, p *device.Phone, ask *ecps.DiagnosisAsk){
		"": func(*life, *device.Phone, *ecps.DiagnosisAsk) {},
		"register": func(l *life, _ *device.Phone, _ *ecps.DiagnosisAsk) {
			x := l.people[doctor]
			x.Closed = true
			l.people[doctor] = x
		},
		"right": func(l *life, p *device.Phone, _ *ecps.DiagnosisAsk) {
			_, err := p.Freeze(l.ctx, "")
			l.must(err)
		},
		"device": func(l *life, _ *device.Phone, _ *ecps.DiagnosisAsk) { l.must(l.wallet.Lock(l.ctx, doctor)) },
		"push":   func(_ *life, _ *device.Phone, ask *ecps.DiagnosisAsk) { ask.Notifications = "denied" },
		"clock":  func(_ *life, _ *device.Phone, ask *ecps.DiagnosisAsk) { ask.Skew = 45 },
	} {
		l := newLife(t)
		p, ask := l.phone(doctor), good
		l.must(p.Subscribe(t.Context(), ecps.PushSubscription{Endpoint: "https://push.example/x", P256DH: "p", Auth: "a"}))
		broken(l, p, &ask)
		d, err := p.Diagnose(t.Context(), ask)
		l.must(err)
		if d.Broken != name || len(d.Code) != 6 {
			t.Errorf("broken link %q, want %q: %+v", d.Broken, name, d)
		}
		seen, err := l.wallet.Diagnosed(t.Context(), d.Code)
		l.must(err)
		if seen.Broken != name || seen.Holder != doctor.String() {
			t.Errorf("support sees %+v", seen)
		}
	}
}
