package client

import (
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt"
	"github.com/egide-id/egide/internal/platform/outbound"
)

// Limits of a key set.
const (
	maxKeys  = 20
	maxKeyID = 200
)

// readKeySet reads what a jwks_uri answered. Keys of kinds unknown here are
// passed over (RFC 7517 5); an empty set is a good answer, by which a service
// withdraws all its keys. Errors: fault.Unavailable for what is no key set.
func readKeySet(a outbound.Answer) ([]jose.JSONWebKey, error) {
	if a.Status != http.StatusOK {
		return nil, fault.New(fault.Unavailable, "", "the answer is no success")
	}
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(a.Body, &set); err != nil || set.Keys == nil || len(*set.Keys) > maxKeys {
		return nil, fault.New(fault.Unavailable, "", "the answer is no key set of at most 20 keys")
	}
	keys := make([]jose.JSONWebKey, 0, len(*set.Keys))
	for _, raw := range *set.Keys {
		var key jose.JSONWebKey
		// A private key that stands in public proves nothing any more.
		if err := key.UnmarshalJSON(raw); err == nil && jwt.CheckKey(key) == nil && len(key.KeyID) <= maxKeyID {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
