package flows

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/platform/clock"
)

const holderPIN = "4711"

// post calls the device API beside the app, as a phone without a key does.
func post[Out any](t *testing.T, d *harness.Demo, path string, in any) Out {
	t.Helper()
	body, err := ecps.Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(d.Sheet.AppURL+"/ecps/v1"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var out Out
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s: %d %+v %v", path, res.StatusCode, out, err)
	}
	return out
}

// letter waits for a letter to somebody in the demonstration's inbox and reads
// the code in it.
func letter(t *testing.T, d *harness.Demo, to, code string) string {
	t.Helper()
	var found string
	err := harness.Until("letter to "+to, 10*time.Second, func() bool {
		res, err := http.Get(d.Sheet.InboxURL + ".json?to=" + url.QueryEscape(to))
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()
		var list []struct{ Body string }
		if json.NewDecoder(res.Body).Decode(&list) != nil || len(list) == 0 {
			return false
		}
		found = regexp.MustCompile(code).FindString(list[0].Body)
		return found != ""
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// activate makes an e-CPS by way B, from outside, as its holder would.
func activate(t *testing.T, d *harness.Demo, login, mail, mobile string) *device.Phone {
	t.Helper()
	a := post[ecps.Activation](t, d, "/activations", ecps.ActivationAsk{Identifier: login})
	secrets := "/activations/" + a.ID + "/secrets"
	post[ecps.ActivationState](t, d, secrets, ecps.ActivationSecret{Channel: "mail", Secret: letter(t, d, mail, `[2-9A-Z]{4}-[2-9A-Z]{4}`)})
	done := post[ecps.ActivationState](t, d, secrets, ecps.ActivationSecret{Channel: "sms", Secret: letter(t, d, mobile, `\d{4} \d{4}`)})
	if done.Invitation == "" {
		t.Fatalf("not admitted: %+v", done)
	}
	p, err := device.Enrol(t.Context(), http.DefaultClient, d.Sheet.AppURL+"/#i="+done.Invitation, holderPIN, device.Options{Label: "mon téléphone"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The nurse has no phone in the table of personas.
const (
	nurseLogin  = "899700991047"
	nurseMail   = "basile.double@exemple.invalid"
	nurseMobile = "+33639980005"
)

// approves looks at the number on the page and answers on the phone.
func (s *service) byPhone(b *harness.Browser, p *device.Phone) *oidc.Tokens[*oidc.IDTokenClaims] {
	s.t.Helper()
	a := s.request()
	b.Get(a.address)
	if b.Arrived == nil {
		b.Submit("submit-ecps", map[string]string{"login": nurseLogin})
		number := b.Page.Text("match-number")
		list, err := p.Waiting(s.t.Context())
		if err != nil || len(list.Requests) == 0 {
			s.t.Fatalf("the phone sees nothing: %+v %v", list, err)
		}
		if _, err := p.Approve(s.t.Context(), list.Requests[0], number, holderPIN); err != nil {
			s.t.Fatal(err)
		}
		b.Finish(nurseLogin)
	}
	return s.redeem(a, b.Arrived)
}

// « Ce n'est pas moi »: from the press on the phone to the refusal everywhere,
// less than a second; SSO, UserInfo and refresh are over; the card undoes it.
func TestLO8FreezeEndsEverythingInASecond(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	p := activate(t, d, nurseLogin, nurseMail, nurseMobile)
	s := newService(t, d, "demo-oidc", "openid", "scope_all")
	b := s.browser()
	tokens := s.byPhone(b, p)
	if got := tokens.IDTokenClaims.AuthenticationMethodsReferences; !slices.Equal(got, []string{"swk", "pin", "mfa"}) {
		t.Errorf("amr %v", got)
	}
	history, err := p.History(t.Context())
	if err != nil || len(history.SignIns) != 1 {
		t.Fatalf("%+v %v", history, err)
	}
	var now clock.System
	pressed := now.Now()
	done, err := p.Freeze(t.Context(), history.SignIns[0].ID)
	if err != nil || done.Sessions != 1 {
		t.Fatalf("%+v %v", done, err)
	}
	if _, err := rp.Userinfo[*oidc.UserInfo](t.Context(), tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, s.rp); err == nil {
		t.Error("the access token lives on")
	}
	if took := now.Now().Sub(pressed); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if _, err := s.refresh(tokens); err == nil {
		t.Error("the refresh token lives on")
	}
	again := s.request("prompt", "none")
	b.Arrived = nil
	b.Get(again.address)
	if b.Arrived == nil || b.Arrived.Query().Get("error") != "login_required" {
		t.Errorf("the session lives on: %v", b.Arrived)
	}
	if info, err := p.Info(t.Context()); err != nil || info.State != "frozen" {
		t.Errorf("%+v %v", info, err)
	}
	if !strings.Contains(letter(t, d, "bac-a-sable@exemple.invalid", `(?s).*`), tokens.IDTokenClaims.Subject) {
		t.Error("the service was not told of its subject")
	}
}
