package agent_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/means/cps"
)

func TestReplayedChallenge(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	b.answered(token, b.ask(token))
	b.refused(b.ask(token), cps.ChallengeInvalid)
	b.clock.Advance(2 * time.Minute) // still within its life and the skew
	b.refused(b.ask(token), cps.ChallengeInvalid)
	b.windows(1)
}

// A challenge that ended without a signature is not given a second chance either.
func TestReplayedChallengeAfterARefusal(t *testing.T) {
	b := newBed(t)
	b.holder.types()
	_, token := b.challenge()
	b.refused(b.ask(token), cps.UserCancelled)
	b.refused(b.ask(token), cps.ChallengeInvalid)
	b.windows(1)
}

// The page of one provider shows a challenge that another, also pinned, has made.
func TestChallengeOfAnotherProvider(t *testing.T) {
	other := newProvider(t)
	b := newBed(t, func(o *agent.Options) {
		o.Providers = append(o.Providers, agent.Provider{Origin: other.origin, Keys: agent.Pinned(publicKeys(t))})
	})
	_, token := b.challenge()
	b.refused(b.ask(token, origin(other.origin)), cps.ChallengeInvalid)
	b.windows(0)
	b.answered(token, b.ask(token)) // who only overheard it has not used it up
}

// The signature is by a key that this provider does not have.
func TestChallengeSignedByAnother(t *testing.T) {
	b := newBed(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c, _ := b.challenge()
	header := map[string]any{"alg": "ES256", "typ": cps.TypChallenge, "kid": kid}
	b.refused(b.ask(forge(t, header, claims(t, c), byECDSA(t, stranger))), cps.ChallengeInvalid)
	b.windows(0)
}

// A look-alike page relays a real challenge: Origin is its own, iss is not.
func TestAlteredOrigin(t *testing.T) {
	b := newBed(t)
	c, _ := b.challenge()
	for _, iss := range []string{"https://attacker.example", b.provider.origin + "/", strings.Replace(b.provider.origin, "127.0.0.1", "localhost", 1), ""} {
		c.Issuer = iss
		b.refused(b.ask(b.sign(c)), cps.ChallengeInvalid)
	}
	b.windows(0)
}

func TestExpiredChallenge(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	_, edge := b.challenge()
	b.clock.Advance(cps.ChallengeLife + cps.Skew)
	b.answered(edge, b.ask(edge)) // within the skew of two clocks
	b.clock.Advance(time.Second)
	b.refused(b.ask(token), cps.ChallengeExpired)
	b.windows(1)
}

func TestFutureChallenge(t *testing.T) {
	b := newBed(t)
	c, _ := b.challenge()
	for _, ahead := range []time.Duration{cps.Skew + time.Second, time.Hour} {
		c.IssuedAt, c.Expires = noon.Add(ahead).Unix(), noon.Add(ahead+cps.ChallengeLife).Unix()
		b.refused(b.ask(b.sign(c)), cps.ChallengeInvalid)
	}
	b.windows(0)
}

func TestLongLivedChallenge(t *testing.T) {
	b := newBed(t)
	c, _ := b.challenge()
	c.Expires = noon.Add(24 * time.Hour).Unix()
	b.refused(b.ask(b.sign(c)), cps.ChallengeInvalid)
	b.windows(0)
}

func claims(t *testing.T, c cps.Challenge) []byte {
	t.Helper()
	payload, err := json.Marshal(c)
	must(t, err)
	return payload
}

func TestForgedHeader(t *testing.T) {
	b := newBed(t)
	k, err := key()
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	must(t, err)
	jwk, err := publicKeys(t).Keys[0].MarshalJSON()
	must(t, err)
	mac := func(secret []byte) func([]byte) []byte {
		return func(input []byte) []byte {
			h := hmac.New(sha256.New, secret)
			_, _ = h.Write(input) // never fails
			return h.Sum(nil)
		}
	}
	good := byECDSA(t, k)
	header := func(more map[string]any) map[string]any {
		h := map[string]any{"alg": "ES256", "typ": cps.TypChallenge, "kid": kid}
		for name, value := range more {
			if h[name] = value; value == nil {
				delete(h, name)
			}
		}
		return h
	}
	for name, forged := range map[string]struct {
		header map[string]any
		sign   func([]byte) []byte
	}{
		"alg none":                            {header(map[string]any{"alg": "none"}), func([]byte) []byte { return nil }},
		"alg none, signed":                    {header(map[string]any{"alg": "none"}), good},
		"alg None":                            {header(map[string]any{"alg": "None"}), func([]byte) []byte { return nil }},
		"HS256 with the public key, DER":      {header(map[string]any{"alg": "HS256"}), mac(der)},
		"HS256 with the public key, PEM":      {header(map[string]any{"alg": "HS256"}), mac(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))},
		"HS256 with the public key, JWK":      {header(map[string]any{"alg": "HS256"}), mac(jwk)},
		"RS256":                               {header(map[string]any{"alg": "RS256"}), byRSA(t)},
		"PS256 under a key of ES256":          {header(map[string]any{"alg": "PS256"}), byRSA(t)},
		"ES384":                               {header(map[string]any{"alg": "ES384"}), good},
		"no alg":                              {header(map[string]any{"alg": nil}), good},
		"typ of an ID token":                  {header(map[string]any{"typ": "JWT"}), good},
		"no typ":                              {header(map[string]any{"typ": nil}), good},
		"typ in capitals":                     {header(map[string]any{"typ": "CPS-Challenge+JWT"}), good},
		"no kid":                              {header(map[string]any{"kid": nil}), good},
		"unknown kid":                         {header(map[string]any{"kid": "other"}), good},
		"own key in the header (jwk)":         {header(map[string]any{"jwk": json.RawMessage(jwk)}), good},
		"address of a key in the header":      {header(map[string]any{"jku": "https://attacker.example/jwks"}), good},
		"certificate in the header (x5c)":     {header(map[string]any{"x5c": []string{"AAAA"}}), good},
		"critical extension":                  {header(map[string]any{"crit": []string{"exp"}, "exp": 1}), good},
		"unencoded payload":                   {header(map[string]any{"b64": false, "crit": []string{"b64"}}), good},
		"signature left out":                  {header(nil), func([]byte) []byte { return nil }},
		"signature of zeros (CVE-2022-21449)": {header(nil), func([]byte) []byte { return make([]byte, 64) }},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := b.challenge()
			b.refused(b.ask(forge(t, forged.header, claims(t, c), forged.sign)), cps.ChallengeInvalid)
		})
	}
	b.windows(0)
}

func byRSA(t *testing.T) func([]byte) []byte {
	return func(input []byte) []byte {
		c, err := made() // any RSA key will do
		must(t, err)
		block, _ := pem.Decode([]byte(c.Signature.Key))
		k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		must(t, err)
		sum := sha256.Sum256(input)
		signature, err := rsa.SignPKCS1v15(nil, k.(*rsa.PrivateKey), crypto.SHA256, sum[:])
		must(t, err)
		return signature
	}
}

func TestMalformedClaims(t *testing.T) {
	b := newBed(t)
	k, err := key()
	must(t, err)
	header := map[string]any{"alg": "ES256", "typ": cps.TypChallenge, "kid": kid}
	for name, spoil := range map[string]func(map[string]any){
		"other audience":     func(c map[string]any) { c["aud"] = "https://service.example" },
		"audience in a list": func(c map[string]any) { c["aud"] = []string{"card-bridge"} },
		"short jti":          func(c map[string]any) { c["jti"] = "AAAA" },
		"no nonce":           func(c map[string]any) { delete(c, "nonce") },
		"short removal":      func(c map[string]any) { c["removal"] = "AAAA" },
		"unknown claim":      func(c map[string]any) { c["hash"] = "AAAA" },
		"no iat":             func(c map[string]any) { delete(c, "iat") },
		"no name":            func(c map[string]any) { c["client_name"] = "" },
		"name of two lines":  func(c map[string]any) { c["client_name"] = "Service\nLecteur : sûr" },
		"name turned round":  func(c map[string]any) { c["client_name"] = "Service\u202eelbaif" },
		"oversized":          func(c map[string]any) { c["txn"] = strings.Repeat("x", cps.MaxBody/3) },
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := b.challenge()
			var all map[string]any
			must(t, json.Unmarshal(claims(t, c), &all))
			spoil(all)
			payload, err := json.Marshal(all)
			must(t, err)
			b.refused(b.ask(forge(t, header, payload, byECDSA(t, k))), cps.ChallengeInvalid)
		})
	}
	b.windows(0)
}

// The same challenge in another spelling would be another token to who only
// compares text.
func TestChallengeSpeltOtherwise(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	for name, other := range map[string]string{
		"padded":       token + "=",
		"four parts":   token + ".AAAA",
		"two parts":    token[:strings.LastIndexByte(token, '.')],
		"line end":     token + "\n",
		"space before": " " + token,
		"empty":        "",
		"JSON form":    `{"payload":"x","signatures":[]}`,
		"base64 alphabet": func() string {
			head, rest, _ := strings.Cut(token, ".")
			raw, err := base64.RawURLEncoding.DecodeString(head)
			must(t, err)
			return base64.StdEncoding.EncodeToString(raw) + "=." + rest
		}(),
	} {
		t.Run(name, func(*testing.T) { b.refused(b.ask(other), cps.ChallengeInvalid) })
	}
	b.windows(0)
}

// Ids are remembered for five minutes, and a flood of them is refused rather
// than one of them forgotten. It needs the provider's signature to begin with.
func TestFloodOfChallengesForgetsNone(t *testing.T) {
	b := newBed(t)
	b.slots.Remove(one) // each is refused early: no card
	c, first := b.challenge()
	b.refused(b.ask(first), cps.NoCard)
	const remembered = 4096
	for range remembered - 1 {
		flood, err := cps.NewChallenge(rand.Reader, noon, c.Issuer, "txn", "Service")
		must(t, err)
		token, err := flood.Sign(signer{t})
		must(t, err)
		_, err = b.agent.Authenticate(t.Context(), c.Issuer, token)
		if r := wordOf(err); r != cps.NoCard {
			t.Fatal(err)
		}
	}
	_, token := b.challenge()
	b.refused(b.ask(token), cps.ChallengeInvalid)
	b.refused(b.ask(first), cps.ChallengeInvalid)
	b.slots.Insert(one, newCard(t, "cps3", noOptions))
	b.clock.Advance(5 * time.Minute)
	b.login()
}

func TestProviderWithoutOriginOrKeys(t *testing.T) {
	for _, p := range []agent.Provider{{Origin: "https://idp.example/", Keys: agent.Pinned{}}, {Origin: "https://idp.example"}, {Keys: agent.Pinned{}}} {
		b := newBed(t)
		o := b.agent.Options
		o.Providers = []agent.Provider{p}
		if _, err := agent.New(o); err == nil {
			t.Errorf("%q is a provider", p.Origin)
		}
	}
	if _, err := agent.New(agent.Options{}); err == nil {
		t.Error("an agent without anything")
	}
}

// Without a provider in its configuration a bridge speaks to nobody.
func TestEmptyConfigurationAllowsNobody(t *testing.T) {
	b := newBed(t, func(o *agent.Options) { o.Providers = nil })
	b.untouched(b.send(b.request(http.MethodGet, "/v1/status", "")), cps.OriginNotAllowed)
	b.untouched(b.send(b.request(http.MethodGet, "/v1/status", "", origin(""))), cps.OriginNotAllowed)
}
