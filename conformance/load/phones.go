package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/clock"
)

const (
	answering    = 500              // holders who answer, each once a round
	wakeUps      = 200              // logins whose way to the phone is timed
	perHolder    = 4                // phones of each further holder
	perPhone     = 4                // streams of each of those: the provider's own bound
	spareFiles   = 600              // for everything but streams
	idleFor      = 70 * time.Second // longer than the slowest look of a stream
	firstHolder  = 899700900000     // invented identifiers are 8997009xxxxx
	holderNumber = 100000
)

// phones measures one node that holds the streams of many phones: memory and
// processor of holding them, how fast a login reaches its phone among them, what
// an approval costs and how fast the page learns of it.
func phones(ctx context.Context, binary string, streams int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wanted := streams
	streams, err := raiseFiles(streams)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores\n", runtime.Version(), runtime.NumCPU())
	if streams < wanted {
		fmt.Printf("this process may open fewer files than %d streams need: %d are held\n", wanted, streams)
	}
	dir, err := os.MkdirTemp("", "egide-phones-")
	if err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	folks := crowdPeople(answering + max(0, streams-answering)/(perHolder*perPhone) + 1)
	service := harness.Service{ID: "bench-es256", Secret: benchSecret, Redirect: "https://bench.invalid/phones", Profile: "oidc", IDTokenAlg: "ES256", AccessFormat: "opaque"}
	n, err := phonesNode(ctx, binary, dir, folks, service)
	if err != nil {
		return err
	}
	defer n.Stop()
	b := &bench{node: n, caller: newCaller()}
	holders, err := answerers(ctx, n, folks[:answering])
	if err != nil {
		return err
	}
	c, err := enrolCrowd(ctx, n, folks, streams)
	if err != nil {
		return err
	}
	if err := b.approvalCost(ctx, service, holders); err != nil {
		return err
	}
	if err := b.held(ctx, c); err != nil {
		return errors.Join(err, fmt.Errorf("the node said: %s", n.Said()))
	}
	if err := b.wakes(ctx, service, c, folks[:wakeUps]); err != nil {
		return err
	}
	return b.reactions(ctx, service, holders)
}

// phonesNode starts a node whose register knows folks.
func phonesNode(ctx context.Context, binary, dir string, folks []rpps.Professional, s harness.Service) (*harness.Node, error) {
	folder, err := harness.Register(ctx, dir, folks)
	if err != nil {
		return nil, err
	}
	n, err := harness.StartNode(ctx, harness.NodeOptions{Binary: binary, Name: "phones", Dir: dir, Register: folder, Services: []harness.Service{s}})
	if err != nil {
		return nil, err
	}
	if err := n.Ready(ctx); err != nil {
		n.Stop()
		return nil, err
	}
	return n, nil
}

// raiseFiles lets this process, and the node it starts, open a file a stream,
// and gives how many streams the machine allows.
func raiseFiles(streams int) (int, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("file limit: %w", err)
	}
	need := uint64(streams + spareFiles)
	if l.Max < need {
		higher := syscall.Rlimit{Cur: need, Max: need}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &higher) == nil {
			return streams, nil
		}
	}
	l.Cur = l.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("file limit: %w", err)
	}
	return min(streams, int(l.Max)-spareFiles), nil
}

// crowdPeople are copies of one invented doctor under other identifiers.
func crowdPeople(n int) []rpps.Professional {
	like := harness.People(1)[0]
	list := make([]rpps.Professional, 0, n)
	for i := range min(n, holderNumber) {
		p := like
		p.ID = rpps.MustNationalID(fmt.Sprint(firstHolder + i))
		p.OtherIDs = nil
		list = append(list, p)
	}
	return list
}

// held opens all streams and tells what holding them takes.
func (b *bench) held(ctx context.Context, c *crowd) error {
	before, err := b.node.Resident()
	if err != nil {
		return err
	}
	var now clock.System
	from := now.Now()
	cpu, err := b.node.CPU()
	if err != nil {
		return err
	}
	if err := c.openAll(ctx); err != nil {
		return err
	}
	opened, err := b.node.CPU()
	if err != nil {
		return err
	}
	fmt.Printf("%d streams opened in %.1f s, %d us CPU each\n", c.streams(), now.Now().Sub(from).Seconds(), ((opened - cpu) / time.Duration(c.streams())).Microseconds())
	if err := b.weigh("just opened", before, c); err != nil {
		return err
	}
	start := now.Now()
	if opened, err = b.node.CPU(); err != nil {
		return err
	}
	over, stop := now.After(idleFor)
	defer stop()
	<-over
	after, err := b.node.CPU()
	if err != nil {
		return err
	}
	fmt.Printf("idle with %d streams open: %.3f cores\n", c.open.Load(), float64(after-opened)/float64(now.Now().Sub(start)))
	return b.weigh("after a minute", before, c)
}

func (b *bench) weigh(when string, before int64, c *crowd) error {
	held, err := b.node.Resident()
	if err != nil {
		return err
	}
	counted, err := b.node.Admin.Runtime(context.Background())
	if err != nil {
		return err
	}
	fmt.Printf("%s: node holds %d MB, %d MB before; %.1f KB a stream (%d open, %d had to open again); heap objects %d MB\n", when, held>>20, before>>20,
		float64(held-before)/1024/float64(c.streams()), c.open.Load(), c.again.Load(), counted.HeapBytes>>20)
	return nil
}
