package login

import (
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

// frame is what all pages of a login share.
type frame struct {
	Service string
	CSRF    string
	Self    string
	to      func(action string) string
}

// To gives the address of a form.
func (f frame) To(action string) string { return f.to(action) }

func (l *Login) frame(v *visit) frame {
	return frame{
		Service: v.client.Name, CSRF: web.CSRF(v.browser, v.login.Handle), Self: v.self(), to: v.to,
	}
}

// say chooses between the two languages of the house.
func (v *visit) say(fr, en string) string {
	if v.lang == web.English {
		return en
	}
	return fr
}

// seconds rounds up: a page that comes back too early comes back twice.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func failure(code, lang string) *web.Failure {
	return &web.Failure{Code: code, Text: web.TextOf(code, lang)}
}

// liveSession is the session of this browser, if one lives.
func (l *Login) liveSession(v *visit) (session.Session, bool, error) {
	cookie := l.Cookies.Session(v.c)
	if cookie == "" {
		return session.Session{}, false, nil
	}
	s, err := l.Sessions.ByCookie(v.ctx, cookie)
	if fault.Is(err, fault.NotFound) {
		return session.Session{}, false, nil
	}
	return s, err == nil, err
}

// told says in words what a service will read. What is not listed is never sent:
// no mail address, no phone number (PG-93).
func told(claims []string, lang string) []string {
	var list []string
	for _, line := range [...]struct {
		any    []string // one of these claims makes the line true
		fr, en string
	}{
		{[]string{"preferred_username", "SubjectNameID", "PSISubjectNameID", "otherIds"}, "votre identifiant national", "your national identifier"},
		{[]string{"name", "given_name", "family_name"}, "vos nom et prénom", "your name"},
		{[]string{"SubjectRole", "SubjectRefPro"}, "votre profession et, s'il y a lieu, vos savoir-faire", "your profession and, where relevant, your specialities"},
		{[]string{"SubjectRefPro", "SubjectOrganization", "SubjectOrganizationID", "Secteur_Activite"},
			"vos situations d'exercice : lieux, rôles, structures", "your work situations: places, roles, organisations"},
		{[]string{"sub"}, "un numéro qui vous désigne auprès de lui, le moyen utilisé, son niveau et l'heure de la connexion",
			"a number that stands for you there, the means used, its level and the time of sign-in"},
	} {
		if slices.ContainsFunc(line.any, func(c string) bool { return slices.Contains(claims, c) }) {
			if lang == web.English {
				list = append(list, line.en)
			} else {
				list = append(list, line.fr)
			}
		}
	}
	return list
}

// fullName is the name as he practises: "Dr Camille EXEMPLE".
func fullName(p rpps.Professional) string {
	given, family, title := strings.Join(p.GivenNames, " "), p.FamilyName, ""
	if len(p.Practices) > 0 {
		x := p.Practices[0]
		if x.Name != "" {
			given, family = x.GivenName, x.Name
		}
		switch x.Civility {
		case "DR":
			title = "Dr\u00a0"
		case "PR":
			title = "Pr\u00a0"
		}
	}
	name := strings.Join(strings.Fields(capitalised(given)+" "+family), " ")
	if name == "" {
		return p.ID.String()
	}
	return title + name
}

// capitalised turns the register's capitals into a given name: "ANNE-MARIE" to "Anne-Marie".
func capitalised(s string) string {
	var b strings.Builder
	start := true
	for _, r := range strings.ToLower(s) {
		if start {
			r = []rune(strings.ToUpper(string(r)))[0]
		}
		start = r == ' ' || r == '-' || r == '\''
		b.WriteRune(r)
	}
	return b.String()
}

// situation describes the first work situation, and counts all of them.
func situation(p rpps.Professional) (first string, total int) {
	for _, x := range p.Practices {
		for _, w := range x.WorkSituations {
			if total++; total == 1 {
				first = place(w)
			}
		}
	}
	return first, total
}

func place(w rpps.WorkSituation) string {
	name := w.Structure.TradeName
	if name == "" {
		name = w.Structure.Name
	}
	if name == "" {
		name = rpps.Label(rpps.SystemMode, w.Mode)
	}
	if town := w.Structure.Address.Commune; town != "" {
		name += ", " + town
	}
	return name
}

// grouped writes an RPPS identifier in groups of four, as it is read aloud;
// other identifiers stay as they are.
func grouped(id string) string {
	parsed, err := rpps.ParseNationalID(id)
	if err != nil || parsed.Type() != rpps.RPPS {
		return id
	}
	return id[:4] + "\u00a0" + id[4:8] + "\u00a0" + id[8:]
}
