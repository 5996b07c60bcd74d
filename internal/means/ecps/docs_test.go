package ecps

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"testing"
)

const specification = "../../../docs/protocols/ecps.md"

// examples are the messages the specification shows.
func examples(t *testing.T) map[string]any {
	t.Helper()
	signed := sample()
	signed.Pin = b64(bytes.Repeat([]byte{9}, 64))
	refusal := sample()
	refusal.Decision, refusal.Number = Refuse, ""
	left := 2
	deviceKey := b64(append([]byte{4}, bytes.Repeat([]byte{6}, 64)...))
	request := Request{
		ID: secretOf(8), Transaction: secretOf(1), Service: "dmp", Name: "Dossier de démonstration", Asker: AskerComputer,
		OpenedAt: 1795337990, ExpiresAt: 1795338110, State: "open", Choices: []string{"17", "42", "85"}, TriesLeft: 3,
	}
	return map[string]any{
		"header":     header{Alg: "ES256", Kid: "b2Fk", Typ: typAnswer},
		"parameters": Parameters{V: Version, Issuer: sample().Issuer, Rounds: ProductionRounds, Time: 1795337000},
		"enrolment": Enrolment{
			V: Version, Issuer: sample().Issuer, Invitation: secretOf(5), DeviceKey: deviceKey, PinKey: secretOf(6),
			Rounds: ProductionRounds, Label: "mon téléphone", Time: 1795337001, PinProof: b64(bytes.Repeat([]byte{9}, 64)),
		},
		"enrolment-submission": EnrolmentSubmission{Enrolment: "eyJhbGciOiJFUzI1NiIs..."},
		"enrolled":             Enrolled{V: Version, Device: "b2Fk", Holder: "899700990015", Ratchet: secretOf(2), ExpiresAt: 1890032201},
		"call": Call{
			V: Version, Issuer: sample().Issuer, Method: "GET", Path: "/requests?wait=25&seen=", Body: BodyHash(nil), Time: 1795338000, ID: b64(bytes.Repeat([]byte{3}, 16)),
		},
		"requests":   Requests{V: Version, Requests: []Request{request}},
		"obstacle":   Requests{V: Version, Requests: []Request{}, Obstacle: CodeLocked},
		"answer":     signed,
		"refusal":    refusal,
		"submission": Submission{Answer: "eyJhbGciOiJFUzI1NiIs..."},
		"receipt":    Receipt{V: Version, State: "approved", WrongPINs: 1},
		"device": DeviceInfo{
			V: Version, Device: "b2Fk", Holder: "899700990015", State: "active", TriesLeft: 3, ExpiresAt: 1890032201, Time: 1795338000,
			Label: "mon téléphone", EnrolledAt: 1795337001, Name: "CAMILLE EXEMPLE", Devices: 1, Vapid: "BAYG...", Push: true,
		},
		"problem":           Problem{Code: CodeCall, Detail: "signature is wrong", Time: 1795338000},
		"activation-ask":    ActivationAsk{Identifier: "899700990015"},
		"activation":        Activation{V: Version, ID: secretOf(4), ExpiresAt: 1795338900},
		"activation-secret": ActivationSecret{Channel: "mail", Secret: "K7QX-9MPT"},
		"activation-state":  ActivationState{V: Version, Proven: []string{"mail", "sms"}, Invitation: secretOf(5)},
		"act": Act{
			V: Version, Issuer: sample().Issuer, Device: "b2Fk", Holder: "899700990015", Kind: ActTransfer, Subject: secretOf(7), Time: 1795338000,
			Ratchets: []string{secretOf(2)}, Next: secretOf(3), Pin: b64(bytes.Repeat([]byte{9}, 64)),
		},
		"act-done":      ActDone{V: Version, Kind: ActTransfer, Result: secretOf(5)},
		"freeze-ask":    FreezeAsk{SignIn: "BwcHBwcHBwcHBwcHBwcHBw"},
		"freeze-done":   FreezeDone{V: Version, FrozenAt: 1795338000, Sessions: 2},
		"history":       History{V: Version, SignIns: []SignIn{{ID: "BwcHBwcHBwcHBwcHBwcHBw", At: 1795337000, Service: "Dossier de démonstration", Means: "ecps", Asker: AskerComputer, Device: "mon téléphone", State: "good"}}},
		"start":         Start{Token: "CAgICAgICAgICAgICAgICA..."},
		"diagnosis-ask": DiagnosisAsk{Skew: 2, Notifications: "granted", Subscribed: true, Version: "1"},
		"diagnosis": Diagnosis{V: Version, Code: "KXPTRM", Broken: "push", Steps: []DiagnosisStep{
			{Name: "register", OK: true}, {Name: "right", OK: true}, {Name: "device", OK: true}, {Name: "push"}, {Name: "clock", OK: true},
		}},
		"wrong-pin": Problem{Code: CodeWrongPIN, Detail: "the PIN is wrong", Time: 1795338000, TriesLeft: &left, Moved: true},
	}
}

var block = regexp.MustCompile("(?s)<!-- example: ([a-z-]+) -->\n```json\n(.*?)```")

// The specification shows what the code says, every message of it.
func TestSpecificationShowsTheRealMessages(t *testing.T) {
	doc, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	want := examples(t)
	doc = block.ReplaceAllFunc(doc, func(found []byte) []byte {
		part := block.FindSubmatch(found)
		name, shown := string(part[1]), part[2]
		message, ok := want[name]
		if !ok {
			t.Errorf("the specification shows %q, which is no message or is shown twice", name)
			return found
		}
		delete(want, name)
		b, err := encode(message)
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, b, "", "  "); err != nil {
			t.Fatal(err)
		}
		pretty.WriteByte('\n')
		if !*update && !bytes.Equal(pretty.Bytes(), shown) {
			t.Errorf("example %q is not what the code sends:\n%s", name, pretty.String())
		}
		return []byte("<!-- example: " + name + " -->\n```json\n" + pretty.String() + "```")
	})
	for name := range want {
		t.Errorf("the specification lacks an example of %q", name)
	}
	if *update {
		if err := os.WriteFile(specification, doc, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The codes of the specification are the codes of the program.
func TestSpecificationListsEveryCode(t *testing.T) {
	doc, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`PF-EC-\d{3}`)
	for _, c := range code.FindAll(source, -1) {
		if !bytes.Contains(doc, append([]byte("| "), c...)) {
			t.Errorf("the specification does not list %s", c)
		}
	}
}
