package webpush_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/webpush"
)

func TestSSRFByAPhonesSubscription(t *testing.T) {
	r := newRig(t)
	good := r.service.Subscribe("phone", "")
	sandbox, inside := webpush.Allow{Loopback: true}, webpush.Allow{Private: true}
	for raw, allowed := range map[string]*webpush.Allow{
		"https://push.exemple.invalid/x":                            {},
		"https://push.exemple.invalid:8443/x":                       {},
		"https://1.1.1.1/x":                                         {},
		"https://127.0.0.1/x":                                       &sandbox,
		"https://localhost/x":                                       &sandbox,
		"https://LOCALHOST/x":                                       &sandbox,
		"https://[::1]/x":                                           &sandbox,
		"https://[::ffff:127.0.0.1]/x":                              &sandbox,
		"http://127.0.0.1:8080/x":                                   &sandbox,
		"http://localhost:8080/x":                                   &sandbox,
		"https://10.0.0.1/x":                                        &inside,
		"http://10.0.0.1/x":                                         nil,
		"http://push.exemple.invalid/x":                             nil,
		"https://169.254.169.254/latest":                            nil,
		"https://[fe80::1]/x":                                       nil,
		"https://0.0.0.0/x":                                         nil,
		"https://user@push.exemple.invalid/x":                       nil,
		"https://a:b@push.exemple.invalid/x":                        nil,
		"https://push.exemple.invalid/x#f":                          nil,
		"https://push.exemple.invalid:0/x":                          nil,
		"https://push.exemple.invalid:/x":                           nil,
		"https://push.exemple.invalid:99999/x":                      nil,
		"https:///x":                                                nil,
		"https:push":                                                nil,
		"//push.exemple.invalid/x":                                  nil,
		"file:///etc/passwd":                                        nil,
		"gopher://push.exemple.invalid/x":                           nil,
		"https://push.exemplé.invalid/x":                            nil,
		"https://push exemple.invalid/x":                            nil,
		"https://push.exemple.invalid/\r\nX: y":                     nil,
		"":                                                          nil,
		"https://push.exemple.invalid/" + strings.Repeat("x", 2048): nil,
	} {
		s := good
		s.Endpoint = raw
		for _, leave := range []webpush.Allow{{}, sandbox, inside} {
			want := allowed != nil && (*allowed == webpush.Allow{} || *allowed == leave)
			if err := s.Check(leave); (err == nil) != want || err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("%q with leave %+v: %v", raw, leave, err)
			}
		}
	}
}

func TestKeysThatNoBrowserMakes(t *testing.T) {
	good := newRig(t).service.Subscribe("phone", "")
	leave := webpush.Allow{Loopback: true}
	if err := good.Check(leave); err != nil {
		t.Fatal(err)
	}
	padded := good
	padded.P256DH, padded.Auth = good.P256DH+"=", good.Auth+"=="
	if err := padded.Check(leave); err != nil {
		t.Errorf("padded: %v", err)
	}
	for name, spoil := range map[string]func(*webpush.Subscription){
		"no id":              func(s *webpush.Subscription) { s.ID = "" },
		"long id":            func(s *webpush.Subscription) { s.ID = strings.Repeat("x", 129) },
		"no key":             func(s *webpush.Subscription) { s.P256DH = "" },
		"not on the curve":   func(s *webpush.Subscription) { s.P256DH = "BA" + strings.Repeat("A", 85) },
		"compressed":         func(s *webpush.Subscription) { s.P256DH = "A" + s.P256DH[1:44] },
		"a great many bytes": func(s *webpush.Subscription) { s.P256DH = strings.Repeat("B", 1<<20) },
		"no base64url":       func(s *webpush.Subscription) { s.P256DH = strings.Repeat("+", 87) },
		"no secret":          func(s *webpush.Subscription) { s.Auth = "" },
		"short secret":       func(s *webpush.Subscription) { s.Auth = s.Auth[:20] },
	} {
		s := good
		spoil(&s)
		if err := s.Check(leave); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDNSRebinding: the name led to a public address when it was looked at, and
// leads to this machine when it is dialled. With leave for this machine the same
// push arrives, so that it is the guard that stops it.
func TestDNSRebinding(t *testing.T) {
	for name, c := range map[string]struct {
		leave webpush.Allow
		want  webpush.Kind
		calls int
	}{
		"in production": {webpush.Allow{}, webpush.Refused, 0},
		"in a sandbox":  {webpush.Allow{Loopback: true}, webpush.Accepted, 1},
	} {
		t.Run(name, func(t *testing.T) {
			names := rebinding(t)
			// A proxy would resolve the name out of the guard's sight.
			r := newRig(t, func(o *webpush.Options) {
				o.Allow, o.Resolver = c.leave, names
				o.HTTP.Transport.(*http.Transport).Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:1"})
			})
			r.service.URL = strings.Replace(r.service.URL, "127.0.0.1", "example.com", 1) // as its certificate says
			p := r.push("phone")
			if seen, err := names.LookupHost(t.Context(), "example.com"); err != nil || seen[0] != public {
				t.Fatalf("%v, %v", seen, err)
			}
			if err := p.Check(c.leave); err != nil {
				t.Fatal(err)
			}
			r.enqueue(p)
			r.expect("phone", c.want)
			if n := r.service.Calls(); n != c.calls {
				t.Errorf("%d calls", n)
			}
		})
	}
}

const public = "1.1.1.1"

// rebinding is a resolver whose first answer is public and each other this machine.
func rebinding(t *testing.T) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var asked atomic.Int32
		query := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			if reply := resolve(query[:n], &asked); reply != nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	var d net.Dialer
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func resolve(query []byte, asked *atomic.Int32) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Additionals = true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		a := [4]byte{127, 0, 0, 1}
		if asked.Add(1) == 1 {
			a = [4]byte{1, 1, 1, 1}
		}
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: a},
		}}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}
