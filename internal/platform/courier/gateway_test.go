package courier

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

func gateway(t *testing.T, answer http.HandlerFunc, change ...func(*GatewayOptions)) *Gateway {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	o := GatewayOptions{URL: s.URL + "/v1/messages", Token: "secret-token", HTTP: s.Client(), Clock: clock.NewManual(start)}
	for _, f := range change {
		f(&o)
	}
	g, err := NewGateway(o)
	must(t, err)
	return g
}

var sms = Outgoing{Key: "k1", To: "+33639980011", Body: "e-CPS : code 4821 3377"}

func TestGatewayGetsNumberTextAndName(t *testing.T) {
	var got map[string]string
	var header http.Header
	g := gateway(t, func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		_ = json.NewDecoder(r.Body).Decode(&got)
	})
	must(t, g.Send(t.Context(), sms))
	if got["to"] != sms.To || got["text"] != sms.Body || got["key"] != "k1" || header.Get("Idempotency-Key") != "k1" || header.Get("Authorization") != "Bearer secret-token" {
		t.Errorf("%v %v", got, header)
	}
	var form url.Values
	g = gateway(t, func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		form, _ = url.ParseQuery(string(b))
	}, func(o *GatewayOptions) { o.Form, o.ToField = true, "recipient" })
	must(t, g.Send(t.Context(), sms))
	if form.Get("recipient") != sms.To || form.Get("text") != sms.Body {
		t.Errorf("%v", form)
	}
}

// A gateway that fails, is busy, refuses, or leads elsewhere.
func TestWordsOfTheGateway(t *testing.T) {
	for status, want := range map[int]Refusal{
		429: {After: 7 * time.Second}, 503: {After: 7 * time.Second}, 500: {After: 7 * time.Second}, 504: {After: 7 * time.Second, Unsure: true}, 400: {Permanent: true}, 401: {Permanent: true}, 302: {Permanent: true},
	} {
		g := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Location", "https://elsewhere.exemple.invalid/")
			w.WriteHeader(status)
		})
		got, ok := errors.AsType[*Refusal](g.Send(t.Context(), sms))
		if !ok || got.Permanent != want.Permanent || got.Unsure != want.Unsure || !want.Permanent && got.After != want.After {
			t.Errorf("%d: %+v", status, got)
		}
	}
}

// A line that breaks after the message was given: nobody knows, unless the
// gateway recognises repetitions.
func TestGatewayThatHangsUp(t *testing.T) {
	broken := func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = c.Close()
		}
	}
	g := gateway(t, broken)
	if got, ok := errors.AsType[*Refusal](g.Send(t.Context(), sms)); !ok || !got.Unsure || g.Idempotent() {
		t.Errorf("%+v", got)
	}
	o, calls := newOffice(t), 0
	once := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls == 1 {
			broken(w, r)
		}
	}, func(o *GatewayOptions) { o.OnceUnderOneKey = true })
	o.enter(Message{Key: "k1", Channel: SMS, To: "+33639980011", Body: "b", Holder: "h"})
	o.worker(once).drain(t.Context())
	o.clock.Advance(time.Minute)
	o.worker(once).drain(t.Context())
	if o.state() != Sent || calls != 2 {
		t.Errorf("%s after %d calls", o.state(), calls)
	}
}

// No configuration sends a secret in the clear to another machine.
func TestGatewayInTheClearIsRefused(t *testing.T) {
	for address, good := range map[string]bool{
		"https://sms.exemple.invalid/send": true, "http://127.0.0.1:8080/": true, "http://[::1]:8080/": true, "http://localhost/": true,
		"http://sms.exemple.invalid/send": false, "http://localhost.exemple.invalid/": false, "ftp://127.0.0.1/": false, "//127.0.0.1/": false, "": false,
	} {
		if _, err := NewGateway(GatewayOptions{URL: address, HTTP: &http.Client{}, Clock: clock.NewManual(start)}); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A gateway that was never reached took nothing: the message waits. Its address,
// which may hold a key, is in no error.
func TestGatewayOutOfReach(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	g, err := NewGateway(GatewayOptions{URL: s.URL + "/?apikey=very-secret", HTTP: &http.Client{}, Clock: clock.NewManual(start)})
	must(t, err)
	s.Close()
	got, ok := errors.AsType[*Refusal](g.Send(t.Context(), sms))
	if !ok || got.Unsure || got.Permanent || strings.Contains(got.Why, "very-secret") {
		t.Errorf("%+v", got)
	}
}

func TestGatewayWithBasicAuthentication(t *testing.T) {
	var user, password string
	g := gateway(t, func(_ http.ResponseWriter, r *http.Request) { user, password, _ = r.BasicAuth() },
		func(o *GatewayOptions) { o.Token, o.Username, o.Password = "", "egide", "secret-words" })
	must(t, g.Send(t.Context(), sms))
	if user != "egide" || password != "secret-words" {
		t.Errorf("%q", user)
	}
}

func TestGatewayTakesNumbersOnly(t *testing.T) {
	g := gateway(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	if err := g.Send(t.Context(), Outgoing{Key: "k", To: "a@exemple.invalid", Body: "b"}); err == nil {
		t.Error("a mail address was taken for a number")
	}
}
