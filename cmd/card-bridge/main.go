// Command card-bridge lets a login page ask a professional card in a reader of
// this computer. It runs for one user, without root.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/telemetry"
)

// app is what every command gets from the outside world.
type app struct {
	Ctx      context.Context
	Out, Err io.Writer
	Clock    clock.Clock
	Rand     io.Reader
	Log      *slog.Logger
	French   bool
}

// cli is the whole command line.
type cli struct {
	Run      runCmd      `cmd:"" default:"withargs" help:"Run the bridge."`
	Doctor   doctorCmd   `cmd:"" help:"Check service, readers, card, certificate and configuration; say what to do about each fault. Never asks the PIN."`
	Softcard softcardCmd `cmd:"" help:"Put a test card into a virtual reader."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	LogLevel string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"CARD_BRIDGE_LOG_LEVEL"`
}

// errReported marks a failure whose story is already on the screen.
var errReported = errors.New("reported")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program as a value: the tests call it too.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("card-bridge"),
		kong.Description("Local agent between a login page and a professional card. Independent of the State, ANS and Pro Santé Connect."),
		kong.Writers(stdout, stderr),
	)
	if err != nil {
		return report(stderr, err, 2)
	}
	command, err := parser.Parse(args)
	if err != nil {
		return report(stderr, err, 2)
	}
	log := telemetry.NewLogger(stderr, c.LogLevel, "text")
	err = command.Run(&app{Ctx: ctx, Out: stdout, Err: stderr, Clock: clock.System{}, Rand: rand.Reader, Log: log, French: french()})
	return report(stderr, err, 1)
}

// french reads the language of the user's session.
func french() bool {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			return strings.HasPrefix(v, "fr")
		}
	}
	return false
}

func report(stderr io.Writer, err error, code int) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
	default:
		_, _ = fmt.Fprintln(stderr, "card-bridge:", err) // there is nowhere left to complain
	}
	return code
}

type versionCmd struct{}

// Run prints.
func (versionCmd) Run(a *app) error {
	_, err := fmt.Fprintln(a.Out, version())
	return err
}

// release is set when a package is built (make bridge VERSION=1.2.3).
var release string

func version() string {
	if release != "" {
		return release
	}

	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return info.Main.Version
}
