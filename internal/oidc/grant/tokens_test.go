package grant

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

func startFamily(t *testing.T, tokens *Tokens) Family {
	t.Helper()
	f, err := tokens.StartFamily(context.Background(), Family{ClientID: "dmp", SID: "sid", Auth: doctor(), Scope: []string{"openid"}, Ends: start.Add(4 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

type refreshed struct {
	family Family
	repeat bool
	err    error
}

func refresh(tokens *Tokens, id string, generation uint64, grace bool) refreshed {
	f, repeat, err := tokens.Refresh(context.Background(), id, generation, grace, nil)
	return refreshed{f, repeat, err}
}

// psc: a hundred callers with one token get one successor, and everything that
// makes up the token again is equal, so that its text is.
func TestD2HA9HundredRefreshesHaveOneSuccessorInGrace(t *testing.T) {
	d, _ := open(t)
	tokens := NewTokens(d)
	f := startFamily(t, tokens)
	firsts := 0
	for _, r := range race(100, func() refreshed { return refresh(tokens, f.ID, 1, true) }) {
		if r.err != nil || r.family.Generation != 2 || !r.family.Issued.Equal(start) || r.family.Expires != r.family.Issued.Add(30*time.Minute) {
			t.Fatalf("%+v", r)
		}
		if !r.repeat {
			firsts++
		}
	}
	if firsts != 1 {
		t.Errorf("%d rotations", firsts)
	}
	if r := refresh(tokens, f.ID, 2, true); r.err != nil || r.family.Generation != 3 {
		t.Errorf("the successor is not good: %+v", r)
	}
}

// oidc: no grace. One of a hundred wins; the others are reuse, and because
// nothing tells the thief from the owner the family dies (RFC 9700 4.14).
func TestD2HA9HundredRefreshesWithoutGraceHaveOneWinnerAndKill(t *testing.T) {
	d, _ := open(t)
	tokens := NewTokens(d)
	f := startFamily(t, tokens)
	winners := 0
	for _, r := range race(100, func() refreshed { return refresh(tokens, f.ID, 1, false) }) {
		switch {
		case r.err == nil:
			winners++
		case !fault.Is(r.err, fault.Used) || !r.family.Revoked:
			t.Errorf("%+v", r)
		}
	}
	if winners != 1 {
		t.Errorf("%d winners", winners)
	}
	if r := refresh(tokens, f.ID, 2, false); !fault.Is(r.err, fault.Used) {
		t.Errorf("the successor still works: %v", r.err)
	}
}

// A stolen refresh token comes back after its successor was used: everything of
// that login dies, access tokens too, within the grace as well.
func TestStolenRefreshTokenKillsTheFamily(t *testing.T) {
	d, _ := open(t)
	tokens, ctx := NewTokens(d), context.Background()
	f := startFamily(t, tokens)
	err := tokens.PutAccess(ctx, "access", Token{Kind: KindPerson, Family: f.ID, ClientID: "dmp", Issued: start, Expires: start.Add(2 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if _, family, err := tokens.Access(ctx, "access"); err != nil || family.ID != f.ID {
		t.Fatalf("%v", err)
	}
	for generation := range uint64(2) {
		if r := refresh(tokens, f.ID, generation+1, true); r.err != nil {
			t.Fatal(r.err)
		}
	}
	if r := refresh(tokens, f.ID, 1, true); !fault.Is(r.err, fault.Used) || r.family.Reason != ReasonRefreshReplay {
		t.Errorf("%+v", r)
	}
	if _, _, err := tokens.Access(ctx, "access"); !fault.Is(err, fault.NotFound) {
		t.Errorf("access token of a dead family: %v", err)
	}
	if r := refresh(tokens, f.ID, 3, true); !fault.Is(r.err, fault.Used) {
		t.Errorf("%v", r.err)
	}
	if _, err := tokens.Family(ctx, f.ID); !fault.Is(err, fault.Used) {
		t.Errorf("%v", err)
	}
}

func TestGraceEnds(t *testing.T) {
	d, c := open(t)
	tokens := NewTokens(d)
	f := startFamily(t, tokens)
	if r := refresh(tokens, f.ID, 1, true); r.err != nil || r.repeat {
		t.Fatalf("%+v", r)
	}
	c.Advance(29 * time.Second)
	if r := refresh(tokens, f.ID, 1, true); r.err != nil || !r.repeat || r.family.Generation != 2 {
		t.Errorf("%+v", r)
	}
	c.Advance(time.Second)
	if r := refresh(tokens, f.ID, 1, true); !fault.Is(r.err, fault.Used) {
		t.Errorf("after the grace: %+v", r)
	}
}

// Another client, a dead session, a raised epoch: the refresh is refused and
// neither rotates nor revokes, whatever the generation presented.
func TestRefusedRefreshMovesNothing(t *testing.T) {
	d, _ := open(t)
	tokens, ctx := NewTokens(d), context.Background()
	f := startFamily(t, tokens)
	if r := refresh(tokens, f.ID, 1, false); r.err != nil {
		t.Fatal(r.err)
	}
	no := errors.New("another client")
	for generation := range uint64(3) {
		if _, _, err := tokens.Refresh(ctx, f.ID, generation+1, false, func(Family) error { return no }); !errors.Is(err, no) {
			t.Errorf("%v", err)
		}
	}
	if got, err := tokens.Family(ctx, f.ID); err != nil || got.Generation != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFamilyEndsWithTheSession(t *testing.T) {
	d, c := open(t)
	tokens, ctx := NewTokens(d), context.Background()
	f, err := tokens.StartFamily(ctx, Family{ClientID: "dmp", Auth: doctor(), Ends: start.Add(40 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(25 * time.Minute)
	r := refresh(tokens, f.ID, 1, true)
	if r.err != nil || !r.family.Expires.Equal(start.Add(40*time.Minute)) {
		t.Fatalf("%+v", r)
	}
	c.Advance(15 * time.Minute)
	if r := refresh(tokens, f.ID, 2, true); r.err == nil {
		t.Error("a refresh after the end of the session")
	}
	if _, err := tokens.StartFamily(ctx, Family{Auth: doctor(), Ends: c.Now()}); !fault.Is(err, fault.Expired) {
		t.Errorf("%v", err)
	}
}

func TestRefreshTokenExpires(t *testing.T) {
	d, c := open(t)
	tokens := NewTokens(d)
	f := startFamily(t, tokens)
	short, err := tokens.StartFamily(context.Background(), Family{Auth: doctor(), Ends: start.Add(time.Hour), RefreshFor: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute)
	if r := refresh(tokens, short.ID, 1, true); !fault.Is(r.err, fault.Expired) {
		t.Errorf("the client's own lifetime: %v", r.err)
	}
	c.Advance(29 * time.Minute)
	if r := refresh(tokens, f.ID, 1, true); r.err == nil {
		t.Error("used after its life")
	}
}

// The replay of a code overtakes the tokens of its first use: they are dead
// when they come.
func TestReplayThatOvertakesTheFirstUse(t *testing.T) {
	d, _ := open(t)
	tokens, ctx := NewTokens(d), context.Background()
	id, err := NewFamilyID(d.Rand)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // revoking twice is harmless
		if f, err := tokens.RevokeFamily(ctx, id, ReasonCodeReplay); err != nil || !f.Revoked {
			t.Fatalf("%+v %v", f, err)
		}
	}
	f, err := tokens.StartFamily(ctx, Family{ID: id, ClientID: "dmp", Auth: doctor(), Ends: start.Add(time.Hour)})
	if err != nil || !f.Revoked || f.ClientID != "dmp" || f.Reason != ReasonCodeReplay {
		t.Fatalf("%+v %v", f, err)
	}
	if err := tokens.PutAccess(ctx, "access", Token{Kind: KindPerson, Family: id, Issued: start, Expires: start.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tokens.Access(ctx, "access"); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	if r := refresh(tokens, id, 1, true); !fault.Is(r.err, fault.Used) {
		t.Errorf("%v", r.err)
	}
}

func TestFamilyCannotBeStartedTwice(t *testing.T) {
	d, _ := open(t)
	tokens := NewTokens(d)
	f := startFamily(t, tokens)
	if _, err := tokens.StartFamily(context.Background(), Family{ID: f.ID, Auth: doctor(), Ends: f.Ends}); !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
}

func TestAccessTokens(t *testing.T) {
	d, c := open(t)
	tokens, ctx := NewTokens(d), context.Background()
	f := startFamily(t, tokens)
	put := func(text string, v Token) {
		t.Helper()
		v.Issued, v.Expires = start, start.Add(2*time.Minute)
		if err := tokens.PutAccess(ctx, text, v); err != nil {
			t.Fatal(err)
		}
	}
	put("person", Token{Kind: KindPerson, Family: f.ID, ClientID: "dmp"})
	put("service", Token{Kind: KindService, ClientID: "dmp"})
	put("orphan", Token{Kind: KindPerson, Family: "gone"})
	put("given back", Token{Kind: KindPerson, Family: f.ID})
	if v, family, err := tokens.Access(ctx, "person"); err != nil || v.ClientID != "dmp" || family.Auth.Epoch != 3 {
		t.Errorf("%+v %+v %v", v, family, err)
	}
	if v, family, err := tokens.Access(ctx, "service"); err != nil || v.Kind != KindService || family.ID != "" {
		t.Errorf("%+v %+v %v", v, family, err)
	}
	if err := tokens.RevokeAccess(ctx, "given back"); err != nil {
		t.Error(err)
	}
	if _, err := tokens.Family(ctx, f.ID); err != nil {
		t.Errorf("giving back one access token ended the login: %v", err)
	}
	for _, text := range []string{"given back", "orphan", "never issued", "", strings.Repeat("x", 100000)} {
		if _, _, err := tokens.Access(ctx, text); !fault.Is(err, fault.NotFound) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	c.Advance(2 * time.Minute)
	if _, _, err := tokens.Access(ctx, "person"); !fault.Is(err, fault.NotFound) {
		t.Errorf("expired: %v", err)
	}
	if err := tokens.PutAccess(ctx, "late", Token{Expires: c.Now()}); !fault.Is(err, fault.Expired) {
		t.Errorf("%v", err)
	}
}

// Who reads the store holds no credential: neither the text of a token nor that
// of a code stands in a key or value.
func TestStoreHoldsNoCredential(t *testing.T) {
	d, _ := open(t)
	tokens, codes, ctx := NewTokens(d), NewCodes(d), context.Background()
	f := startFamily(t, tokens)
	token, err := Random(d.Rand)
	if err != nil {
		t.Fatal(err)
	}
	if err := tokens.PutAccess(ctx, token, Token{Kind: KindPerson, Family: f.ID, Expires: start.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	code, err := codes.Issue(ctx, someCode())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"token:" + token, "code:" + code} {
		if _, err := d.KV.Get(ctx, secret); !fault.Is(err, fault.NotFound) {
			t.Errorf("stored by its text: %v", err)
		}
		kind, text, _ := strings.Cut(secret, ":")
		item, err := d.KV.Get(ctx, kind+":"+Hash(text))
		if err != nil || strings.Contains(string(item.Value), text) {
			t.Errorf("%s: %s %v", kind, item.Value, err)
		}
	}
}

// Both halves of the check: a record that the store's clock keeps too long is
// dead by ours.
func TestFamilyIsRefusedAfterItsEndWhateverTheStoreSays(t *testing.T) {
	d, _ := open(t)
	tokens := NewTokens(d)
	f := startFamily(t, tokens)
	late := clock.NewManual(start.Add(5 * time.Hour))
	d.Clock = late
	if _, err := NewTokens(d).Family(context.Background(), f.ID); !fault.Is(err, fault.Expired) {
		t.Errorf("%v", err)
	}
}
