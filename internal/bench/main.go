// Command bench measures plugins of this module and prints one Markdown table. Run it anywhere in the module, on
// Linux:
//
//	go run ./internal/bench           everything, some minutes
//	go run ./internal/bench -quick    fewer and shorter runs
//	go run ./internal/bench -only 'start|memory' -o start.md
//
// Absolute times depend on the machine and on what else it does. So each figure stands beside that of a baseline, whose
// runs alternate with the plugin's own, and the ratio is what counts. There are two baselines:
//
//   - Bare Go writes the same bytes with nothing of a plugin behind them. It is the price of the work itself.
//   - Python SDK is an equal plugin on Dify's own SDK, which is installed from the package index. Without Python or the
//     index it is left out, and a note under the table says why.
//
// Both, and the minimal plugins, lie under testdata. Figures are medians; a range stands beside the plugin's own. Memory
// is what the kernel accounts to the process: VmRSS, RssAnon and VmHWM. MB is 1,000,000 bytes, MiB 1,048,576.
//
// Install times are measured in a real plugin daemon when DIFY_DAEMON_URL names one; DIFY_DAEMON_KEY is its key. The
// variables mean what they mean to the tests in internal/e2e.
//
// A target that is missed is printed as such and is no failure. The exit code is 1 when a plugin cannot be measured.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	quick  bool
	output string
	only   *regexp.Regexp
	python string
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o options
	flags.BoolVar(&o.quick, "quick", false, "fewer and shorter runs")
	flags.StringVar(&o.output, "o", "", "write the table to this `file` as well")
	flags.StringVar(&o.python, "python", "auto", "the baseline on the Python SDK: auto, off, or the `path` of a Python to use")
	only := flags.String("only", "", "measure only what matches this `regexp`; see the names on standard error")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return o, fmt.Errorf("flag -only: %w", err)
	}
	o.only = pattern
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	opts, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	w, err := newWorkshop(ctx, opts.python, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()

	before := loadAverage()
	report, failures := measure(ctx, chosen(measurements(w, opts.quick), opts.only), w.say)
	if len(report.rows) == 0 && failures == nil {
		return fmt.Errorf("nothing is called %s", opts.only)
	}
	report.header = w.facts(before)
	var table bytes.Buffer
	report.render(&table)
	if _, err := stdout.Write(table.Bytes()); err != nil {
		return errors.Join(failures, err)
	}
	if opts.output != "" {
		err = os.WriteFile(opts.output, table.Bytes(), 0o644)
	}
	return errors.Join(failures, err)
}

func chosen(all []measurement, only *regexp.Regexp) []measurement {
	var some []measurement
	for _, m := range all {
		if only.MatchString(m.name) {
			some = append(some, m)
		}
	}
	return some
}
