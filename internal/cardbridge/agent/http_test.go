package agent_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
)

func origin(values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Origin"] = values }
}

// untouched wants a refusal that foreign pages cannot read, and no window.
func (b *bed) untouched(r reply, word cps.BridgeError) {
	b.Helper()
	b.refused(r, word)
	b.windows(0)
	for name := range r.header {
		if strings.HasPrefix(name, "Access-Control-") {
			b.Errorf("%s is %q", name, r.header[name])
		}
	}
}

func TestForeignOrigin(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	for _, foreign := range []string{
		"https://attacker.example", b.provider.origin + "0", b.provider.origin + "/", strings.ToUpper(b.provider.origin), "file://", " ",
		b.provider.origin + ", https://attacker.example", strings.Replace(b.provider.origin, "http:", "https:", 1),
	} {
		b.untouched(b.ask(token, origin(foreign)), cps.OriginNotAllowed)
		b.untouched(b.send(b.request(http.MethodGet, "/v1/status", "", origin(foreign))), cps.OriginNotAllowed)
	}
}

func TestNullOrigin(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	b.untouched(b.ask(token, origin("null")), cps.OriginNotAllowed)
}

func TestMissingOrigin(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	b.untouched(b.ask(token, origin()), cps.OriginNotAllowed)
	b.untouched(b.ask(token, origin("")), cps.OriginNotAllowed)
	b.untouched(b.send(b.request(http.MethodGet, "/v1/status", "", origin())), cps.OriginNotAllowed)
}

func TestTwoOrigins(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	b.untouched(b.ask(token, origin(b.provider.origin, "https://attacker.example")), cps.OriginNotAllowed)
	b.untouched(b.ask(token, origin("https://attacker.example", b.provider.origin)), cps.OriginNotAllowed)
	b.untouched(b.ask(token, origin(b.provider.origin, b.provider.origin)), cps.OriginNotAllowed)
}

// A name of the attacker's that resolves to the loopback address makes the
// browser send his name as Host, whatever the Origin.
func TestRebindingHost(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	port := ":" + strconv.Itoa(b.port)
	for _, host := range []string{
		"attacker.example" + port, "127.0.0.1.attacker.example" + port, "localhost.attacker.example" + port, "LOCALHOST" + port,
		"127.0.0.1", "localhost", "127.0.0.1:" + strconv.Itoa(b.port+1), "0.0.0.0" + port, "127.1" + port, "[::]" + port, "127.0.0.2" + port,
	} {
		b.untouched(b.ask(token, func(r *http.Request) { r.Host = host }), cps.BadHost)
		b.untouched(b.send(b.request(http.MethodGet, "/v1/status", "", func(r *http.Request) { r.Host = host })), cps.BadHost)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		r := b.send(b.request(http.MethodGet, "/v1/status", "", func(r *http.Request) { r.Host = host + port }))
		if r.status != http.StatusOK {
			t.Errorf("%s: %d %s", host, r.status, r.body)
		}
	}
}

// What a page may send without a preflight has no effect.
func TestSimpleRequestCSRF(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, change := range map[string]func(*http.Request){
		"text/plain":       set("Content-Type", "text/plain"),
		"text/plain, JSON": set("Content-Type", "text/plain; application/json"),
		"form":             set("Content-Type", "application/x-www-form-urlencoded"),
		"multipart":        set("Content-Type", "multipart/form-data; boundary=x"),
		"no type":          func(r *http.Request) { r.Header.Del("Content-Type") },
		"another JSON":     set("Content-Type", "application/json-patch+json"),
		"no header":        func(r *http.Request) { r.Header.Del("X-Card-Bridge") },
		"empty header":     set("X-Card-Bridge", ""),
		"other header":     set("X-Card-Bridge", "true"),
	} {
		t.Run(name, func(*testing.T) {
			b.refused(b.ask(token, change), cps.RequestInvalid)
			b.refused(b.send(b.request(http.MethodPost, "/v1/cancel", `{"jti":"x"}`, change)), cps.RequestInvalid)
		})
	}
	b.windows(0)
	b.answered(token, b.ask(token, set("Content-Type", "application/json; charset=utf-8")))
}

func TestFormBodyCSRF(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	b.refused(b.send(b.request(http.MethodPost, "/v1/authenticate", "protocol=cps-auth%3A1&challenge="+token)), cps.RequestInvalid)
	b.windows(0)
}

func TestGETHasNoEffect(t *testing.T) {
	b := newBed(t)
	opened, closed := b.holder.hesitates()
	c, token := b.challenge()
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		for _, path := range []string{"/v1/authenticate", "/v1/authenticate?challenge=" + token, "/v1/cancel"} {
			b.refused(b.send(b.request(method, path, asked(token), func(r *http.Request) {
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-Card-Bridge", "1")
			})), cps.RequestInvalid)
		}
	}
	b.windows(0)
	pending := b.later(b.request(http.MethodPost, "/v1/authenticate", asked(token)))
	wait(t, opened, "window")
	b.refused(b.send(b.request(http.MethodGet, "/v1/cancel?jti="+c.ID, `{"jti":"`+c.ID+`"}`)), cps.RequestInvalid)
	if len(closed) != 0 {
		t.Error("a GET closed the window")
	}
	b.agent.Cancel(c.ID)
	b.refused(wait(t, pending, "answer"), cps.UserCancelled)
}

func TestForeignPreflight(t *testing.T) {
	b := newBed(t)
	preflight := func(from string) reply {
		return b.send(b.request(http.MethodOptions, "/v1/authenticate", "", origin(from), func(r *http.Request) {
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", "content-type,x-card-bridge")
			r.Header.Set("Access-Control-Request-Private-Network", "true")
		}))
	}
	b.untouched(preflight("https://attacker.example"), cps.OriginNotAllowed)
	b.untouched(preflight("null"), cps.OriginNotAllowed)
	ours := preflight(b.provider.origin)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": b.provider.origin, "Access-Control-Allow-Methods": "GET, POST",
		"Access-Control-Allow-Headers": "Content-Type, X-Card-Bridge", "Access-Control-Allow-Private-Network": "true",
		"Access-Control-Allow-Credentials": "", // no cookies
	} {
		if got := ours.header.Get(name); got != want || ours.status != http.StatusNoContent {
			t.Errorf("%d, %s: %q", ours.status, name, got)
		}
	}
}

// A page learns what is missing, never whose card it is.
func TestStatusLeaksNothing(t *testing.T) {
	b := newBed(t)
	b.slots.PINPad(two)
	r := b.send(b.request(http.MethodGet, "/v1/status", ""))
	const want = `{"bridge":"card-bridge","version":"1.0.0","protocols":["cps-auth:1"],"readers":[` +
		`{"id":0,"state":"present","card":"cps3","pinpad":false},{"id":1,"state":"empty","card":"none","pinpad":true}]}` + "\n"
	if string(r.body) != want || r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": b.provider.origin, "Vary": "Origin", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Content-Type": "application/json",
	} {
		if got := r.header.Values(name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q", name, got)
		}
		r.header.Del(name)
	}
	r.header.Del("Date")
	r.header.Del("Content-Length")
	r.header.Del("Connection") // the test's client closes
	if len(r.header) != 0 {
		t.Errorf("also %v", slices.Collect(maps.Keys(r.header)))
	}
}

func TestStatusTellsEachState(t *testing.T) {
	b := newBed(t)
	b.slots.Mute(two)
	b.slots.Insert(one, newCard(t, "cps3-contactless", softcard.Options{}))
	var s cps.Status
	must(t, json.Unmarshal(b.send(b.request(http.MethodGet, "/v1/status", "")).body, &s))
	if len(s.Readers) != 2 || s.Readers[0].Card != "contactless" || s.Readers[1].State != "mute" || s.Readers[1].Card != "none" {
		t.Errorf("%+v", s.Readers)
	}
}

func TestMalformedBodies(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	good := asked(token)
	for name, body := range map[string]string{
		"oversized":       good + strings.Repeat(" ", cps.MaxBody+1-len(good)),
		"trailing JSON":   good + good,
		"trailing text":   good + "x",
		"unknown field":   strings.Replace(good, "{", `{"hash":"AAAA",`, 1),
		"other protocol":  strings.Replace(good, cps.Protocol, "cps-auth:2", 1),
		"no protocol":     `{"challenge":"` + token + `"}`,
		"array":           "[" + good + "]",
		"null":            "null",
		"empty":           "",
		"number for text": `{"protocol":"cps-auth:1","challenge":1}`,
	} {
		t.Run(name, func(*testing.T) { b.refused(b.ask("", bodyOf(body)), cps.RequestInvalid) })
	}
	b.refused(b.send(b.request(http.MethodPost, "/v1/cancel", `{"jti":""}`)), cps.RequestInvalid)
	b.refused(b.send(b.request(http.MethodPost, "/v1/cancel", `{"jti":"x","all":true}`)), cps.RequestInvalid)
	b.refused(b.send(b.request(http.MethodPost, "/v2/authenticate", good)), cps.RequestInvalid)
	b.windows(0)
	b.answered(token, b.ask("", bodyOf(good+strings.Repeat(" ", cps.MaxBody-len(good)))))
}

func bodyOf(s string) func(*http.Request) {
	return func(r *http.Request) {
		fresh, err := http.NewRequest(r.Method, r.URL.String(), strings.NewReader(s))
		if err == nil {
			r.Body, r.GetBody, r.ContentLength = fresh.Body, fresh.GetBody, fresh.ContentLength
		}
	}
}
