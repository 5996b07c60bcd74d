package claims

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
)

func keysOf(t *testing.T, document any) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(encode(t, document))))
	var keys []string
	for depth, isKey := 0, false; ; {
		token, err := dec.Token()
		if err != nil {
			return strings.Join(keys, " ")
		}
		if d, ok := token.(json.Delim); ok {
			if depth += map[json.Delim]int{'{': 1, '[': 1, '}': -1, ']': -1}[d]; depth <= 1 {
				isKey = true
			}
			continue
		}
		if depth == 1 {
			if isKey {
				keys = append(keys, token.(string))
			}
			isKey = !isKey
		}
	}
}

// No claim outside the granted scopes (UI3, PG-40).
func TestUserInfoIsCutByScope(t *testing.T) {
	person := golden(t)["c"]
	const whole = "Secteur_Activite sub SubjectOrganization Mode_Acces_Raison preferred_username given_name Acces_Regulation_Medicale UITVersion authMode " +
		"Palier_Authentification SubjectRefPro SubjectOrganizationID SubjectRole PSI_Locale otherIds SubjectNameID PSISubjectNameID family_name"
	const identity = "sub preferred_username given_name authMode otherIds SubjectNameID PSISubjectNameID family_name"
	for _, c := range []struct {
		profile client.Profile
		scope   string
		want    string
	}{
		{client.ProfileOIDC, "openid", "sub"},
		{client.ProfileOIDC, "openid profile", "sub name given_name family_name preferred_username"},
		{client.ProfileOIDC, "openid scope_all", whole},
		{client.ProfileOIDC, "openid identity", whole},
		{client.ProfileOIDC, "openid profile scope_all", whole + " name"},
		{client.ProfileOIDC, "openid email phone", "sub"},
		{client.ProfilePSC, "scope_all", whole},
		{client.ProfilePSC, "openid profile identity scope_all", whole},
		{client.ProfilePSC, "openid", identity},
		{client.ProfilePSC, "openid profile", identity},
	} {
		got := keysOf(t, UserInfo(person, logins["c"], UserInfoOptions{Profile: c.profile, Scope: strings.Fields(c.scope)}))
		if got != c.want {
			t.Errorf("%s, %s:\n got %s\nwant %s", c.profile, c.scope, got, c.want)
		}
		told := append(Told(&client.Client{Profile: c.profile}, strings.Fields(c.scope), nil), "sub")
		want := strings.Fields(c.want)
		slices.Sort(told)
		slices.Sort(want)
		if !slices.Equal(told, want) {
			t.Errorf("%s, %s: the person would read %v, the service reads %v", c.profile, c.scope, told, want)
		}
	}
}

func whole(p rpps.Professional) *Professional {
	return UserInfo(p, logins["a"], UserInfoOptions{Profile: client.ProfilePSC, Scope: []string{client.ScopeAll}}).(*Professional)
}

func TestPersonWithoutActivity(t *testing.T) {
	p := rpps.Professional{ID: rpps.MustNationalID("899700990015"), Practices: []rpps.Practice{{Profession: "10", Category: "C", Name: "EXEMPLE", GivenName: "CAMILLE"}}}
	text := string(encode(t, whole(p)))
	for _, want := range []string{
		`"Secteur_Activite":""`, `"SubjectOrganization":""`, `"SubjectOrganizationID":""`, `"activities":[]`,
		`"SubjectRole":["10^1.2.250.1.213.1.1.5.5"]`, `"given_name":"CAMILLE"`, `"family_name":"EXEMPLE"`, // of the practice: the public extract has no other
		`"otherIds":[{"identifiant":"899700990015","origine":"RPPS","qualite":1}]`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	p.Practices = nil
	if text := string(encode(t, whole(p))); !strings.Contains(text, `"exercices":[]`) || !strings.Contains(text, `"SubjectRole":[]`) || strings.Contains(text, "null") {
		t.Errorf("%s", text)
	}
}

// The top of the answer comes from the first activity, also when the first
// practice has none.
func TestFirstActivityFillsTheTop(t *testing.T) {
	p := rpps.Professional{ID: rpps.MustNationalID("899700990015"), Practices: []rpps.Practice{
		{Profession: "60", Category: "C"},
		{Profession: "10", Category: "M", WorkSituations: []rpps.WorkSituation{
			{Sector: "SA01", Structure: rpps.Structure{Name: "HOPITAL FICTIF", TechnicalID: "F750990012"}},
			{Sector: "SA07", Structure: rpps.Structure{Name: "CABINET", TechnicalID: "R990001"}},
		}},
		{Profession: "60", Category: "M"},
	}}
	d := whole(p)
	if d.Sector != "SA01^1.2.250.1.71.4.2.4" || d.Organization != "HOPITAL FICTIF" || d.OrganizationID != "F750990012" {
		t.Errorf("%+v", d)
	}
	if want := []string{"60^1.2.250.1.213.1.1.5.5", "10^1.2.250.1.213.1.1.5.5"}; !slices.Equal(d.Roles, want) {
		t.Errorf("roles %v, want each profession once: %v", d.Roles, want)
	}
	if len(d.RefPro.Practices) != 3 || len(d.RefPro.Practices[1].Activities) != 2 {
		t.Errorf("%+v", d.RefPro)
	}
}

func TestOneSavoirFairePerExercice(t *testing.T) {
	for _, c := range []struct {
		all  []rpps.Expertise
		want rpps.Expertise
	}{
		{nil, rpps.Expertise{}},
		{[]rpps.Expertise{{Type: "CAPA", Code: "C01"}}, rpps.Expertise{Type: "CAPA", Code: "C01"}},
		{[]rpps.Expertise{{Type: "CAPA", Code: "C01"}, {Type: "S", Code: "SM26"}, {Type: "S", Code: "SM54"}}, rpps.Expertise{Type: "S", Code: "SM26"}},
	} {
		p := rpps.Professional{ID: rpps.MustNationalID("899700990015"), Practices: []rpps.Practice{{Profession: "10", Expertises: c.all}}}
		got := whole(p).RefPro.Practices
		if len(got) != 1 || got[0].ExpertiseType != c.want.Type || got[0].Expertise != c.want.Code {
			t.Errorf("%v gave %+v", c.all, got)
		}
	}
}

func TestCivilNamesWinOverThoseOfPractice(t *testing.T) {
	p := rpps.Professional{
		ID: rpps.MustNationalID("899700990015"), FamilyName: "NAISSANCE", GivenNames: []string{"ALIX", "MARIE"},
		Practices: []rpps.Practice{{Name: "USAGE & FILS", GivenName: "ALEX"}},
	}
	text := string(encode(t, whole(p)))
	for _, want := range []string{`"given_name":"ALIX"`, `"family_name":"NAISSANCE"`, `"nomDexercice":"USAGE & FILS"`, `"prenomDexercice":"ALEX"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	if name := fullName(p); name != "ALIX NAISSANCE" {
		t.Errorf("%q", name)
	}
	if name := fullName(rpps.Professional{FamilyName: "SEUL"}); name != "SEUL" {
		t.Errorf("%q", name)
	}
}

// Whatever the register holds: thirty keys, all strings, in every activity;
// nothing null; and the person's own mail and telephone nowhere (PG-93).
func TestUserInfoOfAnybody(t *testing.T) {
	const private = "PRIVATE-CONTACT"
	rapid.Check(t, func(t *rapid.T) {
		p := rpps.Professional{ID: rpps.MustNationalID("899700990015"), Contact: rpps.Contact{Mail: private, Phone: private}}
		fill(t, &p.Practices, rapid.StringMatching(`[A-Z0-9 "<&é\\]{0,5}`))
		a := authn.Authentication{Sub: "s", Means: rapid.SampledFrom([]authn.Means{authn.Card, authn.ECPS, authn.ECPSOffline}).Draw(t, "means")}
		in := Input{Auth: a, Person: p, Scope: []string{client.ScopeAll, client.ScopeProfile}}
		for _, document := range []any{
			UserInfo(p, a, UserInfoOptions{Profile: client.ProfileOIDC, Scope: in.Scope}), NewPSCAccessToken(in), NewPSCIDToken(in, ""), NewIDToken(in, ""), NewIntrospection(in),
		} {
			data, err := Encode(document)
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(data) || strings.Contains(string(data), "null") || strings.Contains(string(data), private) {
				t.Fatalf("%T: %s", document, data)
			}
		}
		var read struct {
			SubjectRefPro struct {
				Exercices []struct{ Activities []map[string]string }
			}
		}
		data, err := Encode(UserInfo(p, a, UserInfoOptions{Scope: []string{client.ScopeAll}}))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &read); err != nil {
			t.Fatal(err)
		}
		for i, practice := range read.SubjectRefPro.Exercices {
			if len(practice.Activities) != len(p.Practices[i].WorkSituations) {
				t.Fatal("an activity is missing")
			}
			for _, activity := range practice.Activities {
				if len(activity) != 30 {
					t.Fatalf("%d keys: %v", len(activity), activity)
				}
			}
		}
	})
}

// fill draws practices with every text field set.
func fill(t *rapid.T, practices *[]rpps.Practice, text *rapid.Generator[string]) {
	for range rapid.IntRange(0, 3).Draw(t, "practices") {
		p := rpps.Practice{Profession: text.Draw(t, "profession")}
		for range rapid.IntRange(0, 3).Draw(t, "situations") {
			var w rpps.WorkSituation
			setTexts(reflect.ValueOf(&w).Elem(), func() string { return text.Draw(t, "text") })
			p.WorkSituations = append(p.WorkSituations, w)
		}
		*practices = append(*practices, p)
	}
}

func setTexts(v reflect.Value, draw func() string) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString(draw())
		case reflect.Struct:
			setTexts(f, draw)
		default:
		}
	}
}

// Every field of a work situation reaches the wire under a key of its own.
func TestActivityForgetsNothing(t *testing.T) {
	var w rpps.WorkSituation
	n := 0
	setTexts(reflect.ValueOf(&w).Elem(), func() string { n++; return "v" + string(rune('A'+n)) })
	seen := map[string]bool{}
	v := reflect.ValueOf(activity(&w))
	for i := range v.NumField() {
		seen[v.Field(i).String()] = true
	}
	if len(seen) != 30 || n != 30 || seen[""] {
		t.Errorf("%d fields of the register, %d values on the wire", n, len(seen))
	}
}

func TestOnlyOurTokensAreRead(t *testing.T) {
	in := Input{Issuer: "https://us.invalid", ClientID: "c", JTI: "aaaaaaaaaaaaaaaaaaaaaa.1", SID: "s", Auth: logins["a"]}
	foreign := in
	foreign.Issuer = "https://them.invalid"
	hint, err := ReadHint(encode(t, NewPSCIDToken(in, "")), in.Issuer)
	if err != nil || hint.SID != "s" || hint.Audience != "c" || hint.Sub != logins["a"].Sub {
		t.Errorf("%+v %v", hint, err)
	}
	if hint, err := ReadHint(encode(t, NewIDToken(in, "")), in.Issuer); err != nil || hint.SID != "s" || hint.Audience != "c" {
		t.Errorf("%+v %v", hint, err)
	}
	if r, err := ReadRefresh(encode(t, NewRefreshToken(in)), in.Issuer); err != nil || r.JTI != in.JTI {
		t.Errorf("%+v %v", r, err)
	}
	// One kind of token is never taken for another, nor a stranger's for ours.
	for name, payload := range map[string][]byte{
		"access token": encode(t, NewPSCAccessToken(in)), "at+jwt": encode(t, NewJWTAccessToken(in)), "service token": encode(t, NewServiceToken(in, "1")),
		"foreign ID token": encode(t, NewIDToken(foreign, "")), "nothing": nil, "not JSON": []byte("x"), "array": []byte("[]"), "empty": []byte("{}"),
		"audience of another type": []byte(`{"typ":"ID","iss":"https://us.invalid","sub":"x","aud":7}`), "refresh token": encode(t, NewRefreshToken(in)),
	} {
		if h, err := ReadHint(payload, in.Issuer); !fault.Is(err, fault.Invalid) || h != (Hint{}) {
			t.Errorf("%s taken for a hint: %+v %v", name, h, err)
		}
		if name == "refresh token" {
			payload = encode(t, NewRefreshToken(foreign))
		}
		if r, err := ReadRefresh(payload, in.Issuer); !fault.Is(err, fault.Invalid) || r != (RefreshToken{}) {
			t.Errorf("%s taken for a refresh token: %+v %v", name, r, err)
		}
	}
}

func TestAudienceIsLimitedToTheServicesRegistered(t *testing.T) {
	in := Input{Issuer: "https://us.invalid", Auth: logins["a"]}
	for want, audience := range map[string][]string{`"aud":"https://us.invalid"`: nil, `"aud":"dmp"`: {"dmp"}, `"aud":["dmp","ordonnance"]`: {"dmp", "ordonnance"}} {
		in.Audience = audience
		for _, document := range []any{NewJWTAccessToken(in), NewServiceToken(in, "1"), NewIntrospection(in)} {
			if text := string(encode(t, document)); !strings.Contains(text, want) {
				t.Errorf("%T: %s lacks %s", document, text, want)
			}
		}
	}
}

// A client must not be able to choose an identifier that makes its own token
// look like a person's (TK11).
func TestServiceSubIsNoPersons(t *testing.T) {
	if sub := ServiceSub(logins["a"].Sub); sub == logins["a"].Sub || !strings.HasPrefix(sub, "client:") {
		t.Error(sub)
	}
}

// The nonce is never invented: OpenID clients refuse one they did not send
// (AZ8); the psc access and refresh tokens carry it empty, as recorded.
func TestNonceIsNeverInvented(t *testing.T) {
	in := Input{Auth: logins["a"]}
	for document, want := range map[any]bool{NewIDToken(in, ""): false, NewPSCIDToken(in, ""): false, NewPSCAccessToken(in): true, NewRefreshToken(in): true} {
		if got := strings.Contains(string(encode(t, document)), `"nonce":""`); got != want {
			t.Errorf("%T: %v", document, got)
		}
		if got := strings.Contains(string(encode(t, document)), `"nonce"`); got != want {
			t.Errorf("%T: %v", document, got)
		}
	}
}
