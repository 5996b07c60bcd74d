package signing

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Standing is what a node holds as the keys, for comparison with other nodes:
// which folder, how often it was changed, and what is in it.
type Standing struct {
	Folder   string `json:"folder"`
	Revision uint64 `json:"revision"`
	Digest   string `json:"digest"`
}

// Standing tells it after a look at the disk.
func (k *Keys) Standing() Standing {
	m := k.known(func(*set) bool { return false }).manifest
	h := sha256.New()
	for _, e := range m.Keys {
		if e.State == Retired {
			continue // each node lets it go by its own clock
		}
		_, _ = fmt.Fprintln(h, e.Kid, e.Alg, e.State)
	}
	return Standing{Folder: m.Folder, Revision: m.Revision, Digest: base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])}
}
