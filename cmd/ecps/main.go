// Command ecps is an e-CPS phone without a screen: for tests, demonstrations
// and load. It speaks the protocol of docs/protocols/ecps.md and keeps its
// state in a file; whoever has the file and the PIN is its holder.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// streams are what the program talks through.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// complain says what went wrong; there is nobody to tell when even that fails.
func (s streams) complain(err error, code int) int {
	_, _ = fmt.Fprintln(s.err, "ecps:", err)
	return code
}

// program is the command line.
type program struct {
	Verbose bool `short:"v" help:"Log what the phone does, retries included."`

	Enrol enrolCmd `cmd:"" help:"Make a phone of an invitation and a PIN."`
	Watch watchCmd `cmd:"" help:"Answer the requests of the holder until stopped."`
	Show  showCmd  `cmd:"" help:"Print the state of the e-CPS as the provider sees it."`
}

// tools are what a command works with.
type tools struct {
	streams
	http *http.Client
	log  *slog.Logger
}

// run is the whole program as a value: 0 done, 1 failed, 2 called wrongly.
func run(ctx context.Context, args []string, s streams) int {
	var p program
	helped := false // kong prints the help and wants to leave
	parser, err := kong.New(&p, kong.Name("ecps"), kong.Description("An e-CPS phone without a screen."),
		kong.Writers(s.out, s.err), kong.Exit(func(int) { helped = true }), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return s.complain(err, 1)
	}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return 0
	case err != nil:
		return s.complain(err, 2)
	}
	level := slog.LevelInfo
	if p.Verbose {
		level = slog.LevelDebug
	}
	t := &tools{streams: s, http: client(), log: slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: level}))}
	if err := command.Run(t); err != nil && !errors.Is(err, context.Canceled) {
		return s.complain(err, 1)
	}
	return 0
}

// client has no deadline of its own for a whole answer: a stream of events
// lasts. It follows no redirect: a signed call is for one address only.
func client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: 40 * time.Second, // longer than a long poll
			IdleConnTimeout:       time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
