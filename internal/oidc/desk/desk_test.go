package desk

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

var anna = Act{Operator: "anna", Reason: "2026-1181"}

const draft = `{"id": "essai", "name": "Essai", "profile": "oidc", "redirect_uris": ["https://essai.example/cb"]}`

type rig struct {
	*Desk
	t      *testing.T
	now    *clock.Manual
	events *audit.Memory
}

func newRig(t *testing.T) *rig {
	t.Helper()
	base, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "egide.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = base.Close() })
	r := &rig{t: t, now: clock.NewManual(noon), events: new(audit.Memory)}
	r.Desk = New(Deps{DB: base, Clients: r.node(base), Audit: r.events, Clock: r.now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	return r
}

// node is the registry of one node of the service.
func (r *rig) node(base *db.DB) *client.Registry {
	return client.New(client.Options{Clock: r.now, Kept: NewTable(base)})
}

func (r *rig) add(document string) (Kept, string) {
	r.t.Helper()
	k, secret, err := r.Add(r.t.Context(), anna, "test", []byte(document))
	if err != nil {
		r.t.Fatal(err)
	}
	return k, secret
}

func (r *rig) authenticates(reg *client.Registry, secret string) bool {
	a := client.NewAuthenticator(client.AuthenticatorDeps{Clients: reg})
	_, err := a.Authenticate(r.t.Context(), client.Presented{HasBasic: true, BasicID: "essai", BasicSecret: secret})
	return err == nil
}

func TestCA1SecretIsMadeHereHashedAndShownOnce(t *testing.T) {
	r := newRig(t)
	k, secret := r.add(draft)
	if len(secret) < 43 || k.Client.SecretHashes[0] != client.HashSecret(secret) || k.Version != 1 {
		t.Fatalf("%q %+v", secret, k)
	}
	var document string
	if err := r.DB.Read().QueryRow(`SELECT document FROM clients`).Scan(&document); err != nil || strings.Contains(document, secret) {
		t.Fatalf("%v %s", err, document)
	}
	if !r.authenticates(r.Clients, secret) || r.authenticates(r.Clients, secret+"x") {
		t.Error("the secret does not open, or another does")
	}
	if _, _, err := r.Add(t.Context(), anna, "test", []byte(draft)); !fault.Is(err, fault.Conflict) {
		t.Errorf("added twice: %v", err)
	}
}

func TestRegistrationSurvivesTheWayThroughTheDatabase(t *testing.T) {
	r := newRig(t)
	const full = `{"id":"essai","name":"Essai","profile":"oidc","owner":"Éditeur","contact":"a@exemple.invalid","purpose":"dossier","sensitive":true,
		"auth_method":"client_secret_post","redirect_uris":["https://essai.example/cb?a=b"],"grant_types":["authorization_code"],"scopes":["openid","profile"],
		"means":["card"],"min_acr":"eidas2","default_max_age":"0s","lifetimes":{"code":"30s"},"backchannel_logout_uri":"https://essai.example/out"}`
	k, _ := r.add(full)
	again, err := r.Get(t.Context(), "essai")
	if err != nil {
		t.Fatal(err)
	}
	a, errA := k.Client.Document()
	b, errB := again.Client.Document()
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("%s\n%s", a, b)
	}
	if again.Client.Requests.DefaultMaxAge == nil || again.Client.MinACR != "eidas2" || !again.Client.Sensitive {
		t.Errorf("%s", b)
	}
}

func TestEveryNodeFollowsTheDatabase(t *testing.T) {
	r := newRig(t)
	other := r.node(r.DB)
	if err := other.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.add(draft)
	if _, err := other.Lookup("essai"); err == nil {
		t.Fatal("seen before it looked")
	}
	if err := other.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Lookup("essai"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Disable(t.Context(), anna, "essai", Any); err != nil {
		t.Fatal(err)
	}
	if err := other.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Lookup("essai"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a disabled client is known: %v", err)
	}
	if c, err := other.Find("essai"); err != nil || !c.Disabled {
		t.Errorf("the record is gone: %v", err)
	}
}

// A node that watches sees a change within its two seconds, by the clock alone.
func TestNodeWithoutABusSeesAChangeAtItsNextLook(t *testing.T) {
	r := newRig(t)
	other := r.node(r.DB)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go other.Watch(ctx)
	r.add(draft)
	for range 5000 {
		r.now.Advance(2 * time.Second)
		if _, err := other.Lookup("essai"); err == nil {
			return
		}
		fired, release := clock.System{}.After(time.Millisecond) // the other goroutine needs the processor
		<-fired
		release()
	}
	t.Error("never seen")
}

func TestOldSecretIsGoodForTheOverlapAndNotAfter(t *testing.T) {
	r := newRig(t)
	_, old := r.add(draft)
	_, fresh, err := r.Rotate(t.Context(), anna, "essai", Any, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !r.authenticates(r.Clients, old) || !r.authenticates(r.Clients, fresh) {
		t.Fatal("both are good during the overlap")
	}
	r.now.Advance(time.Hour)
	if err := r.Clients.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.authenticates(r.Clients, old) || !r.authenticates(r.Clients, fresh) {
		t.Error("the old one outlived the overlap, or the new one did not")
	}
	_, newest, err := r.Rotate(t.Context(), anna, "essai", Any, 0)
	if err != nil {
		t.Fatal(err)
	}
	if r.authenticates(r.Clients, fresh) || !r.authenticates(r.Clients, newest) {
		t.Error("without overlap the old one ends now")
	}
	if _, _, err := r.Rotate(t.Context(), anna, "essai", Any, MaxOverlap+1); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

func TestThirdSecretIsNeverGood(t *testing.T) {
	r := newRig(t)
	_, first := r.add(draft)
	for range 2 {
		if _, _, err := r.Rotate(t.Context(), anna, "essai", Any, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if r.authenticates(r.Clients, first) {
		t.Error("a secret that was replaced twice opens")
	}
}

func TestHundredRotationsAtOnceHaveOneWinner(t *testing.T) {
	r := newRig(t)
	k, _ := r.add(draft)
	if won := race(100, func() error {
		_, _, err := r.Rotate(t.Context(), anna, "essai", k.Version, time.Hour)
		return err
	}, fault.Conflict, t); won != 1 {
		t.Errorf("%d winners", won)
	}
}

func TestRE1InitialTokenUsedAHundredTimesAtOnceRegistersOnce(t *testing.T) {
	r := newRig(t)
	_, token, err := r.Invite(t.Context(), anna, Grant{Owner: "Éditeur", Purpose: "essai", Scopes: []string{"openid"}, Uses: 1, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if won := race(100, func() error {
		_, err := r.Register(t.Context(), token, client.Client{Name: "Dyn", RedirectURIs: []string{"https://dyn.example/cb"}})
		return err
	}, fault.Denied, t); won != 1 || len(r.Clients.All()) != 1 {
		t.Errorf("%d winners, %d clients", won, len(r.Clients.All()))
	}
}

func race(n int, try func() error, loses fault.Kind, t *testing.T) int64 {
	t.Helper()
	var won atomic.Int64
	var all sync.WaitGroup
	start := make(chan struct{})
	for range n {
		all.Go(func() {
			<-start
			switch err := try(); {
			case err == nil:
				won.Add(1)
			case !fault.Is(err, loses):
				t.Errorf("a loser was told: %v", err)
			}
		})
	}
	close(start)
	all.Wait()
	return won.Load()
}

func TestNothingChangesThatCannotBeTraced(t *testing.T) {
	r := newRig(t)
	_, secret := r.add(draft)
	r.events.Break(errors.New("disk full"))
	_, _, errRotate := r.Rotate(t.Context(), anna, "essai", Any, 0)
	_, errDisable := r.Disable(t.Context(), anna, "essai", Any)
	_, _, errAdd := r.Add(t.Context(), anna, "test", []byte(strings.Replace(draft, "essai", "autre", 1)))
	_, _, errInvite := r.Invite(t.Context(), anna, Grant{Owner: "E", Purpose: "p", Scopes: []string{"openid"}, Uses: 1, Lifetime: time.Hour})
	for _, err := range []error{errRotate, errDisable, errAdd, errInvite} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
	}
	r.events.Break(nil)
	if !r.authenticates(r.Clients, secret) || len(r.Clients.All()) != 1 {
		t.Error("an act that was not traced took effect")
	}
	if list, err := r.Invitations(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}

func TestActsNameOperatorAndReason(t *testing.T) {
	r := newRig(t)
	for _, a := range []Act{{}, {Operator: "anna"}, {Reason: "x"}, {Operator: " ", Reason: "x"}, {Operator: "a\nb", Reason: "x"}, {Operator: strings.Repeat("x", 201), Reason: "x"}} {
		if _, _, err := r.Add(t.Context(), a, "test", []byte(draft)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	r.add(draft)
	if _, err := r.Disable(t.Context(), anna, "essai", Any); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Disable(t.Context(), anna, "essai", Any); err != nil {
		t.Fatal("twice is as good as once")
	}
	got := r.events.Events()
	if len(got) != 2 {
		t.Fatalf("%d events", len(got))
	}
	if e, ok := got[1].(audit.ClientChanged); !ok || e.Operator != "anna" || e.Reason != "2026-1181" || e.Change != "disabled" || e.Fingerprint == "" {
		t.Errorf("%+v", got[1])
	}
}

func TestLostUpdateIsRefused(t *testing.T) {
	r := newRig(t)
	k, _ := r.add(draft)
	next := strings.Replace(draft, "Essai", "Neuf", 1)
	if _, _, err := r.Put(t.Context(), anna, "essai", k.Version, []byte(next)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Put(t.Context(), anna, "essai", k.Version, []byte(draft)); !fault.Is(err, fault.Conflict) {
		t.Errorf("overwrote what it had not seen: %v", err)
	}
}

func TestCA9ClientTypeIsFixedAtRegistration(t *testing.T) {
	r := newRig(t)
	r.add(draft)
	public := strings.Replace(draft, `"profile"`, `"auth_method": "none", "profile"`, 1)
	if _, _, err := r.Put(t.Context(), anna, "essai", Any, []byte(public)); !fault.Is(err, fault.Invalid) {
		t.Errorf("a client that held a secret holds none: %v", err)
	}
}

func TestPutKeepsSecretAndState(t *testing.T) {
	r := newRig(t)
	_, secret := r.add(draft)
	if _, err := r.Disable(t.Context(), anna, "essai", Any); err != nil {
		t.Fatal(err)
	}
	k, made, err := r.Put(t.Context(), anna, "essai", Any, []byte(strings.Replace(draft, "Essai", "Neuf", 1)))
	if err != nil || made != "" || !k.Client.Disabled || k.Client.SecretHashes[0] != client.HashSecret(secret) || k.Client.Name != "Neuf" {
		t.Errorf("%v %q %+v", err, made, k.Client)
	}
	if _, _, err := r.Put(t.Context(), anna, "essai", Any, []byte(strings.Replace(draft, "essai", "autre", 1))); !fault.Is(err, fault.Invalid) {
		t.Errorf("another identifier: %v", err)
	}
}

func TestClientOutsideTheDatabaseIsChangedWhereItLives(t *testing.T) {
	r := newRig(t)
	if err := r.Clients.Add(&client.Client{ID: "bac", Name: "Bac", Profile: client.ProfileOIDC, AuthMethod: client.AuthNone, RedirectURIs: []string{"http://127.0.0.1/cb"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Disable(t.Context(), anna, "bac", Any); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if _, _, err := r.Add(t.Context(), anna, "test", []byte(strings.Replace(draft, "essai", "bac", 1))); !fault.Is(err, fault.Conflict) {
		t.Error("an identifier lives in two places")
	}
	if k, err := r.Get(t.Context(), "bac"); err != nil || k.Place != client.PlaceSandbox {
		t.Errorf("%+v %v", k, err)
	}
}

func TestInitialTokenBounds(t *testing.T) {
	r := newRig(t)
	good := Grant{Owner: "Éditeur", Purpose: "essai", Scopes: []string{"openid"}, Uses: 1, Lifetime: time.Hour}
	for name, change := range map[string]func(*Grant){
		"no owner": func(g *Grant) { g.Owner = "" }, "no purpose": func(g *Grant) { g.Purpose = "" },
		"no scope": func(g *Grant) { g.Scopes = nil }, "unknown scope": func(g *Grant) { g.Scopes = []string{"email"} },
		"scope twice": func(g *Grant) { g.Scopes = []string{"openid", "openid"} },
		"no use":      func(g *Grant) { g.Uses = 0 }, "endless": func(g *Grant) { g.Uses = MaxUses + 1 },
		"a moment": func(g *Grant) { g.Lifetime = time.Second }, "for ever": func(g *Grant) { g.Lifetime = MaxLifetime + 1 },
	} {
		g := good
		change(&g)
		if _, _, err := r.Invite(t.Context(), anna, g); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRE1InitialTokenExpiresAndCanBeTakenBack(t *testing.T) {
	r := newRig(t)
	invite := func() (InitialToken, string) {
		tok, secret, err := r.Invite(t.Context(), anna, Grant{Owner: "E", Purpose: "p", Scopes: []string{"openid"}, Uses: 5, Lifetime: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return tok, secret
	}
	dyn := client.Client{Name: "Dyn", RedirectURIs: []string{"https://dyn.example/cb"}}
	kept, taken := invite()
	if _, err := r.Revoke(t.Context(), anna, kept.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Register(t.Context(), taken, dyn); !fault.Is(err, fault.Denied) {
		t.Errorf("taken back: %v", err)
	}
	_, late := invite()
	r.now.Advance(time.Hour)
	if _, err := r.Register(t.Context(), late, dyn); !fault.Is(err, fault.Denied) {
		t.Errorf("expired: %v", err)
	}
	if _, err := r.Register(t.Context(), "invented", dyn); !fault.Is(err, fault.Denied) {
		t.Errorf("invented: %v", err)
	}
	if _, err := r.Revoke(t.Context(), anna, "none"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

// A token whose metadata was refused has lost nothing.
func TestRE1RefusedMetadataUsesNothingUp(t *testing.T) {
	r := newRig(t)
	_, token, err := r.Invite(t.Context(), anna, Grant{Owner: "E", Purpose: "p", Scopes: []string{"openid"}, Uses: 1, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Register(t.Context(), token, client.Client{Name: "Dyn", RedirectURIs: []string{"http://dyn.example/cb"}}); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	if _, err := r.Register(t.Context(), token, client.Client{Name: "Dyn", RedirectURIs: []string{"https://dyn.example/cb"}}); err != nil {
		t.Error(err)
	}
}

func TestIdentifierIsNeverGivenTwice(t *testing.T) {
	r := newRig(t)
	_, token, err := r.Invite(t.Context(), anna, Grant{Owner: "E", Purpose: "p", Scopes: []string{"openid"}, Uses: 1, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	own, err := r.Register(t.Context(), token, client.Client{Name: "Dyn", RedirectURIs: []string{"https://dyn.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Leave(t.Context(), own.Client.ID, "wrong"); !fault.Is(err, fault.Denied) {
		t.Error(err)
	}
	if err := r.Leave(t.Context(), own.Client.ID, own.Token); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Clients.Find(own.Client.ID); err == nil {
		t.Error("still there")
	}
	if err := r.Leave(t.Context(), own.Client.ID, own.Token); !fault.Is(err, fault.Denied) {
		t.Error(err)
	}
	if _, _, err := r.Add(t.Context(), anna, "test", []byte(strings.Replace(draft, "essai", own.Client.ID, 1))); !fault.Is(err, fault.Conflict) {
		t.Error("an identifier is given a second time")
	}
}
