package storetest

import (
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/store"
)

// patience is how long a message may take before the bus counts as deaf.
const patience = 10 * time.Second

// RunBus holds a bus to its promise. open gives its nodes: one for a bus
// within a process, several for a shared one.
func RunBus(t *testing.T, open func(t *testing.T) []store.Bus) {
	t.Helper()
	t.Run("ReachesEveryReaderOnEveryNode", func(t *testing.T) { reachesAll(t, open(t)) })
	t.Run("OtherTopicsStayQuiet", func(t *testing.T) { otherTopics(t, open(t)) })
	t.Run("CancelClosesTheChannel", func(t *testing.T) { cancelCloses(t, open(t)) })
	t.Run("SlowReaderHoldsUpNobody", func(t *testing.T) { slowReader(t, open(t)) })
}

func receive(t *testing.T, messages <-chan []byte) string {
	t.Helper()
	late, stop := clock.System{}.After(patience)
	defer stop()
	select {
	case m, open := <-messages:
		if !open {
			t.Fatal("the channel was closed")
		}
		return string(m)
	case <-late:
		t.Fatal("no message came")
	}
	return ""
}

func subscribe(t *testing.T, b store.Bus, topic string) (<-chan []byte, func()) {
	t.Helper()
	messages, cancel, err := b.Subscribe(t.Context(), topic)
	must(t, err)
	t.Cleanup(cancel)
	return messages, cancel
}

func reachesAll(t *testing.T, nodes []store.Bus) {
	var readers []<-chan []byte
	for _, n := range nodes {
		for range 2 {
			m, _ := subscribe(t, n, "wallet:1")
			readers = append(readers, m)
		}
	}
	for _, n := range nodes {
		payload := "a\x00b\xff"
		must(t, n.Publish(t.Context(), "wallet:1", []byte(payload)))
		for i, r := range readers {
			if got := receive(t, r); got != payload {
				t.Fatalf("reader %d got %q", i, got)
			}
		}
	}
}

func otherTopics(t *testing.T, nodes []store.Bus) {
	m, _ := subscribe(t, nodes[0], "a")
	last := nodes[len(nodes)-1]
	for _, topic := range []string{"b", "ab", "", "A", "*"} {
		must(t, last.Publish(t.Context(), topic, []byte("not for you")))
	}
	must(t, last.Publish(t.Context(), "a", []byte("for you")))
	if got := receive(t, m); got != "for you" {
		t.Fatalf("got %q", got)
	}
}

func cancelCloses(t *testing.T, nodes []store.Bus) {
	m, cancel := subscribe(t, nodes[0], "a")
	other, _ := subscribe(t, nodes[0], "a")
	cancel()
	cancel()
	if _, open := <-m; open {
		t.Fatal("the channel is still open")
	}
	must(t, nodes[0].Publish(t.Context(), "a", []byte("still here")))
	if got := receive(t, other); got != "still here" {
		t.Fatalf("got %q", got)
	}
}

func slowReader(t *testing.T, nodes []store.Bus) {
	_, _ = subscribe(t, nodes[0], "busy") // never reads
	quick, _ := subscribe(t, nodes[0], "busy")
	for range 200 {
		must(t, nodes[0].Publish(t.Context(), "busy", []byte("m")))
		receive(t, quick)
	}
}
