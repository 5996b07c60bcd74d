package cps

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

const specification = "../../../docs/protocols/card-bridge.md"

// pretty is how the specification shows a message.
func pretty(t *testing.T, message any) string {
	t.Helper()
	b, err := json.MarshalIndent(message, "", "  ")
	must(t, err)
	return string(b) + "\n"
}

// examples are what the specification shows.
func examples(t *testing.T) map[string]string {
	t.Helper()
	c, left := fixed(t, noon), 2
	c.ACR = "eidas1"
	return map[string]string{
		"header":    pretty(t, header{Alg: "ES256", Typ: TypChallenge, Kid: "k1"}),
		"challenge": pretty(t, c),
		"status": pretty(t, Status{
			Bridge: "card-bridge", Version: "0.1.0", Protocols: []string{Protocol},
			Readers: []StatusReader{{ID: 0, State: "present", Card: "cps3"}, {ID: 1, State: "empty", Card: "none", PINPad: true}},
		}),
		"ask": pretty(t, Ask{Protocol: Protocol, Challenge: "eyJhbGciOiJFUzI1NiIs..."}),
		"answer": pretty(t, Answer{
			Protocol: Protocol, Origin: origin, Algorithm: Algorithm, Certificate: "MIIFJzCCBA+gAwIBAgIQ...", Signature: "rW1vbnN0cmF0aW9u...",
			Card: AnswerCard{Type: "cps3", Interface: "contact"}, Bridge: "0.1.0",
		}),
		"cancel":  pretty(t, Cancel{ID: c.ID}),
		"removal": pretty(t, Removal{ID: c.ID, Secret: c.Removal}),
		"problem": pretty(t, Problem{Error: PINIncorrect, TriesLeft: &left}),
		"steps":   steps(readVectors(t).Login),
	}
}

// steps shows the login of the vectors, the long values in lines.
func steps(l loginVector) string {
	var b strings.Builder
	for _, s := range []struct{ name, value string }{
		{"origin", l.Origin},
		{"SHA-256(origin)", l.OriginSum},
		{"SHA-256(challenge)", l.ChallengeSum},
		{"SHA-256(certificate)", l.CertificateSum},
		{"M", l.Message},
		{"DigestInfo, to a CPS3", l.DigestInfo},
		{"block, to a CPS4", l.Block},
		{"signature", l.Signature},
	} {
		fmt.Fprintln(&b, s.name)
		const line = 64
		for v := s.value; v != ""; {
			n := min(line, len(v))
			fmt.Fprintln(&b, "    "+v[:n])
			v = v[n:]
		}
	}
	return b.String()
}

var block = regexp.MustCompile("(?s)<!-- example: ([a-z-]+) -->\n```(json|text)\n(.*?)```")

// The specification shows what the code says, every message of it.
func TestSpecificationShowsTheRealMessages(t *testing.T) {
	want := examples(t)
	doc := block.ReplaceAllStringFunc(readSpecification(t), func(found string) string {
		part := block.FindStringSubmatch(found)
		name, shown := part[1], part[3]
		real, ok := want[name]
		if !ok {
			t.Errorf("the specification shows %q, which is no message or is shown twice", name)
			return found
		}
		delete(want, name)
		if !*update && shown != real {
			t.Errorf("example %q is not what the code says:\n%s", name, real)
		}
		return "<!-- example: " + name + " -->\n```" + part[2] + "\n" + real + "```"
	})
	for name := range want {
		t.Errorf("the specification lacks an example of %q", name)
	}
	if *update {
		must(t, os.WriteFile(specification, []byte(doc), 0o644))
	}
}

// Another bridge has nothing but this table.
func TestSpecificationListsEveryError(t *testing.T) {
	rows := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| (`[a-z_]+` \\| [0-9]{3} \\| PF-CA-[0-9]{3}) \\| ")
	for _, found := range row.FindAllStringSubmatch(readSpecification(t), -1) {
		rows[found[1]] = true
	}
	for _, e := range BridgeErrors() {
		want := fmt.Sprintf("`%s` | %d | %s", e, e.Status(), e.Code())
		if !rows[want] {
			t.Errorf("the specification lacks %q", want)
		}
		delete(rows, want)
	}
	for found := range rows {
		t.Errorf("the specification lists %q, which is no error of a bridge", found)
	}
}

func TestSpecificationListsEveryCode(t *testing.T) {
	source, err := os.ReadFile("codes.go")
	must(t, err)
	doc := readSpecification(t)
	known := map[string]bool{}
	code := regexp.MustCompile(`PF-CA-\d{3}`)
	for _, c := range code.FindAllString(string(source), -1) {
		known[c] = true
		if !strings.Contains(doc, c) {
			t.Errorf("the specification does not list %s", c)
		}
	}
	for _, c := range code.FindAllString(doc, -1) {
		if !known[c] {
			t.Errorf("the specification names %s, which does not exist", c)
		}
	}
}

func TestSpecificationNamesTheRealLimits(t *testing.T) {
	doc := readSpecification(t)
	kib := func(n int) string { return fmt.Sprintf("%d KiB", n>>10) }
	seconds := func(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Seconds())) }
	for limit, value := range map[string]string{
		"ports of the bridge, tried in this order": strings.Trim(strings.ReplaceAll(fmt.Sprint(Ports()), " ", ", "), "[]"),
		"any message":                kib(MaxBody),
		"challenge":                  kib(maxToken),
		"certificate":                kib(MaxCertificate),
		"life of a challenge":        seconds(ChallengeLife),
		"difference of clocks":       seconds(Skew),
		"path of the removal report": "`" + RemovalPath + "`",
	} {
		if row := "| " + limit + " | " + value + " |"; !strings.Contains(doc, row) {
			t.Errorf("the specification lacks %q", row)
		}
	}
}

// The examples can be read as they stand.
func TestSpecificationExamplesCanBeRead(t *testing.T) {
	readers := map[string]any{
		"header": &header{}, "challenge": &Challenge{}, "status": &Status{}, "ask": &Ask{}, "answer": &Answer{},
		"cancel": &Cancel{}, "removal": &Removal{}, "problem": &Problem{},
	}
	for _, found := range block.FindAllStringSubmatch(readSpecification(t), -1) {
		into, ok := readers[found[1]]
		if !ok {
			continue
		}
		if err := strictJSON([]byte(found[3]), into); err != nil {
			t.Errorf("%s: %v", found[1], err)
		}
	}
	if c, ok := readers["challenge"].(*Challenge); !ok || !c.wellFormed() {
		t.Errorf("the challenge is none: %+v", c)
	}
}

func readSpecification(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(specification)
	must(t, err)
	return string(b)
}
