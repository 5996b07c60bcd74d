package webpush

import (
	"container/heap"
	"container/list"
	"time"

	"github.com/egide-id/egide/internal/platform/outbound"
)

// queue holds the pushes that wait, in one lane for each push service, and gives
// each lane its turn: a thousand pushes to a dead service stand in its own lane.
// It is not safe for concurrent use.
type queue struct {
	size    int
	running int
	named   map[name]*entry // pushes with a topic
	lanes   map[string]*lane
	turns   *list.List // of *lane that could start a call
	times   times
}

// name is what a newer push replaces.
type name struct{ id, topic string }

// lane is one push service. Its limit halves when the service does not answer
// and doubles when it does.
type lane struct {
	host    string
	entries int // waiting or under way
	running int
	limit   int
	ready   *list.List // of *entry
	turn    *list.Element
}

// entry is one push. While it waits it stands among the times: for its next try,
// or, ready, for its end.
type entry struct {
	push  Push
	newer *Push // came while this one was under way
	tries int
	due   time.Time // of the next try; zero when ready
	lane  *lane
	place *list.Element // in lane.ready
	index int           // in times; -1: under way
}

func newQueue() *queue {
	return &queue{named: map[name]*entry{}, lanes: map[string]*lane{}, turns: list.New()}
}

// put takes a push, or says that the queue is full. A push with a topic takes the
// place of the one that waits under it, and that one's pause, which the service
// asked for; while that one is under way it waits, so that it arrives last.
func (q *queue) put(p Push, host string) bool {
	if old := q.find(p); old != nil {
		switch {
		case old.index < 0:
			old.newer = &p
			return true
		case old.push.Endpoint == p.Endpoint:
			old.push = p
			heap.Fix(&q.times, old.index)
			return true
		}
		q.leave(old)
	}
	if q.size >= queued {
		return false
	}
	q.enter(p, host, time.Time{}, 0)
	return true
}

func (q *queue) find(p Push) *entry {
	if p.Topic == "" {
		return nil
	}
	return q.named[name{p.ID, p.Topic}]
}

// enter adds a push that is due at an instant; zero: now.
func (q *queue) enter(p Push, host string, due time.Time, tries int) {
	l := q.lanes[host]
	if l == nil {
		l = &lane{host: host, limit: perHost, ready: list.New()}
		q.lanes[host] = l
	}
	e := &entry{push: p, due: due, tries: tries, lane: l}
	l.entries++
	q.size++
	if p.Topic != "" {
		q.named[name{p.ID, p.Topic}] = e
	}
	q.wait(e)
}

// wait lets an entry stand, in its lane if it is ready.
func (q *queue) wait(e *entry) {
	heap.Push(&q.times, e)
	if e.due.IsZero() {
		e.place = e.lane.ready.PushBack(e)
		q.call(e.lane)
	}
}

// stand takes an entry away from where it waits.
func (q *queue) stand(e *entry) {
	if e.index >= 0 {
		heap.Remove(&q.times, e.index)
	}
	if e.place != nil {
		e.lane.ready.Remove(e.place)
		e.place = nil
		q.call(e.lane)
	}
}

// leave forgets an entry.
func (q *queue) leave(e *entry) {
	q.stand(e)
	q.size--
	if n := (name{e.push.ID, e.push.Topic}); q.named[n] == e {
		delete(q.named, n)
	}
	if e.lane.entries--; e.lane.entries == 0 {
		delete(q.lanes, e.lane.host)
	}
}

// call gives a lane its turn, or takes it, by what the lane could do now.
func (q *queue) call(l *lane) {
	able := l.ready.Len() > 0 && l.running < l.limit
	switch {
	case able && l.turn == nil:
		l.turn = q.turns.PushBack(l)
	case !able && l.turn != nil:
		q.turns.Remove(l.turn)
		l.turn = nil
	}
}

// pass moves on to now: what became due is ready, what expired is given back.
func (q *queue) pass(now time.Time) (expired []Push) {
	for len(q.times) > 0 && !q.times[0].at().After(now) {
		e := q.times[0]
		if !e.push.Expires.After(now) {
			q.leave(e)
			expired = append(expired, e.push)
			continue
		}
		q.stand(e)
		e.due = time.Time{}
		q.wait(e)
	}
	return expired
}

// start gives the next push to be sent, of the lane whose turn it is; nil if none may.
func (q *queue) start() *entry {
	front := q.turns.Front()
	if front == nil || q.running >= inAll {
		return nil
	}
	l := front.Value.(*lane)            // only lanes are put there
	e := l.ready.Front().Value.(*entry) // a lane in turn has one that is ready
	q.running++
	l.running++
	q.stand(e)
	if l.turn != nil {
		q.turns.MoveToBack(l.turn)
	}
	return e
}

// end takes back a push that was under way; due is when to try again, zero if it
// has come to its end. A newer one takes over its pause.
func (q *queue) end(e *entry, due time.Time, answered bool) {
	l := e.lane
	q.running--
	l.running--
	if answered {
		l.limit = min(l.limit*2, perHost)
	} else {
		l.limit = max(l.limit/2, 1)
	}
	switch newer := e.newer; {
	case newer != nil:
		host, same := l.host, newer.Endpoint == e.push.Endpoint
		if u, err := outbound.Parse(newer.Endpoint); err == nil && !same {
			host = u.Host
		}
		if same {
			q.enter(*newer, host, due, e.tries)
		} else {
			q.enter(*newer, host, time.Time{}, 0)
		}
		q.leave(e)
	case due.IsZero():
		q.leave(e)
	default:
		e.due = due
		q.wait(e)
	}
	q.call(l)
}
