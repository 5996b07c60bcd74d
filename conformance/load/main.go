// Command load measures the provider: what each operation costs its process,
// beside the floor of the same machine in the same run. `make bench` runs it;
// docs/benchmarks.md tells the method.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
)

// aimRSA is one RS256 signature on the machine of the aims.
const aimRSA = time.Second / (2 * 570)

func main() {
	empty := flag.String("empty", "", "serve empty answers on this address (for the floor)")
	binary := flag.String("egide", "bin/egide", "the built provider")
	bridge := flag.String("card-bridge", "bin/card-bridge", "the built card bridge")
	seconds := flag.Duration("for", 4*time.Second, "how long each operation is repeated")
	only := flag.String("only", "", "measure only operations whose name holds this")
	rows := flag.Int("rows", 2_300_000, "rows of the register in the last part; 0 leaves it out")
	streams := flag.Int("streams", 50_000, "streams that phones hold open, for -only phones")
	flag.Parse()
	err := error(nil)
	switch {
	case *empty != "":
		err = serveEmpty(*empty)
	case *only == "notices":
		err = notices(context.Background(), *binary, *seconds)
	case *only == "phones":
		err = phones(context.Background(), *binary, *streams)
	default:
		err = run(context.Background(), *binary, *bridge, *only, *seconds, *rows)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, bridge, only string, span time.Duration, rows int) error {
	if only == "card" {
		return cards(ctx, bridge)
	}
	if err := operations(ctx, binary, only, span); err != nil {
		return err
	}
	if err := cards(ctx, bridge); err != nil || rows == 0 {
		return err
	}
	return bigRegister(ctx, binary, rows)
}

// operations measures what each endpoint costs.
func operations(ctx context.Context, binary, only string, span time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dir, err := os.MkdirTemp("", "egide-load-")
	if err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	folks := harness.People(workers)
	folder, err := harness.Register(ctx, dir, folks)
	if err != nil {
		return err
	}
	services := []harness.Service{
		{ID: "bench-psc", Profile: "psc", IDTokenAlg: "RS256", AccessFormat: "psc"},
		{ID: "bench-rs256", Profile: "oidc", IDTokenAlg: "RS256", AccessFormat: "opaque"},
		{ID: "bench-es256", Profile: "oidc", IDTokenAlg: "ES256", AccessFormat: "opaque"},
	}
	for i := range services {
		services[i].Secret, services[i].Redirect = benchSecret, "https://bench.invalid/"+services[i].ID
	}
	var c clock.System
	from := c.Now()
	n, err := harness.StartNode(ctx, harness.NodeOptions{Binary: binary, Name: "bench", Dir: dir, Register: folder, Services: services})
	if err != nil {
		return err
	}
	defer n.Stop()
	if err := n.Ready(ctx); err != nil {
		return err
	}
	fmt.Printf("%s, %d cores; provider ready after %d ms\n", runtime.Version(), runtime.NumCPU(), c.Now().Sub(from).Milliseconds())
	b := &bench{node: n, caller: newCaller()}
	if err := harness.Phones(ctx, n, folks); err != nil {
		return err
	}
	if b.session, err = b.logIn(ctx, services[0], folks[0].ID.String()); err != nil {
		return err
	}
	f, err := measureFloor(ctx, span/2)
	if err != nil {
		return err
	}
	// The aims were set on a machine where Go's RSA allows 570 flows of two
	// signatures: what this one does now is told beside, since both are shared.
	fmt.Printf("RS256 takes %.2f times as long here and now as where the aims were set\n", float64(f.rs256)/float64(aimRSA))
	fmt.Printf("floor: RS256 signature %d us, ES256 signature %d us, empty echo request %d us\n\n", f.rs256.Microseconds(), f.es256.Microseconds(), f.request.Microseconds())
	rows, err := b.rows(ctx, services)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return !strings.Contains(r.name, only) })
	return table(ctx, n, f, rows, span)
}

// rows are the operations of the issue, in its order.
func (b *bench) rows(ctx context.Context, services []harness.Service) ([]row, error) {
	psc, rs, es := services[0], services[1], services[2]
	families := map[string][]tokens{}
	for _, s := range []harness.Service{psc, rs, es} {
		list, err := b.family(ctx, s)
		if err != nil {
			return nil, err
		}
		families[s.ID] = list
	}
	return []row{
		{"code flow with login, psc", 14, 2, 2, 0, b.codeWithLogin(psc)},
		{"code flow with session, psc", 2, 2, 0, 370, b.codeWithSession(psc)},
		{"code flow with session, one RS256", 2, 1, 0, 620, b.codeWithSession(rs)},
		{"code flow with session, ES256", 2, 0, 1, 1500, b.codeWithSession(es)},
		{"refresh, psc", 1, 2, 0, 0, b.refresh(psc, families[psc.ID])},
		{"refresh, ES256", 1, 0, 1, 2500, b.refresh(es, families[es.ID])},
		{"UserInfo", 1, 0, 0, 5000, b.keepAlive(es, b.userInfo)},
		{"introspection", 1, 0, 0, 5000, b.keepAlive(es, func(t tokens) func(context.Context, int) error { return b.introspect(es, t) })},
		{"client credentials, ES256 client", 1, 0, 0, 0, b.clientCredentials(es)},
		{"discovery", 1, 0, 0, 0, b.discovery},
	}, nil
}

// keepAlive takes a fresh token when the operation begins: those of the start
// live two minutes only.
func (b *bench) keepAlive(s harness.Service, op func(tokens) func(context.Context, int) error) func(context.Context, int) error {
	ready := make(chan func(context.Context, int) error, 1)
	ready <- nil
	return func(ctx context.Context, worker int) error {
		f := <-ready
		if f == nil {
			list, err := b.family(ctx, s)
			if err != nil {
				ready <- nil
				return err
			}
			f = op(list[0])
		}
		ready <- f
		return f(ctx, worker)
	}
}

func table(ctx context.Context, n *harness.Node, f floor, rows []row, span time.Duration) error {
	fmt.Printf("%-36s %10s %12s %10s %10s %7s %8s %8s\n", "operation", "CPU us/op", "ops/CPU s", "allocs/op", "floor us", "ratio", "aim", "scaled")
	for _, r := range rows {
		got, err := measure(ctx, n.Process, n.Admin, span, r.run)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		least := time.Duration(r.requests)*f.request + time.Duration(r.rs)*f.rs256 + time.Duration(r.es)*f.es256
		aim, scaled := "-", "-"
		if r.aim > 0 {
			aim = fmt.Sprint(r.aim)
			scaled = fmt.Sprintf("%.0f", float64(time.Second)/float64(got.cpu)*float64(f.rs256)/float64(aimRSA))
		}
		fmt.Printf("%-36s %10d %12.0f %10.0f %10d %7.2f %8s %8s\n", r.name, got.cpu.Microseconds(), float64(time.Second)/float64(got.cpu),
			got.allocs, least.Microseconds(), float64(got.cpu)/float64(least), aim, scaled)
	}
	resident, err := n.Resident()
	if err != nil {
		return err
	}
	fmt.Printf("\nmemory after the run: %d MB\n", resident>>20)
	return nil
}
