package deviceapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
)

// send makes one raw call.
func (h *house) send(method, path, authorization string, body []byte) (int, ecps.Problem) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.ctx, method, h.server.URL+wallet.BasePath+path, bytes.NewReader(body))
	h.must(err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := h.client.Do(req)
	h.must(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	h.must(err)
	var p ecps.Problem
	if json.Unmarshal(b, &p) != nil {
		h.t.Fatalf("%s %s: not a problem: %s", method, path, b)
	}
	if strings.Contains(string(b), "goroutine") || resp.Header.Get("Cache-Control") != "no-store" {
		h.t.Fatalf("%s %s: %v %s", method, path, resp.Header, b)
	}
	return resp.StatusCode, p
}

func TestBadInputGetsACodeAndNeverA500(t *testing.T) {
	h := newHouse(t, nil)
	big := bytes.Repeat([]byte("x"), ecps.MaxMessage+1)
	token := strings.Repeat("A", 200)
	for name, test := range map[string]struct {
		method, path, authorization string
		body                        []byte
		status                      int
		code                        string
	}{
		"unsigned list":         {"GET", "/requests", "", nil, 401, ecps.CodeCall},
		"unsigned stream":       {"GET", "/events", "", nil, 401, ecps.CodeCall},
		"unsigned answer":       {"POST", "/requests/x/answer", "", []byte("{}"), 401, ecps.CodeCall},
		"another scheme":        {"GET", "/device", "Bearer " + token, nil, 401, ecps.CodeCall},
		"garbage":               {"GET", "/device", "ECPS " + token, nil, 400, ecps.CodeMalformed},
		"long garbage":          {"GET", "/device", "ECPS " + strings.Repeat("A", 7<<10), nil, 400, ecps.CodeMalformed},
		"long body":             {"POST", "/requests/x/answer", "ECPS x", big, 400, ecps.CodeMalformed},
		"enrolment, empty":      {"POST", "/devices", "", nil, 400, ecps.CodeMalformed},
		"enrolment, not JSON":   {"POST", "/devices", "", []byte("enrolment=1"), 400, ecps.CodeMalformed},
		"enrolment, other JSON": {"POST", "/devices", "", []byte(`{"enrolment":1}`), 400, ecps.CodeMalformed},
		"enrolment, garbage":    {"POST", "/devices", "", []byte(`{"enrolment":"x"}`), 400, ecps.CodeMalformed},
		"enrolment, long":       {"POST", "/devices", "", big, 400, ecps.CodeMalformed},
	} {
		status, p := h.send(test.method, test.path, test.authorization, test.body)
		if status != test.status || p.Code != test.code || p.Detail == "" || p.Time == 0 {
			t.Errorf("%s: %d %+v", name, status, p)
		}
	}
	if len(h.trace.Failures()) == 0 {
		t.Error("strangers were not counted")
	}
}

func TestPhoneReadsRefusals(t *testing.T) {
	h := newHouse(t, nil)
	p := h.phone(device.Options{})
	pending := h.ask()
	list, err := p.Waiting(h.ctx)
	h.must(err)
	r := list.Requests[0]
	_, err = p.Approve(h.ctx, r, pending.Number, badPIN)
	refusal, ok := errors.AsType[*device.Refusal](err)
	if !ok || refusal.Status != 403 || refusal.Problem.Code != ecps.CodeWrongPIN || *refusal.Problem.TriesLeft != 2 || !refusal.Problem.Moved {
		t.Fatal(err)
	}
	_, err = p.Request(h.ctx, "unknown")
	if device.CodeOf(err) != ecps.CodeNoRequest {
		t.Fatal(err)
	}
	_, err = p.Approve(h.ctx, r, pending.Number, rightPIN)
	h.must(err)
	_, err = p.Refuse(h.ctx, r)
	if device.CodeOf(err) != ecps.CodeAnswered {
		t.Fatal(err)
	}
	inv, err := h.wallet.Invite(h.ctx, doctor)
	h.must(err)
	_, err = device.Enrol(h.ctx, h.client, inv.URL, rightPIN, device.Options{})
	h.must(err)
	_, err = device.Enrol(h.ctx, h.client, inv.URL, rightPIN, device.Options{})
	if device.CodeOf(err) != ecps.CodeInvitation {
		t.Fatal(err)
	}
}

// One phone cannot hold more of a node than a phone needs.
func TestStreamsOfOnePhoneAreBounded(t *testing.T) {
	h := newHouse(t, nil)
	p := h.phone(device.Options{})
	for range 4 {
		h.watch(p, func(ecps.Request) device.Decision { return device.Decision{} })
	}
	for { // until the four are on the line
		if _, err := p.Waiting(h.ctx); device.CodeOf(err) == ecps.CodeBusy {
			return
		}
	}
}

func TestPhoneRefusesPlainHTTPAcrossTheNetwork(t *testing.T) {
	h := newHouse(t, nil)
	for _, invitation := range []string{"http://192.0.2.1/ecps/v1#code", "ftp://127.0.0.1/#code", "no url", h.server.URL} {
		if _, err := device.Enrol(h.ctx, h.client, invitation, rightPIN, device.Options{}); err == nil {
			t.Errorf("%s was taken", invitation)
		}
	}
}
