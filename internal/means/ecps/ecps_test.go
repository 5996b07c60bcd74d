package ecps

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"github.com/egide-id/egide/internal/platform/fault"
)

func key(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[ed25519.SeedSize:]) }

func secretOf(b byte) string { return b64(bytes.Repeat([]byte{b}, 32)) }

// sample is a good approval without its PIN signature.
func sample() Answer {
	return Answer{
		V: Version, Issuer: "https://auth.example.test/auth/realms/esante-wallet", Device: "b2Fk", Holder: "899700990015",
		Service: "dmp", Name: "Dossier de démonstration", Number: "42", Asker: AskerComputer, Time: 1795338000,
		Transaction: secretOf(1), Decision: Approve, Ratchets: []string{secretOf(2)}, Next: secretOf(3),
	}
}

func signedSample(t testing.TB, k *ecdsa.PrivateKey) string {
	t.Helper()
	pin, err := PINKey("2580", bytes.Repeat([]byte{7}, SecretSize), 2)
	if err != nil {
		t.Fatal(err)
	}
	token, err := SignAnswer(k, sample().SignPIN(pin))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestAnswerRoundTrip(t *testing.T) {
	k := key(t)
	s, err := ParseAnswer(signedSample(t, k))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(&k.PublicKey); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(&key(t).PublicKey); !fault.Is(err, fault.Denied) {
		t.Fatalf("another key verified: %v", err)
	}
	right, _ := PINKey("2580", bytes.Repeat([]byte{7}, SecretSize), 2)
	wrong, _ := PINKey("2581", bytes.Repeat([]byte{7}, SecretSize), 2)
	if !s.Answer.PINOK(public(right)) || s.Answer.PINOK(public(wrong)) || s.Answer.PINOK(nil) {
		t.Fatal("the PIN key does not tell right from wrong")
	}
}

// forge signs any bytes under any header, as an attacker with a device key can.
func forge(t *testing.T, k *ecdsa.PrivateKey, head, payload string) string {
	t.Helper()
	part := b64([]byte(head)) + "." + b64([]byte(payload))
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k}, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Sign([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	full, err := o.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return part + full[strings.LastIndex(full, "."):]
}

// Every doubtful form of an answer is refused before any signature is looked at.
func TestDoubtfulAnswersAreRefused(t *testing.T) {
	k := key(t)
	good := signedSample(t, k)
	parts := strings.Split(good, ".")
	plain, _ := base64.RawURLEncoding.DecodeString(parts[1])
	body := string(plain)
	const head = `{"alg":"ES256","kid":"b2Fk","typ":"ecps-answer+jwt"}`
	replace := func(old, with string) string {
		if !strings.Contains(body, old) {
			t.Fatalf("%q is not in the sample", old)
		}
		return forge(t, k, head, strings.Replace(body, old, with, 1))
	}
	for name, token := range map[string]string{
		"empty":                  "",
		"two parts":              parts[0] + "." + parts[1],
		"four parts":             good + ".x",
		"JSON serialization":     `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"line break":             good[:20] + "\n" + good[20:],
		"padding":                good + "=",
		"loose last bits":        good[:len(good)-1] + next(good[len(good)-1]),
		"too long":               strings.Repeat("A", maxToken+1),
		"alg none":               forge(t, k, `{"alg":"none","kid":"b2Fk","typ":"ecps-answer+jwt"}`, body),
		"alg HS256":              forge(t, k, `{"alg":"HS256","kid":"b2Fk","typ":"ecps-answer+jwt"}`, body),
		"alg in other letters":   forge(t, k, `{"Alg":"ES256","kid":"b2Fk","typ":"ecps-answer+jwt"}`, body),
		"type of a call":         forge(t, k, `{"alg":"ES256","kid":"b2Fk","typ":"ecps-call+jwt"}`, body),
		"no type":                forge(t, k, `{"alg":"ES256","kid":"b2Fk"}`, body),
		"brings its own key":     forge(t, k, `{"alg":"ES256","kid":"b2Fk","typ":"ecps-answer+jwt","jwk":{}}`, body),
		"critical extension":     forge(t, k, `{"alg":"ES256","crit":["b64"],"b64":false,"kid":"b2Fk","typ":"ecps-answer+jwt"}`, body),
		"header of another":      forge(t, k, `{"alg":"ES256","kid":"other","typ":"ecps-answer+jwt"}`, body),
		"doubled header member":  forge(t, k, `{"alg":"ES256","alg":"ES256","kid":"b2Fk","typ":"ecps-answer+jwt"}`, body),
		"doubled member":         replace(`"number":"42"`, `"number":"17","number":"42"`),
		"other letters":          replace(`"number"`, `"Number"`),
		"unknown member":         replace(`"number"`, `"extra":1,"number"`),
		"missing member":         replace(`"number":"42",`, ``),
		"other order":            replace(`"number":"42","asker":"computer"`, `"asker":"computer","number":"42"`),
		"spaces":                 replace(`"number":`, `"number": `),
		"trailing data":          forge(t, k, head, body+"{}"),
		"escaped letters":        replace(`"computer"`, `"\u0063omputer"`),
		"version 2":              replace(`"v":1`, `"v":2`),
		"version as text":        replace(`"v":1`, `"v":"1"`),
		"time as a float":        replace(`1795338000`, `1795338000.0`),
		"three digits":           replace(`"42"`, `"421"`),
		"no number":              replace(`"42"`, `""`),
		"number in other digits": replace(`"42"`, `"٤٢"`),
		"unknown decision":       replace(`"approve"`, `"maybe"`),
		"refusal with a PIN":     replace(`"approve"`, `"refuse"`),
		"no ratchet":             replace(`["`+secretOf(2)+`"]`, `[]`),
		"null ratchets":          replace(`["`+secretOf(2)+`"]`, `null`),
		"five ratchets":          replace(`["`+secretOf(2)+`"]`, `["`+strings.Join(slices.Repeat([]string{secretOf(2)}, 5), `","`)+`"]`),
		"short transaction":      replace(secretOf(1), "AAAA"),
		"right-to-left name":     replace(`Dossier`, "\u202eDossier"),
		"line break in a name":   replace(`Dossier`, `Dos\nsier`),
		"empty holder":           replace(`899700990015`, ``),
	} {
		if _, err := ParseAnswer(token); !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// next gives a letter whose value differs in its last bits only.
func next(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

func TestEveryFieldIsInTheDigest(t *testing.T) {
	base := sample()
	seen := map[string]string{string(base.Digest()): "itself"}
	for name, change := range map[string]func(*Answer){
		"issuer": func(a *Answer) { a.Issuer += "x" }, "device": func(a *Answer) { a.Device += "x" },
		"holder": func(a *Answer) { a.Holder += "x" }, "service": func(a *Answer) { a.Service += "x" },
		"name": func(a *Answer) { a.Name += "x" }, "number": func(a *Answer) { a.Number += "1" },
		"asker": func(a *Answer) { a.Asker += "x" }, "time": func(a *Answer) { a.Time++ },
		"transaction": func(a *Answer) { a.Transaction += "x" }, "decision": func(a *Answer) { a.Decision = Refuse },
		"ratchets": func(a *Answer) { a.Ratchets = []string{secretOf(2), secretOf(9)} }, "next": func(a *Answer) { a.Next += "x" },
		"border moved": func(a *Answer) { a.Issuer, a.Device = a.Issuer+a.Device[:1], a.Device[1:] },
	} {
		a := sample()
		change(&a)
		if was, taken := seen[string(a.Digest())]; taken {
			t.Errorf("%s gives the digest of %s", name, was)
		}
		seen[string(a.Digest())] = name
	}
}

func TestDigestTellsListsOfFieldsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.StringN(0, 4, 8), 0, 4).Draw(t, "a")
		b := rapid.SliceOfN(rapid.StringN(0, 4, 8), 0, 4).Draw(t, "b")
		if slices.Equal(a, b) != bytes.Equal(digest("l", a...), digest("l", b...)) {
			t.Fatal("two lists of fields, one digest")
		}
	})
}

func TestCallIsBoundToOneCall(t *testing.T) {
	k := key(t)
	at := time.Unix(1795338000, 0)
	id, _ := NewID(rand.Reader)
	c := Call{V: Version, Issuer: "i", Method: "POST", Path: "/requests/x/answer", Body: BodyHash([]byte("{}")), Time: at.Unix(), ID: id}
	token, err := SignCall(k, "dev", c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseCall(token)
	if err != nil || s.Device != "dev" {
		t.Fatal(s.Device, err)
	}
	good := Received{Issuer: "i", Method: "POST", Path: "/requests/x/answer", Body: []byte("{}"), Now: at}
	for name, test := range map[string]struct {
		change func(*Received)
		code   string
	}{
		"itself":         {func(*Received) {}, ""},
		"another issuer": {func(r *Received) { r.Issuer = "j" }, CodeCall},
		"another method": {func(r *Received) { r.Method = "GET" }, CodeCall},
		"another path":   {func(r *Received) { r.Path = "/requests/y/answer" }, CodeCall},
		"another body":   {func(r *Received) { r.Body = nil }, CodeCall},
		"old enough":     {func(r *Received) { r.Now = at.Add(CallPast) }, ""},
		"too old":        {func(r *Received) { r.Now = at.Add(CallPast + time.Second) }, CodeClock},
		"ahead enough":   {func(r *Received) { r.Now = at.Add(-CallFuture) }, ""},
		"too far ahead":  {func(r *Received) { r.Now = at.Add(-CallFuture - time.Second) }, CodeClock},
	} {
		r := good
		test.change(&r)
		if err := s.Verify(&k.PublicKey, r); fault.CodeOf(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseAnswer(token); !fault.Is(err, fault.Invalid) {
		t.Fatal("a call passed for an answer")
	}
	if _, err := ParseCall(signedSample(t, k)); !fault.Is(err, fault.Invalid) {
		t.Fatal("an answer passed for a call")
	}
}

// Somebody else's keys cannot be enrolled: both must sign.
func TestEnrolmentNeedsBothKeys(t *testing.T) {
	k := key(t)
	pin, _ := PINKey("2580", bytes.Repeat([]byte{7}, SecretSize), 2)
	e := Enrolment{V: Version, Issuer: "i", Invitation: secretOf(5), Rounds: 2, Label: "test", Time: 1}
	token, err := SignEnrolment(k, pin, e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseEnrolment(token)
	if err != nil {
		t.Fatal(err)
	}
	otherPIN, _ := PINKey("2581", bytes.Repeat([]byte{7}, SecretSize), 2)
	stolen := got
	stolen.PinKey = EncodePINKey(public(otherPIN))
	foreign, _ := sign(k, typEnrolment, Hash(stolen.DeviceKey), stolen)
	if _, err := ParseEnrolment(foreign); !fault.Is(err, fault.Denied) {
		t.Fatalf("a PIN key nobody proved: %v", err)
	}
	byOther, _ := sign(key(t), typEnrolment, Hash(got.DeviceKey), got)
	if _, err := ParseEnrolment(byOther); !fault.Is(err, fault.Denied) {
		t.Fatalf("a device key nobody proved: %v", err)
	}
	bad := got
	bad.DeviceKey = b64(bytes.Repeat([]byte{4}, p256Point))
	off, _ := sign(k, typEnrolment, Hash(bad.DeviceKey), bad)
	if _, err := ParseEnrolment(off); !fault.Is(err, fault.Invalid) {
		t.Fatalf("a point off the curve: %v", err)
	}
}

func TestTrivialPINs(t *testing.T) {
	for _, pin := range []string{"", "123", "123456789", "12a4", "0000", "9999", "1234", "4321", "8901", "2468", "1212", "123123", "1987", "2026", "٤٢٤٢"} {
		if err := CheckPIN(pin); fault.CodeOf(err) != CodeTrivialPIN {
			t.Errorf("%q was taken", pin)
		}
	}
	for _, pin := range []string{"2580", "7391", "8264", "0918", "193847", "2580147"} {
		if err := CheckPIN(pin); err != nil {
			t.Errorf("%q: %v", pin, err)
		}
	}
}

func TestNumbersAreFairAndDistinct(t *testing.T) {
	places := map[int]int{}
	for range 3000 {
		n, choices, err := NewNumbers(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		place := slices.Index(choices, n)
		distinct := len(choices) == 3 && choices[0] != choices[1] && choices[1] != choices[2] && choices[0] != choices[2]
		if !distinct || place < 0 || !IsNumber(choices[0]) || !IsNumber(choices[1]) || !IsNumber(choices[2]) {
			t.Fatalf("%s of %v", n, choices)
		}
		places[place]++
	}
	for place, times := range places { // 1000 expected, 26 standard deviation
		if times < 800 || times > 1200 {
			t.Errorf("place %d was right %d times of 3000", place, times)
		}
	}
	if _, _, err := NewNumbers(strings.NewReader("")); !fault.Is(err, fault.Unavailable) {
		t.Fatal("numbers without randomness")
	}
}

func TestShowableNamesCanBeSigned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if name := Showable(rapid.String().Draw(t, "name")); !text(name, 0) {
			t.Fatalf("%q", name)
		}
	})
	for in, want := range map[string]string{
		"Télé\u00a0: « santé\u00a0»": "Télé\u00a0: « santé\u00a0»", "a\u202eb\nc\xff": "abc", strings.Repeat("é", 200): strings.Repeat("é", 128),
	} {
		if got := Showable(in); got != want || !text(got, 0) {
			t.Errorf("%q became %q", in, got)
		}
	}
}
