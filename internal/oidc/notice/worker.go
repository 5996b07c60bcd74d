package notice

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

const (
	inAll      = 48 // tries at once: fewer than outbound allows, so that keys and request objects are still fetched
	width      = 8  // tries at once to one service that answers soon
	soon       = time.Second
	pollEvery  = 2 * time.Second
	purgeEvery = time.Hour
	firstPause = 5 * time.Second // before a notice is tried again; then three times as long each time
	longPause  = time.Hour
	restLong   = time.Minute // longest rest of a lane whose service does not answer
)

// lane is the notices of one service: what is in hand here, and how many tries
// are under way. A service that is slow is tried one at a time, or a few such
// would hold every hand; one that fails gets rests as well.
type lane struct {
	queue  []held
	active int
	failed int  // tries in a row
	slow   bool // the last try took long
}

// most is how many tries a lane may have under way.
func (l *lane) most() int {
	if l.failed > 0 || l.slow {
		return 1
	}
	return width
}

// Entered is what was written down and is in the hand of this node.
type Entered []held

// Send makes a first try of each, waiting at most bound for all of them. What
// could not be told in that time is told later.
func (n *Notices) Send(ctx context.Context, entered Entered, bound time.Duration) {
	over := make(chan struct{}, len(entered))
	waiting := 0
	for _, h := range entered {
		h.told = func() { over <- struct{}{} }
		if n.start(h.client, 1, h) {
			waiting++
		}
	}
	enough, stop := n.d.Clock.After(bound)
	defer stop()
	for range waiting {
		select {
		case <-over:
		case <-enough:
			return
		case <-ctx.Done():
			return
		}
	}
}

// start puts notices into a lane and wakes enough hands for them; false when
// nobody works: they are found once somebody does.
func (n *Notices) start(c string, hands int, more ...held) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running == nil {
		return false
	}
	l := n.lanes[c]
	if l == nil {
		l = &lane{}
		n.lanes[c] = l
	}
	l.queue = append(l.queue, more...)
	for range min(hands, l.most()-l.active) {
		l.active++
		ctx := n.running
		n.busy.Go(func() { n.serve(ctx, c, l) })
	}
	return true
}

// Run tries what is due until ctx ends.
func (n *Notices) Run(ctx context.Context) {
	over, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		n.settle(context.WithoutCancel(ctx), over)
	}()
	n.mu.Lock()
	n.running = ctx
	n.mu.Unlock()
	n.poll(ctx)
	n.mu.Lock()
	n.running = nil
	n.mu.Unlock()
	n.busy.Wait()
	close(over)
	<-written
}

func (n *Notices) poll(ctx context.Context) {
	var purged time.Time
	for ctx.Err() == nil {
		if now := n.d.Clock.Now(); now.Sub(purged) >= purgeEvery {
			purged = now
			n.report(ctx, "old notices were not dropped", n.purge(ctx))
		}
		found, err := n.due(ctx)
		n.report(ctx, "notices cannot be read", err)
		for c, count := range found {
			n.start(c, count)
		}
		fired, stop := n.d.Clock.After(pollEvery)
		select {
		case <-fired:
		case <-ctx.Done():
		}
		stop()
	}
}

// serve is one hand of a lane: it works until nothing is due.
func (n *Notices) serve(ctx context.Context, c string, l *lane) {
	for {
		h, ok := n.next(ctx, c, l)
		if !ok {
			return
		}
		select {
		case n.slots <- struct{}{}:
		case <-ctx.Done():
			n.leave(c, l)
			return // its lease ends, and somebody takes it
		}
		from := n.d.Clock.Now()
		s := n.try(ctx, h)
		s.slow = n.d.Clock.Now().Sub(from) >= soon
		<-n.slots
		n.settled <- s
		if !n.rest(ctx, l, s) {
			n.leave(c, l)
			return
		}
	}
}

// next takes a notice from the lane, or from the table; false when there is none
// and the hand has left.
func (n *Notices) next(ctx context.Context, c string, l *lane) (held, bool) {
	n.mu.Lock()
	if len(l.queue) > 0 {
		h := l.queue[0]
		l.queue = l.queue[1:]
		n.mu.Unlock()
		return h, true
	}
	most := l.most()
	n.mu.Unlock()
	taken, err := n.claim(ctx, c, most)
	if ctx.Err() == nil {
		n.report(ctx, "notices cannot be taken", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	l.queue = append(l.queue, taken...)
	if len(l.queue) == 0 || ctx.Err() != nil {
		n.drop(c, l)
		return held{}, false
	}
	h := l.queue[0]
	l.queue = l.queue[1:]
	return h, true
}

func (n *Notices) leave(c string, l *lane) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drop(c, l)
}

// drop takes one hand off a lane, and the lane away with its last: a lane that
// rests is remembered, so that its service is not run over at the next poll.
func (n *Notices) drop(c string, l *lane) {
	l.active--
	if l.active == 0 && l.failed == 0 && len(l.queue) == 0 {
		delete(n.lanes, c)
	}
}

// rest waits before the next try when the service did not answer; false when it
// is time to go.
func (n *Notices) rest(ctx context.Context, l *lane, s settlement) bool {
	n.mu.Lock()
	l.slow = s.slow
	if l.failed++; s.to != Waiting {
		l.failed = 0
	}
	failed, surplus := min(l.failed, 16), l.active > l.most()
	n.mu.Unlock()
	if surplus || failed == 0 {
		return !surplus && ctx.Err() == nil // one hand is enough for a service that is away
	}
	pause := min(time.Second<<(failed-1), restLong)
	fired, stop := n.d.Clock.After(pause)
	defer stop()
	select {
	case <-fired:
		return true
	case <-ctx.Done():
		return false
	}
}

// try tells a service once (BCL 2.5). 2xx is done and 400 is a refusal, which
// another try would not change; all else may pass.
func (n *Notices) try(ctx context.Context, h held) settlement {
	s := settlement{held: h, to: Dead}
	c, err := n.d.Clients.Lookup(h.client)
	switch {
	case fault.Is(err, fault.Unavailable):
		return n.later(s, "the registration cannot be read")
	case err != nil || c.Logout.BackchannelURI == "":
		s.answer = "no longer registered"
		return s
	}
	token, err := n.sign(c, h)
	if err != nil {
		return n.later(s, "no logout token could be made")
	}
	answer, err := n.d.Post.PostForm(ctx, c.Logout.BackchannelURI, url.Values{"logout_token": {token}})
	s.answer = strconv.Itoa(answer.Status)
	switch {
	case fault.Is(err, fault.Invalid):
		s.answer = "the address is not one that is gone to"
	case err != nil:
		return n.later(s, "no answer")
	case answer.Status >= 200 && answer.Status < 300:
		s.to = Done
	case answer.Status == http.StatusBadRequest:
	default:
		return n.later(s, s.answer)
	}
	return s
}

// later leaves a notice for another try, or gives it up when its day is over.
func (n *Notices) later(s settlement, why string) settlement {
	s.answer = why
	pause := firstPause
	for range s.attempts - 1 {
		if pause = 3 * pause; pause > longPause {
			pause = longPause
			break
		}
	}
	if s.again = n.d.Clock.Now().Add(pause); s.again.After(s.ends) {
		return s
	}
	s.to = Waiting
	return s
}

// settle writes what became of the tries, as many at once as have come in, so
// that thousands of notices do not hold the writer that logins need.
func (n *Notices) settle(ctx context.Context, over <-chan struct{}) {
	for {
		select {
		case s := <-n.settled:
			n.keep(ctx, n.batch(s))
		case <-over: // the last hand has left: what it brought is all there
			select {
			case s := <-n.settled:
				n.keep(ctx, n.batch(s))
			default:
				return
			}
		}
	}
}

// batch is one settlement with all that have come in beside it.
func (n *Notices) batch(first settlement) []settlement {
	list := []settlement{first}
	for len(list) < inAll {
		select {
		case s := <-n.settled:
			list = append(list, s)
		default:
			return list
		}
	}
	return list
}

// keep traces what is final, then writes it: a notice that was told and not
// traced is told again, which harms nobody.
func (n *Notices) keep(ctx context.Context, batch []settlement) {
	ready := batch[:0]
	for _, s := range batch {
		if n.trace(ctx, s) {
			ready = append(ready, s)
		}
	}
	n.report(ctx, "what became of notices was not written", n.write(ctx, ready))
	for _, s := range ready {
		if s.told != nil {
			s.told()
		}
	}
}

func (n *Notices) trace(ctx context.Context, s settlement) bool {
	var e audit.Event
	switch s.to {
	case Waiting:
		n.d.Log.WarnContext(ctx, "a service was not told of a logout, it will be", slog.String("client", s.client), slog.String("answer", s.answer), slog.Int("attempts", s.attempts))
		return true
	case Done:
		e = audit.LogoutNoticed{Client: s.client, SID: s.sid, Attempts: s.attempts}
	default:
		n.d.Log.ErrorContext(ctx, "a service will not be told of a logout", slog.String("client", s.client), slog.String("answer", s.answer), slog.Int("attempts", s.attempts))
		e = audit.LogoutNotNoticed{Client: s.client, SID: s.sid, Attempts: s.attempts, Answer: s.answer}
	}
	err := n.d.Audit.Record(ctx, e)
	n.report(ctx, "a notice could not be traced", err)
	return err == nil
}

func (n *Notices) report(ctx context.Context, what string, err error) {
	if err != nil {
		n.d.Log.ErrorContext(ctx, "notices", slog.String("what", what), slog.Any("error", err))
	}
}
