package login

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// attempt is the last e-CPS request of one browser, in whichever tab: a newer
// one supersedes it, so that of two numbers on two pages one leads anywhere.
type attempt struct {
	Wallet string `json:"wallet"`
}

// attemptLife is as long as an authorization request lives.
const attemptLife = 15 * time.Minute

// attempts are kept by the hash of the browser's secret.
type attempts struct {
	records store.Records[attempt]
}

func newAttempts(kv store.KV) attempts {
	return attempts{records: store.NewRecords[attempt](kv, "login-attempt")}
}

// last gives the e-CPS request of the browser, empty if there is none.
func (a attempts) last(ctx context.Context, browserHash string) (wallet string, err error) {
	found, err := a.records.Get(ctx, browserHash)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return found.Wallet, err
}

// swap keeps the new request and gives the one it replaced, in one atomic step:
// of two forms sent at once each learns of the other.
func (a attempts) swap(ctx context.Context, browserHash, next string) (was string, err error) {
	for range 3 { // the old one may expire between the two calls
		err = a.records.Put(ctx, browserHash, attempt{Wallet: next}, attemptLife)
		if !fault.Is(err, fault.Conflict) {
			return "", err
		}
		_, err = a.records.Update(ctx, browserHash, func(t *attempt) (time.Duration, error) {
			was, t.Wallet = t.Wallet, next
			return attemptLife, nil
		})
		if !fault.Is(err, fault.NotFound) {
			return was, err
		}
	}
	return "", err
}
