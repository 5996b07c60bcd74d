package hostile

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
)

// tries of each kind of holder, 200 in all and more.
const tries = 30

// varying is what differs between any two waiting pages of anybody.
var varying = regexp.MustCompile(`/login/[A-Za-z0-9_-]{43}|name="csrf" value="[^"]*"|>\d\d<|aria-label="\d \d"|<title>\d\d|data-remaining="\d+"|figures">[^<]*<|<strong>1 min \d+ s</strong>|1.min \d+.s`)

// PG4, PG-43, architecture point 7: to a browser the holder has not used, one who
// is unknown, locked, expired, suspended, closed or without a phone looks exactly
// like one whose phone does not answer, in the same time.
func TestPG4StrangerHearsTheSameInTheSameTime(t *testing.T) {
	d := harness.Start(t)
	kinds := map[string]string{"nobody": "899700999990", "ignore": d.Login(t, "ignore")}
	for _, behaviour := range []string{"locked", "expired", "suspended", "closed-record", "card-only"} {
		kinds[behaviour] = d.Login(t, behaviour)
	}
	pages, times := map[string]string{}, map[string][]time.Duration{}
	for range tries { // the kinds take turns, so that what slows the machine slows all
		for kind, login := range kinds {
			page, took := ask(t, d, login)
			if known := pages[kind]; known != "" && known != page {
				t.Fatalf("%s does not look like itself a moment ago", kind)
			}
			pages[kind] = page
			times[kind] = append(times[kind], took)
		}
	}
	silent := quick(times["ignore"])
	for kind := range kinds {
		if pages[kind] != pages["ignore"] {
			t.Errorf("%s does not look like a silent phone:\n%s\n%s", kind, pages[kind], pages["ignore"])
		}
		// Half as long again is far more than a stranger could tell from noise, and
		// far less than a register lookup or a write that only one kind does.
		if m := quick(times[kind]); m > silent*3/2+2*time.Millisecond || silent > m*3/2+2*time.Millisecond {
			t.Errorf("%s takes %s, a silent phone %s", kind, m, silent)
		}
	}
}

// ask posts an identifier from a fresh browser and measures the answer, the
// page that follows included.
func ask(t *testing.T, d *harness.Demo, login string) (page string, took time.Duration) {
	t.Helper()
	c := d.Client(t, "demo-psc")
	b := harness.NewBrowser(t, harness.At(c.RedirectURIs[0]))
	b.Get(d.Sheet.AuthorizationEndpoint + "?response_type=code&client_id=" + c.ID + "&redirect_uri=" + c.RedirectURIs[0] + "&scope=openid+scope_all")
	var now clock.System
	from := now.Now()
	b.Submit("submit-ecps", map[string]string{"login": login})
	took = now.Now().Sub(from)
	names := make([]string, 0, len(b.Page.Header))
	for name := range b.Page.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ") + "\n" + varying.ReplaceAllString(b.Page.Body, "…"), took
}

// quick is the lower quartile: other work on the machine only ever adds, so that
// the faster answers tell best what an answer itself takes.
func quick[T cmp.Ordered](list []T) T {
	slices.Sort(list)
	return list[len(list)/4]
}

// "Poste partagé": this login makes no session for the next person.
func TestSharedComputerLeavesNothing(t *testing.T) {
	d := harness.Start(t)
	c := d.Client(t, "demo-psc")
	address := d.Sheet.AuthorizationEndpoint + "?response_type=code&client_id=" + c.ID + "&redirect_uri=" + c.RedirectURIs[0] + "&scope=openid"
	b := harness.NewBrowser(t, harness.At(c.RedirectURIs[0]))
	b.Get(address)
	b.Submit("submit-ecps", map[string]string{"login": d.Login(t, "approve-300ms"), "shared": "1"})
	if b.Finish(d.Login(t, "approve-300ms")) == nil {
		t.Fatal("no login")
	}
	b.Get(address)
	if !b.Page.Has("login-ecps") {
		t.Error("the next person is logged in as the last one")
	}
}

// A newer login of the same browser supersedes its older one: of two numbers on
// two pages one leads anywhere.
func TestNewerLoginSupersedesTheOlder(t *testing.T) {
	d := harness.Start(t)
	c := d.Client(t, "demo-psc")
	address := d.Sheet.AuthorizationEndpoint + "?response_type=code&client_id=" + c.ID + "&redirect_uri=" + c.RedirectURIs[0] + "&scope=openid"
	older := harness.NewBrowser(t, harness.At(c.RedirectURIs[0]))
	newer := harness.NewBrowser(t, harness.At(c.RedirectURIs[0]))
	newer.ShareCookies(older) // two tabs
	silent := d.Login(t, "ignore")
	for _, tab := range []*harness.Browser{older, newer} {
		tab.Get(address)
		tab.Submit("submit-ecps", map[string]string{"login": silent})
	}
	older.Get(older.Page.URL.String())
	if older.Page.Has("match-number") {
		t.Error("the older tab still shows a number")
	}
	newer.Get(newer.Page.URL.String())
	if !newer.Page.Has("match-number") {
		t.Error("the newer tab lost its number")
	}
}
