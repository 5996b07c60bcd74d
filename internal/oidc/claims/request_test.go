package claims

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
)

func TestAZ15ClaimsParameterIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Request
	}{
		"both members": {`{"userinfo":{"given_name":{"essential":true},"family_name":null},"id_token":{"auth_time":{"essential":true},"name":null}}`,
			Request{IDToken: []string{"name"}, UserInfo: []string{"given_name", "family_name"}}},
		"unknown claims, members and language tags are ignored": {`{"vp":{"x":[1,{"y":null}]},"userinfo":{"http://example.info/claims/groups":null,"family_name#fr":null,"name":{"reason":["a",{}],"essential":false}}}`,
			Request{UserInfo: []string{"name"}}},
		"nothing":                      {`{}`, Request{}},
		"members that are null":        {`{"userinfo":null,"id_token":null}`, Request{}},
		"spaces and lines":             {" {\n\t\"userinfo\" : { \"name\" : { } } }\r\n", Request{UserInfo: []string{"name"}}},
		"voluntary acr":                {`{"id_token":{"acr":{"values":["eidas2","eidas1"]}}}`, Request{Levels: []string{"eidas2", "eidas1"}}},
		"essential acr":                {`{"id_token":{"acr":{"essential":true,"value":"eidas3"}}}`, Request{Levels: []string{"eidas3"}, MustACR: true}},
		"essential acr, any":           {`{"id_token":{"acr":{"essential":true}}}`, Request{}},
		"acr at UserInfo is no demand": {`{"userinfo":{"acr":{"essential":true,"value":"eidas3"}}}`, Request{}},
		"sub":                          {`{"id_token":{"sub":{"value":"248289761001"}}}`, Request{Sub: "248289761001"}},
		"the same sub twice":           {`{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"values":["a"]}}}`, Request{Sub: "a"}},
		"a value that is no text":      {`{"userinfo":{"name":{"value":{"formatted":["x",3]}},"given_name":null}}`, Request{UserInfo: []string{"name", "given_name"}}},
	} {
		got, err := ParseRequest(c.text)
		if err != nil || !slices.Equal(got.IDToken, c.want.IDToken) || !slices.Equal(got.UserInfo, c.want.UserInfo) ||
			!slices.Equal(got.Levels, c.want.Levels) || got.MustACR != c.want.MustACR || got.Sub != c.want.Sub {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, c.want)
		}
	}
}

// Nothing that two readers could understand differently, and nothing that costs
// more than it is worth.
func TestAZ15MalformedClaimsParameter(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no JSON": "given_name", "a text": `"x"`, "a list": `[]`, "null": `null`, "a number": `1`,
		"unfinished": `{"userinfo":{"name":null}`, "goes on": `{} {}`, "trailing letters": `{}x`,
		"a member twice":     `{"userinfo":{"name":null},"userinfo":{"given_name":null}}`,
		"a claim twice":      `{"userinfo":{"name":null,"name":{"essential":true}}}`,
		"essential twice":    `{"id_token":{"acr":{"essential":false,"essential":true}}}`,
		"escaped twice":      `{"userinfo":{"name":null,"n\u0061me":null}}`,
		"a member is a list": `{"userinfo":["name"]}`, "a claim is a text": `{"userinfo":{"name":"x"}}`, "a claim is true": `{"userinfo":{"name":true}}`,
		"essential is a text": `{"userinfo":{"name":{"essential":"true"}}}`, "values is a text": `{"id_token":{"acr":{"values":"eidas1"}}}`,
		"acr is a number": `{"id_token":{"acr":{"essential":true,"value":2}}}`,
		"two persons":     `{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}`, "one of two persons": `{"id_token":{"sub":{"values":["a","b"]}}}`,
		"sub is a number": `{"id_token":{"sub":{"value":1}}}`,
		"not UTF-8":       "{\"userinfo\":{\"\xff\":null}}",
		"too long":        `{"userinfo":{"` + strings.Repeat("x", maxRequest) + `":null}}`,
		"too deep":        `{"x":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`,
		"deep in a value": `{"userinfo":{"name":{"value":` + strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20) + `}}}`,
		"too many":        `{"x":[` + strings.Repeat("1,", 2000) + `1]}`,
		"NUL":             "{\"userinfo\":{\"a\x00\":null}}",
	} {
		if got, err := ParseRequest(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"userinfo":{"given_name":{"essential":true},"family_name":null},"id_token":{"acr":{"essential":true,"values":["eidas2"]},"sub":{"value":"a"}}}`,
		`{"userinfo":{"name":{"value":[{"x":1}]}}}`, `{"id_token":null`, `{"a":[[[[[[[[[[]]]]]]]]]]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRequest(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v", err)
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("accepted what is no JSON: %q", text)
		}
		for _, name := range append(slices.Clone(r.IDToken), r.UserInfo...) {
			if !known(name) {
				t.Fatalf("kept %q", name)
			}
		}
		if len(r.IDToken) > 30 || len(r.UserInfo) > 30 || len(text) > maxRequest {
			t.Fatalf("kept too much: %+v", r)
		}
	})
}

// AZ14, Core 5.5.1.1: an essential level is answered with one of those asked or
// not at all, whoever asks.
func TestAZ14EssentialLevel(t *testing.T) {
	all := []authn.Means{authn.Card, authn.ECPS}
	oidc := &client.Client{Profile: client.ProfileOIDC, Means: all}
	psc := &client.Client{Profile: client.ProfilePSC, Means: all}
	phones := &client.Client{Profile: client.ProfileOIDC, Means: []authn.Means{authn.ECPS}}
	otp := &client.Client{Profile: client.ProfileOIDC, Means: all, AllowOfflineOTP: true}
	for _, c := range []struct {
		name      string
		c         *client.Client
		means     authn.Means
		must      string
		want      string
		reachable bool
	}{
		{"one of those asked, not the highest", oidc, authn.Card, "eidas1", "eidas1", true},
		{"first in the order of the service", oidc, authn.Card, "eidas2 eidas3", "eidas2", true},
		{"psc is no exception", psc, authn.ECPS, "eidas3", "", true},
		{"step-up would help", oidc, authn.ECPS, "eidas3", "", true},
		{"no step-up would: the service takes no card", phones, authn.ECPS, "eidas3", "", false},
		{"no step-up would: nobody knows the level", oidc, authn.Card, "urn:mace:incommon:iap:gold", "", false},
		{"unknown beside known", oidc, authn.ECPS, "urn:x eidas2", "eidas2", true},
		{"offline code, opted in", otp, authn.ECPSOffline, "offline-otp", "offline-otp", true},
		{"offline code, not opted in", oidc, authn.ECPSOffline, "offline-otp", "", false},
		{"an offline code is no eidas level", otp, authn.ECPSOffline, "eidas1", "", true},
	} {
		asked := Levels{Must: strings.Fields(c.must), Wanted: []string{authn.Eidas1}}
		got, enough := ACR(c.c, asked, authn.Authentication{Means: c.means})
		if got != c.want || enough != (c.want != "") || Reachable(c.c, asked) != c.reachable {
			t.Errorf("%s: %q %v, reachable %v", c.name, got, enough, Reachable(c.c, asked))
		}
	}
}

// PG-40: asking by name opens nothing that the registration does not.
func TestAZ15UI3AskingByNameStaysWithinTheRegistration(t *testing.T) {
	everything := append(append(namesOf(), recordOf()...), "sub", "email", "phone_number", "acr", "SubjectRefPro")
	for name, c := range map[string]struct {
		scopes, needs []string
		want          []string
	}{
		"openid alone":         {[]string{"openid"}, nil, nil},
		"names":                {[]string{"openid", "profile"}, nil, namesOf()},
		"names, one is needed": {[]string{"openid", "profile"}, []string{"family_name"}, []string{"family_name"}},
		"a need is no right":   {[]string{"openid"}, []string{"family_name"}, nil},
		"the record":           {[]string{"openid", "scope_all"}, nil, recordOf()},
	} {
		relying := &client.Client{Profile: client.ProfileOIDC, Scopes: c.scopes, Answers: client.Answers{Claims: c.needs}}
		document, err := With(&Basic{Sub: "s"}, everything, relying, golden(t)["a"], authn.Authentication{Sub: "s", Means: authn.ECPS})
		if err != nil {
			t.Fatal(err)
		}
		got, err := members(document)
		if err != nil {
			t.Fatal(err)
		}
		delete(got, "sub")
		for claim, value := range got {
			if !slices.Contains(c.want, claim) || empty(value) {
				t.Errorf("%s: got %s=%s", name, claim, value)
			}
		}
		if len(c.want) > 0 && len(got) == 0 {
			t.Errorf("%s: got nothing", name)
		}
	}
}

// What a document has by its shape is not told twice.
func TestAZ15NoMemberTwice(t *testing.T) {
	relying := &client.Client{Profile: client.ProfileOIDC, Scopes: []string{"openid", "profile", "scope_all"}}
	auth := authn.Authentication{Sub: "s", Means: authn.ECPS}
	record := UserInfo(golden(t)["a"], auth, UserInfoOptions{Profile: client.ProfileOIDC, Scope: []string{"openid", "scope_all"}})
	document, err := With(record, []string{"name", "name", "given_name", "SubjectRole"}, relying, golden(t)["a"], auth)
	if err != nil {
		t.Fatal(err)
	}
	body, err := Encode(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range []string{"name", "given_name", "SubjectRole"} {
		if n := strings.Count(string(body), `"`+claim+`":`); n != 1 {
			t.Errorf("%s stands %d times in %s", claim, n, body)
		}
	}
}
