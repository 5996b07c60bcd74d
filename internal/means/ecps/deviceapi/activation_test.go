package deviceapi_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/activation"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/trust/audit"
)

// post calls the API as a phone does before it has a key.
func (l *life) post(path string, in, out any) (status int, problem ecps.Problem) {
	l.t.Helper()
	body, err := ecps.Encode(in)
	l.must(err)
	res, err := l.client.Post(l.url+wallet.BasePath+path, "application/json", strings.NewReader(string(body)))
	l.must(err)
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		l.must(json.NewDecoder(res.Body).Decode(&problem))
		return res.StatusCode, problem
	}
	if out != nil {
		l.must(json.NewDecoder(res.Body).Decode(out))
	}
	return res.StatusCode, problem
}

func (l *life) begin(identifier string) ecps.Activation {
	l.t.Helper()
	var a ecps.Activation
	if status, p := l.post("/activations", ecps.ActivationAsk{Identifier: identifier}, &a); status != http.StatusAccepted {
		l.t.Fatal(status, p)
	}
	return a
}

func (l *life) prove(a ecps.Activation, channel, secret string) (ecps.ActivationState, int, ecps.Problem) {
	l.t.Helper()
	var s ecps.ActivationState
	status, p := l.post("/activations/"+a.ID+"/secrets", ecps.ActivationSecret{Channel: channel, Secret: secret}, &s)
	return s, status, p
}

// A role-only professional without a card activates alone (S-60, S-61, S-63): 11
// digits typed, one secret per channel, forgiving of case and spaces, and only
// both together.
func TestActivationWithContactDataAlone(t *testing.T) {
	l := newLife(t)
	a := l.begin("99700 990 023")
	mail, sms := l.box.secrets()
	s, status, _ := l.prove(a, activation.SMS, sms)
	if status != http.StatusOK || s.Invitation != "" || !reflect.DeepEqual(s.Proven, []string{"sms"}) {
		t.Fatalf("after one secret: %d %+v", status, s)
	}
	s, status, _ = l.prove(a, activation.Mail, strings.ToLower(strings.ReplaceAll(mail, "-", " ")))
	if status != http.StatusOK || s.Invitation == "" {
		t.Fatalf("after both: %d %+v", status, s)
	}
	p := l.enrol(l.url + "/#i=" + s.Invitation)
	if p.Holder() != nurse.String() || l.state(p) != "active" {
		t.Fatalf("%s is %s", p.Holder(), l.state(p))
	}
	if got := strings.Join(l.names(), " "); got != "activation.proven activation.proven device.invited device.enrolled" {
		t.Errorf("traces: %s", got)
	}
	if e := l.trace.Events()[3].(audit.DeviceEnrolled); e.Way != "contact" {
		t.Errorf("way %q", e.Way)
	}
	if len(l.news) != 1 || l.news[0].Kind != wallet.NewsPhone {
		t.Errorf("the holder was not told of a new phone: %+v", l.news)
	}
	if _, status, p := l.prove(a, activation.Mail, mail); status != http.StatusGone || p.Code != ecps.CodeActivation {
		t.Errorf("an activation served twice: %d %+v", status, p)
	}
}

// Before the 48 hours are over the page tells the time left, but only to whom
// has proven a secret; at 48 h it works (S-37).
func TestActivationBefore48Hours(t *testing.T) {
	l := newLife(t)
	opens := begin.Add(47 * time.Hour)
	a := l.begin(newcomer.String())
	mail, sms := l.box.secrets()
	if s, _, _ := l.prove(a, activation.Mail, mail); s.OpensAt != opens.Unix() {
		t.Fatalf("%+v, want %d", s, opens.Unix())
	}
	if s, status, _ := l.prove(a, activation.SMS, sms); status != http.StatusOK || s.Invitation != "" || s.OpensAt != opens.Unix() {
		t.Fatalf("admitted before its time: %+v", s)
	}
	l.clock.Advance(47*time.Hour - time.Minute)
	if _, err := l.wallet.OfferTicket(t.Context(), newcomer, wallet.WayCard); err == nil {
		t.Fatal("a card opened it before its time")
	}
	l.clock.Advance(time.Minute)
	a = l.begin(newcomer.String())
	mail, sms = l.box.secrets()
	l.prove(a, activation.Mail, mail)
	if s, _, _ := l.prove(a, activation.SMS, sms); s.Invitation == "" {
		t.Fatalf("not admitted at 48 h: %+v", s)
	}
}

// Nobody learns by text, by status or by what leaves who exists, who is closed,
// who has no mobile (PG-43).
func TestEnumerationByActivation(t *testing.T) {
	l := newLife(t)
	for name, id := range map[string]rpps.NationalID{"known": nurse, "unknown": stranger, "closed": closed, "landline": landline} {
		a := l.begin(id.String())
		_, status, p := l.prove(a, activation.Mail, "ABCD-EFGH")
		if status != http.StatusForbidden || p.Code != ecps.CodeActivationWrong || p.TriesLeft == nil || *p.TriesLeft != 4 {
			t.Errorf("%s: %d %+v", name, status, p)
		}
	}
	if n := len(l.box.letters); n != 8 {
		t.Errorf("%d letters took the way, want 2 for everybody", n)
	}
	for _, s := range l.box.sent() {
		if s.Holder != nurse.String() {
			t.Errorf("a letter left for %s", s.Holder)
		}
	}
}

// Guessing a secret: five tries, counted before they are judged, a hundred at once.
func TestGuessingAnActivationSecret(t *testing.T) {
	l := newLife(t)
	a := l.begin(nurse.String())
	_, sms := l.box.secrets()
	var wg sync.WaitGroup
	var mu sync.Mutex
	judged := 0
	for range 100 {
		wg.Go(func() {
			_, err := l.acts.Prove(t.Context(), a.ID, ecps.ActivationSecret{Channel: activation.SMS, Secret: "00000000"})
			mu.Lock()
			defer mu.Unlock()
			if err != nil && strings.Contains(err.Error(), ecps.CodeActivationWrong) {
				judged++
			}
		})
	}
	wg.Wait()
	if judged != 5 {
		t.Errorf("%d guesses were judged, want 5", judged)
	}
	if _, status, p := l.prove(a, activation.SMS, sms); status != http.StatusGone {
		t.Errorf("the right secret still served: %d %+v", status, p)
	}
}

// Secrets die after 15 minutes, and one channel's does not serve the other.
func TestActivationSecretsAreShortLivedAndBound(t *testing.T) {
	l := newLife(t)
	a := l.begin(nurse.String())
	mail, sms := l.box.secrets()
	if _, status, _ := l.prove(a, activation.Mail, sms); status != http.StatusForbidden {
		t.Error("the SMS served as mail")
	}
	other := l.begin(doctor.String())
	if _, status, _ := l.prove(other, activation.Mail, mail); status != http.StatusForbidden {
		t.Error("a secret served another activation")
	}
	l.clock.Advance(15 * time.Minute)
	if _, status, _ := l.prove(a, activation.Mail, mail); status != http.StatusGone {
		t.Error("an old secret served")
	}
}

// Two right secrets sent by a hundred callers make one invitation.
func TestOneActivationOneInvitation(t *testing.T) {
	l := newLife(t)
	a := l.begin(nurse.String())
	mail, sms := l.box.secrets()
	l.prove(a, activation.SMS, sms)
	var wg sync.WaitGroup
	invitations := make(chan string, 100)
	for range 100 {
		wg.Go(func() {
			s, err := l.acts.Prove(t.Context(), a.ID, ecps.ActivationSecret{Channel: activation.Mail, Secret: mail})
			if err == nil && s.Invitation != "" {
				invitations <- s.Invitation
			}
		})
	}
	wg.Wait()
	if len(invitations) != 1 {
		t.Fatalf("%d invitations", len(invitations))
	}
}

// A stranger who asks again and again fills nobody's mailbox.
func TestBombingWithActivationLetters(t *testing.T) {
	l := newLife(t)
	for range 20 {
		l.begin(nurse.String())
	}
	if n := len(l.box.sent()); n != 10 {
		t.Errorf("%d letters left, want 10 (five activations an hour)", n)
	}
	for range 60 {
		_, _ = l.acts.Begin(t.Context(), stranger.String(), "192.0.2.9")
	}
	if _, err := l.acts.Begin(t.Context(), doctor.String(), "192.0.2.9"); err == nil {
		t.Error("one source is not limited")
	}
}

// A letter names neither person nor identifier: the mailbox may not be his any more.
func TestLettersNameNobody(t *testing.T) {
	l := newLife(t)
	l.begin(nurse.String())
	for _, s := range l.box.sent() {
		for _, word := range []string{"899700990023", "99700990023", "SPECIMEN", "NOEMIE"} {
			if strings.Contains(s.Body+s.Subject, word) {
				t.Errorf("%s says %s", s.Channel, word)
			}
		}
	}
}

// Way A: the QR of the portal lives 90 s, admits one phone, and that phone is
// good once the holder has compared the digits.
func TestActivationByCard(t *testing.T) {
	l := newLife(t)
	ticket, err := l.wallet.OfferTicket(t.Context(), doctor, wallet.WayCard)
	l.must(err)
	p := l.enrol(ticket.URL)
	info, err := p.Info(t.Context())
	l.must(err)
	seen, err := l.wallet.Ticket(t.Context(), doctor, ticket.ID)
	l.must(err)
	if info.State != "pending" || info.Check == "" || seen.State != "enrolled" || seen.Check != info.Check || seen.Label != "téléphone" {
		t.Fatalf("phone %+v, portal %+v", info, seen)
	}
	if _, err := p.Act(t.Context(), ecps.ActOffline, strings.Repeat("A", 43), rightPIN); err == nil {
		t.Fatal("a phone acted before it was confirmed")
	}
	l.must(l.wallet.ConfirmTicket(t.Context(), doctor, ticket.ID))
	if l.state(p) != "active" {
		t.Fatal(l.state(p))
	}
	if err := l.wallet.ConfirmTicket(t.Context(), doctor, ticket.ID); err == nil {
		t.Error("confirmed twice")
	}
	if _, err := l.wallet.Ticket(t.Context(), nurse, ticket.ID); err == nil {
		t.Error("somebody else sees the ticket")
	}
	late, err := l.wallet.OfferTicket(t.Context(), doctor, wallet.WayCard)
	l.must(err)
	l.clock.Advance(90 * time.Second)
	if seen, err := l.wallet.Ticket(t.Context(), doctor, late.ID); err != nil || seen.State != "expired" {
		t.Errorf("%+v %v", seen, err)
	}
}

// A stranger photographs the QR and is faster: his phone waits for ever, because
// the holder does not see his digits on his own.
func TestPhotographedActivationQR(t *testing.T) {
	l := newLife(t)
	ticket, err := l.wallet.OfferTicket(t.Context(), doctor, wallet.WayCard)
	l.must(err)
	thief := l.enrol(ticket.URL)
	l.must(l.wallet.RefuseTicket(t.Context(), doctor, ticket.ID))
	if _, err := thief.Info(t.Context()); err == nil {
		t.Error("the thief's phone still speaks")
	}
	if seen, err := l.wallet.Ticket(t.Context(), doctor, ticket.ID); err != nil || seen.State != "refused" {
		t.Errorf("%+v %v", seen, err)
	}
	ticket, err = l.wallet.OfferTicket(t.Context(), doctor, wallet.WayCard)
	l.must(err)
	l.enrol(ticket.URL)
	l.clock.Advance(5 * time.Minute)
	if err := l.wallet.ConfirmTicket(t.Context(), doctor, ticket.ID); err == nil {
		t.Error("confirmed too late")
	}
}

// Closed records activate nothing, by neither way.
func TestClosedRecordActivatesNothing(t *testing.T) {
	l := newLife(t)
	if _, err := l.wallet.OfferTicket(t.Context(), closed, wallet.WayCard); err == nil {
		t.Error("a ticket for a closed record")
	}
	if _, err := l.wallet.Admit(t.Context(), closed, wallet.WayContact); err == nil {
		t.Error("an invitation for a closed record")
	}
}
