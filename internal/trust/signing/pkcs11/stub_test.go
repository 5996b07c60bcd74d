//go:build !pkcs11

package pkcs11

import (
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

func TestWithoutTheTagNothingIsPromised(t *testing.T) {
	if token, err := Open(Options{Module: "x"}); token != nil || !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v %v", token, err)
	}
}
