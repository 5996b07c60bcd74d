package device

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// However many receipts are lost, the values that may be current stay among
// those sent: the confirmed one if no answer arrived, the newest if all did.
func TestCandidatesKeepTheConfirmedAndTheNewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have := []string{"confirmed"}
		for i := range rapid.IntRange(1, 20).Draw(t, "lost") {
			next := string(rune('a' + i))
			have = candidates(have, next)
			if len(have) > ecps.MaxRatchets || have[0] != "confirmed" || have[len(have)-1] != next {
				t.Fatal(have)
			}
		}
	})
	if have := candidates([]string{"x"}, "y"); !slices.Equal(have, []string{"x", "y"}) {
		t.Fatal(have)
	}
}

func TestDamagedStatesAreRefused(t *testing.T) {
	testKey := newKey(t)
	good := `{"v":1,"base":"https://auth.example.test/ecps/v1","iss":"i","device":"d","holder":"h","key":"` + testKey +
		`","secret":"s","rounds":2,"ratchets":["r"],"expires_at":1}`
	if _, err := Load(http.DefaultClient, []byte(good), Options{}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"torn":           {`"expires_at":1}`, ``},
		"other version":  {`"v":1`, `"v":2`},
		"unknown member": {`"v":1`, `"v":1,"pin":"2580"`},
		"no ratchet":     {`["r"]`, `[]`},
		"no key":         {testKey, ``},
		"damaged key":    {testKey, `AAAA`},
		"plain http":     {`https:`, `http:`},
		"no address":     {`https://auth.example.test`, ``},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if _, err := Load(http.DefaultClient, []byte(bad), Options{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// newKey is a device key as a state keeps it.
func newKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(der)
}
