package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
)

// bigRegister imports a national register and measures what a provider with it
// needs: how soon it answers, how much memory it rests on.
func bigRegister(ctx context.Context, binary string, rows int) error {
	dir, err := os.MkdirTemp("", "egide-register-")
	if err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	files, register := filepath.Join(dir, "files"), filepath.Join(dir, "register")
	fmt.Printf("\nregister of %d rows\n", rows)
	generate, err := harness.Run(ctx, binary, "directory", "generate", "--rows", strconv.Itoa(rows), "--seed", "1", "--out", files, "--only", "public")
	if err != nil {
		return err
	}
	if err := generate.Wait(); err != nil {
		return fmt.Errorf("generate: %w: %s", err, generate.Said())
	}
	extract, err := filepath.Glob(filepath.Join(files, "PS_LibreAcces_Personne_activite_*.txt"))
	if err != nil || len(extract) == 0 {
		return fmt.Errorf("no extract in %s: %w", files, err)
	}
	for _, round := range []string{"first import", "same file again"} {
		if err := importOnce(ctx, binary, round, register, extract[0]); err != nil {
			return err
		}
	}
	return startWith(ctx, binary, dir, register)
}

func importOnce(ctx context.Context, binary, name, register, extract string) error {
	var c clock.System
	from := c.Now()
	p, err := harness.Run(ctx, binary, "directory", "import", "--dir", register, "--traces", filepath.Join(filepath.Dir(register), "traces"), extract)
	if err != nil {
		return err
	}
	if err := p.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, p.Said())
	}
	cpu, peak := p.Used()
	fmt.Printf("%-20s %6.1f s wall, %6.1f s CPU, %4d MB peak\n", name, c.Now().Sub(from).Seconds(), cpu.Seconds(), peak>>20)
	return nil
}

func startWith(ctx context.Context, binary, dir, register string) error {
	for range 3 {
		var c clock.System
		from := c.Now()
		n, err := harness.StartNode(ctx, harness.NodeOptions{Binary: binary, Name: "bench", Dir: filepath.Join(dir, "node"), Register: register})
		if err != nil {
			return err
		}
		if err := n.Ready(ctx); err != nil {
			return err
		}
		took := c.Now().Sub(from)
		resident, err := n.Resident()
		n.Stop()
		if err != nil {
			return err
		}
		fmt.Printf("provider ready after %d ms, rests on %d MB\n", took.Milliseconds(), resident>>20)
	}
	return nil
}
