package grant

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

func someCode() Code {
	auth := doctor()
	return Code{
		ClientID: "dmp", RedirectURI: "https://dossier.exemple.invalid/retour", CodeChallenge: "c", Nonce: "n", Scope: []string{"openid"},
		ACR: "eidas1", SID: "sid", Auth: &auth, SessionEnds: start.Add(4 * time.Hour),
	}
}

func TestCodeIsRedeemedOnce(t *testing.T) {
	d, _ := open(t)
	codes, ctx := NewCodes(d), context.Background()
	text, err := codes.Issue(ctx, someCode())
	if err != nil {
		t.Fatal(err)
	}
	got, err := codes.Redeem(ctx, text)
	if err != nil || got.ClientID != "dmp" || got.Nonce != "n" || got.Auth.Epoch != 3 || got.Family == "" {
		t.Fatalf("%+v, %v", got, err)
	}
	again, err := codes.Redeem(ctx, text)
	if !fault.Is(err, fault.Used) || again.Family != got.Family {
		t.Errorf("replay: %+v, %v; want fault.Used and family %s", again, err, got.Family)
	}
}

// A code captured from a log is replayed half an hour later: its family is
// still known and dies. The tombstone holds nothing of the person.
func TestLateReplayStillKnowsTheFamily(t *testing.T) {
	d, c := open(t)
	codes, ctx := NewCodes(d), context.Background()
	text, err := codes.Issue(ctx, someCode())
	if err != nil {
		t.Fatal(err)
	}
	got, err := codes.Redeem(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(29 * time.Minute)
	if again, err := codes.Redeem(ctx, text); !fault.Is(err, fault.Used) || again.Family != got.Family {
		t.Errorf("%+v, %v", again, err)
	}
	item, err := d.KV.Get(ctx, "code:"+Hash(text))
	if err != nil || strings.Contains(string(item.Value), "899700990015") || strings.Contains(string(item.Value), text) {
		t.Errorf("tombstone %s, %v", item.Value, err)
	}
}

func TestCodeExpires(t *testing.T) {
	d, c := open(t)
	codes, ctx := NewCodes(d), context.Background()
	text, err := codes.Issue(ctx, someCode())
	if err != nil {
		t.Fatal(err)
	}
	short := someCode()
	short.Expires = start.Add(10 * time.Second)
	shortText, err := codes.Issue(ctx, short)
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(10 * time.Second)
	if _, err := codes.Redeem(ctx, shortText); !fault.Is(err, fault.NotFound) {
		t.Errorf("after its own lifetime: %v", err)
	}
	c.Advance(50 * time.Second)
	if _, err := codes.Redeem(ctx, text); !fault.Is(err, fault.NotFound) {
		t.Errorf("after a minute: %v", err)
	}
}

// The store may run on another machine's clock: ours decides too (HA7).
func TestCodeThatTheStoreStillHoldsExpiresByOurClock(t *testing.T) {
	c := someCode()
	c.Expires = start.Add(time.Minute)
	if err := c.spend(start.Add(time.Minute)); !fault.Is(err, fault.Expired) {
		t.Errorf("%v", err)
	}
}

func TestNonsenseIsNoCode(t *testing.T) {
	d, _ := open(t)
	codes := NewCodes(d)
	for _, text := range []string{"", "x", strings.Repeat("a", 42) + "=", strings.Repeat("a", 43), strings.Repeat("é", 43), strings.Repeat("a", 10000)} {
		if _, err := codes.Redeem(context.Background(), text); !fault.Is(err, fault.NotFound) {
			t.Errorf("%.50q: %v", text, err)
		}
	}
}

func TestD2HA9HundredRedemptionsHaveOneWinner(t *testing.T) {
	d, _ := open(t)
	codes, tokens, ctx := NewCodes(d), NewTokens(d), context.Background()
	text, err := codes.Issue(ctx, someCode())
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		family string
		err    error
	}
	// Every caller does what the token endpoint does, so that the replays race
	// with the tokens of the first use as well.
	results := race(100, func() result {
		code, err := codes.Redeem(ctx, text)
		if fault.Is(err, fault.Used) {
			if _, revoking := tokens.RevokeFamily(ctx, code.Family, ReasonCodeReplay); revoking != nil {
				return result{err: revoking}
			}
			return result{family: code.Family, err: err}
		}
		if err == nil {
			_, err = tokens.StartFamily(ctx, Family{ID: code.Family, ClientID: code.ClientID, SID: code.SID, Auth: *code.Auth, Ends: code.SessionEnds})
		}
		return result{family: code.Family, err: err}
	})
	winners := 0
	for _, r := range results {
		if r.err == nil {
			winners++
		} else if !fault.Is(r.err, fault.Used) {
			t.Errorf("%v", r.err)
		}
		if r.family != results[0].family {
			t.Errorf("family %s, not %s", r.family, results[0].family)
		}
	}
	if winners != 1 {
		t.Errorf("%d winners", winners)
	}
	if _, err := tokens.Family(ctx, results[0].family); !fault.Is(err, fault.Used) {
		t.Errorf("the family of a replayed code lives: %v", err)
	}
}
