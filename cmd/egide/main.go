// Command egide is the provider and its operator's tool.
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
}

// cli is the whole command line.
type cli struct {
	Serve     serveCmd     `cmd:"" help:"Run the provider."`
	Demo      demoCmd      `cmd:"" help:"Run provider, DMP, sandbox phones and an invented register on loopback."`
	Directory directoryCmd `cmd:"" help:"Import, generate and look into the register."`
	Audit     auditCmd     `cmd:"" help:"Verify the traces."`
	Card      cardCmd      `cmd:"" help:"Put cards in opposition, list them."`
	Session   sessionCmd   `cmd:"" help:"List and end the sessions of a holder."`
	Sandbox   sandboxCmd   `cmd:"" help:"Sandbox only: cards in and out of the readers of a running demonstration."`
	Keys      keysCmd      `cmd:"" help:"List and rotate signing keys."`
	PKI       pkiCmd       `cmd:"" name:"pki" help:"Test authority shaped like IGC-Santé: cards, certificates, revocation."`
	Client    clientCmd    `cmd:"" help:"Relying services: check, register, change, disable; the matrix for the auditor."`
	ECPS      ecpsCmd      `cmd:"" name:"ecps" help:"Support: look into an e-CPS; stop, resume, remove a phone, with two people."`
	Health    healthCmd    `cmd:"" help:"Ask the running provider whether it is ready."`
	Version   versionCmd   `cmd:"" help:"Print the version."`

	LogLevel  string `help:"debug, info, warn or error; info, and warn for the demonstration." enum:",debug,info,warn,error" default:"" env:"EGIDE_LOG_LEVEL"`
	LogFormat string `help:"text or json." enum:"text,json" default:"text" env:"EGIDE_LOG_FORMAT"`
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
		kong.Name("egide"),
		kong.Description("OpenID Connect identity provider for health professionals. Independent of the State, ANS and Pro Santé Connect."),
		kong.Writers(stdout, stderr),
	)
	if err != nil {
		return report(stderr, err, 2)
	}
	command, err := parser.Parse(args)
	if err != nil {
		return report(stderr, err, 2)
	}
	log := telemetry.NewLogger(stderr, c.level(command.Command()), c.LogFormat)
	slog.SetDefault(log) // libraries write to the default logger only
	err = command.Run(&app{Ctx: ctx, Out: stdout, Err: stderr, Clock: clock.System{}, Rand: rand.Reader, Log: log})
	return report(stderr, err, 1)
}

// level is what was asked, or else what suits the command: the demonstration's
// screen belongs to its sheet.
func (c cli) level(command string) string {
	switch {
	case c.LogLevel != "":
		return c.LogLevel
	case command == "demo":
		return "warn"
	}
	return "info"
}

// report tells a failure once and gives the exit code.
func report(w io.Writer, err error, code int) int {
	if err == nil {
		return 0
	}
	if !errors.Is(err, errReported) {
		_, _ = fmt.Fprintln(w, "egide:", err)
	}
	var own kong.ExitCoder // audit verify: 1 is a fault of the traces, 2 means that it could not look
	if errors.As(err, &own) && code == 1 {
		return own.ExitCode()
	}
	return code
}

type versionCmd struct{}

// Run prints the module version and the commit it was built from.
func (versionCmd) Run(a *app) error {
	_, err := fmt.Fprintln(a.Out, "egide", version())
	return err
}

// version is what the build recorded of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v += " " + s.Value[:12]
		}
	}
	return v
}
