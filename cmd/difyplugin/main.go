// Command difyplugin calls, checks and shows Dify plugins, without Dify. Run it without arguments for its help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the plugin reported a failure, or a check found faults
	exitUsage  = 2 // the command line is wrong
)

// command is one of the program's verbs.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, s streams, args []string) error
}

// streams are where a command reads and writes.
type streams struct {
	out, err io.Writer
}

func commands() []command {
	return []command{
		{"call", "start a plugin and call one action of it", runCall},
		{"check", "check a plugin's declarations, and that its code agrees with them", runCheck},
		{"pack", "build the package that Dify installs", runPack},
		{"run", "start a cloud on this machine and show the COS drive at work in it", runShow},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := dispatch(ctx, streams{os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// usageError is a wrong command line.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

func dispatch(ctx context.Context, s streams, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		printHelp(s.out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return report(s, c.name, c.run(ctx, s, args[1:]))
		}
	}
	fmt.Fprintf(s.err, "difyplugin: there is no command %q\n\n", args[0])
	printHelp(s.err)
	return exitUsage
}

func report(s streams, name string, err error) int {
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(s.err, "difyplugin %s: %v\nSee: difyplugin %s -h\n", name, err, name)
		return exitUsage
	default:
		fmt.Fprintf(s.err, "difyplugin %s: %v\n", name, err)
		return exitFailed
	}
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, `difyplugin calls, checks and shows Dify plugins, without Dify.

Usage:

    difyplugin COMMAND [flags] [arguments]

Commands:

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "    %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, `
Each command explains itself: difyplugin COMMAND -h

Exit codes: 0 all went well; 1 the plugin reported a failure, or a check found faults; 2 the command line is wrong.
`)
}

// newFlags makes a flag set whose errors are usage errors and whose help is text.
func newFlags(s streams, name, help string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are reported once, by report
	flags.Usage = func() {
		fmt.Fprint(s.out, help, "\nFlags:\n\n")
		flags.SetOutput(s.out)
		flags.PrintDefaults()
		flags.SetOutput(io.Discard)
	}
	return flags
}

func parse(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return usageError{err.Error()}
}
