package logout

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"
)

// RE2, LO1, LO3: a service outside the sector ends the session by the name it
// knows; a name that is another person's, or nobody's, only leads to the question.
func TestRE2LO1LO3HintOfAServiceOutsideTheSector(t *testing.T) {
	w := oneHost(t)
	bank, err := w.clients.Lookup("bank")
	if err != nil {
		t.Fatal(err)
	}
	person := uuid.NewString()
	name := func(person string) string {
		sub, err := w.names.Sub(bank, person)
		if err != nil {
			t.Fatal(err)
		}
		return sub
	}
	for _, c := range []struct {
		what, sub string
		ends      bool
	}{
		{"his name", name(person), true},
		{"another person's name", name(uuid.NewString()), false},
		{"his stored sub, which the service cannot know", person, false},
	} {
		s, cookie := w.begin(person)
		rec := w.call(http.MethodGet, url.Values{"id_token_hint": {w.idToken(c.sub, s.SID, "ID", "bank")}}, cookie)
		if rec.Code != http.StatusOK || w.lives(s.SID) == c.ends {
			t.Errorf("%s: %d, session lives: %v", c.what, rec.Code, w.lives(s.SID))
		}
	}
}
