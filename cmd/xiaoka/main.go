// Command xiaoka is the campus-card assistant: the server that WeCom, WeChat
// Pay, phones and terminals talk to, and the operator's commands around it.
//
// main is the only place that joins the packages: it reads the configuration,
// opens the database and hands each package the few methods it asks for.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

// commands is the whole command line.
type commands struct {
	Config string `help:"Configuration file; default xiaoka.yaml if it exists." placeholder:"FILE"`

	Serve       serveCmd       `cmd:"" help:"Run the server."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the database schema up to date; safe to run by several replicas at once."`
	People      peopleCmd      `cmd:"" help:"The register of people and cards."`
	Card        cardCmd        `cmd:"" help:"Campus cards."`
	Terminal    terminalCmd    `cmd:"" help:"Self-service machines and tills."`
	Menu        menuCmd        `cmd:"" help:"The menus of both apps."`
	Claim       claimCmd       `cmd:"" help:"Claims of unknown outcome."`
	Case        caseCmd        `cmd:"" help:"What only a person can settle."`
	Ledger      ledgerCmd      `cmd:"" help:"The books."`
	Reconcile   reconcileCmd   `cmd:"" help:"Hold a day against WeChat Pay's bill and mend what is safe to mend; status 1 while a difference remains."`
	Transfers   transfersCmd   `cmd:"" help:"Money on its way to cards."`
	Subsidy     subsidyCmd     `cmd:"" help:"Money the school grants."`
	Consumption consumptionCmd `cmd:"" help:"Purchases at tills."`
	Push        pushCmd        `cmd:"" help:"Messages to people."`
	Audit       auditCmd       `cmd:"" help:"Who did what, when, to a card and its holder's data."`
	KioskBridge kioskBridgeCmd `cmd:"" help:"Run on a self-service machine: its screen, its reader and its signed calls."`
	Doctor      doctorCmd      `cmd:"" help:"Check the configuration against the live services and say what to fix; status 1 if anything must be."`
	Example     exampleCmd     `cmd:"" help:"Print a configuration file with every key, its default and its meaning."`
	Understand  understandCmd  `cmd:"" help:"Read one utterance a line on standard input, write what it means as one JSON object a line."`
	Version     versionCmd     `cmd:"" help:"Print version, commit and Go version."`
}

// program is what a command gets to work with.
type program struct {
	ctx    context.Context
	config string
	env    []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// said is a text that a person has to give on the command line.
type said string

// UnmarshalText refuses one that says nothing.
func (s *said) UnmarshalText(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("must not be empty")
	}
	*s = said(text)
	return nil
}

// errQuiet ends a command that has said all there is to say with status 1.
var errQuiet = errors.New("quiet")

// run is the program without the process: it returns the exit code.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("xiaoka"),
		kong.Description("小卡: the campus-card assistant for WeCom."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) {
			if exited < 0 {
				exited = code
			}
		}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(stderr, "xiaoka:", err)
		return exitFault
	}
	chosen, err := parser.Parse(args)
	switch {
	case exited >= 0:
		return exited
	case err != nil:
		fmt.Fprintf(stderr, "xiaoka: %v\nSee `xiaoka --help`.\n", err)
		return exitUsage
	}
	err = chosen.Run(&program{ctx: ctx, config: cli.Config, env: env, stdin: stdin, stdout: stdout, stderr: stderr})
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errQuiet):
		return exitFault
	}
	fmt.Fprintln(stderr, "xiaoka:", err)
	return exitFault
}
