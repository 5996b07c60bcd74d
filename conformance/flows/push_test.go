package flows

import (
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/webpush/webpushtest"
)

// From the login page to a phone whose app is closed, through a push service that
// decrypts: it says that something waits and nothing else. A service that calls
// the subscription gone is asked no more.
func TestPushReachesAPhoneWhoseAppIsClosed(t *testing.T) {
	d := harness.Start(t)
	p := activate(t, d, nurseLogin, nurseMail, nurseMobile)
	info, err := p.Info(t.Context())
	if err != nil || info.Vapid == "" || info.Push {
		t.Fatalf("%+v %v", info, err)
	}
	service := webpushtest.NewPlain(t, clock.System{})
	made := service.Subscribe(info.Device, info.Vapid)
	if err := p.Subscribe(t.Context(), ecps.PushSubscription{Endpoint: made.Endpoint, P256DH: made.P256DH, Auth: made.Auth}); err != nil {
		t.Fatal(err)
	}
	s := newService(t, d, "demo-oidc", "openid", "scope_all")
	b := s.browser()
	b.Get(s.request().address)
	b.Submit("submit-ecps", map[string]string{"login": nurseLogin})
	got := service.Next()
	if string(got.Payload) != `{"k":"request"}` {
		t.Errorf("the push says %q", got.Payload)
	}
	if info, err = p.Info(t.Context()); err != nil || !info.Push {
		t.Errorf("%+v %v", info, err)
	}
	if strings.Contains(string(got.Payload), nurseLogin) {
		t.Error("the push names its reader")
	}
}

// A phone chooses where this server makes requests to: never into its own network.
func TestSSRFByAPhonesSubscription(t *testing.T) {
	d := harness.Start(t)
	p := activate(t, d, nurseLogin, nurseMail, nurseMobile)
	for _, endpoint := range []string{"http://10.0.0.1/x", "https://169.254.169.254/latest", "file:///etc/passwd", "https://user@push.example/x", "gopher://x"} {
		err := p.Subscribe(t.Context(), ecps.PushSubscription{Endpoint: endpoint, P256DH: "BAAA", Auth: "AAAA"})
		if err == nil {
			t.Errorf("%s was taken", endpoint)
		}
	}
}
