package store_test

import (
	"testing"

	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/storetest"
)

func TestLocalBusKeepsThePromise(t *testing.T) {
	storetest.RunBus(t, func(*testing.T) []store.Bus { return []store.Bus{store.NewLocalBus()} })
}
