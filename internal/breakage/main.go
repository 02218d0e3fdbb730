// Command breakage proves that the tests can fail. Each case under cases switches one rule off by replacing a piece
// of source, in memory only, and names the test that must fail for it:
//
//	Heartbeats go on while every tool is busy.
//
//	file: internal/transport/stdio.go
//	test: ./plugin TestTranscripts/heartbeats
//	-- old --
//	...
//	-- new --
//	...
//
// Run it from the root of the module:
//
//	go run ./internal/breakage            all cases
//	go run ./internal/breakage heartbeat  the cases whose name contains the word
//	go run ./internal/breakage -part 1/2  every second case
//
// Whatever is chosen, every case must fit the source: one whose piece is gone fails at once.
//
// A case fails when the source no longer holds the old piece exactly once, when the broken program does not compile,
// or when the named test passes all the same. The exit code is 1 if any case failed.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

func main() {
	jobs := flag.Int("jobs", 2, "how many cases run at a time")
	part := flag.String("part", "1/1", "which `part` of the cases to run, K/N: every Nth case, from the Kth on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *jobs, *part, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, jobs int, part string, words []string) error {
	cases, err := readCases(words)
	if err != nil {
		return err
	}
	for _, c := range cases {
		if _, err := c.broken(); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if cases, err = partOf(cases, part); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "breakage-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)

	results := make([]error, len(cases))
	var wg sync.WaitGroup
	places := make(chan struct{}, max(jobs, 1))
	for i, c := range cases {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			start := time.Now()
			results[i] = c.prove(ctx, filepath.Join(scratch, c.name))
			report(c, results[i], time.Since(start))
		})
	}
	wg.Wait()
	failed := 0
	for _, err := range results {
		if err != nil {
			failed++
		}
	}
	fmt.Printf("%d passed, %d failed\n", len(cases)-failed, failed)
	if failed > 0 {
		return errors.New("some rules can be switched off without a test that fails")
	}
	return nil
}

func report(c breakage, err error, took time.Duration) {
	if err != nil {
		fmt.Printf("FAIL  %s: %v\n", c.name, err)
		return
	}
	fmt.Printf("ok    %s: caught by %s in %s\n", c.name, c.test, took.Round(100*time.Millisecond))
}

// breakage is one case.
type breakage struct {
	name     string // of the file, without its ending
	rule     string // the sentence at its head
	file     string // the source to change
	pkg      string // the package of the test
	test     string // the pattern of its name
	old, new []byte
}

func readCases(words []string) ([]breakage, error) {
	files, err := filepath.Glob("internal/breakage/cases/*.txtar")
	if err != nil {
		return nil, err
	}
	var cases []breakage
	for _, file := range files {
		c, err := readCase(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if wanted(c.name, words) {
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 {
		return nil, errors.New("no cases found: run from the root of the module")
	}
	return cases, nil
}

func wanted(name string, words []string) bool {
	for _, w := range words {
		if strings.Contains(name, w) {
			return true
		}
	}
	return len(words) == 0
}

func readCase(path string) (breakage, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return breakage{}, err
	}
	c := breakage{name: strings.TrimSuffix(filepath.Base(path), ".txtar")}
	for line := range strings.Lines(string(archive.Comment)) {
		line = strings.TrimSpace(line)
		if file, ok := strings.CutPrefix(line, "file: "); ok {
			c.file = file
		} else if test, ok := strings.CutPrefix(line, "test: "); ok {
			c.pkg, c.test, _ = strings.Cut(test, " ")
		} else if line != "" {
			c.rule = strings.TrimSpace(c.rule + " " + line)
		}
	}
	for _, f := range archive.Files {
		switch f.Name {
		case "old":
			c.old = bytes.TrimSuffix(f.Data, []byte("\n"))
		case "new":
			c.new = bytes.TrimSuffix(f.Data, []byte("\n"))
		default:
			return c, fmt.Errorf("unknown section %q", f.Name)
		}
	}
	if c.rule == "" || c.file == "" || c.test == "" || len(c.old) == 0 {
		return c, errors.New("a case needs a rule, file:, test: and a section old")
	}
	return c, nil
}

// prove runs the named test against the broken source. A nil error means that it failed, as it should.
func (c breakage) prove(ctx context.Context, scratch string) error {
	overlay, err := c.overlay(scratch)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-vet=off", "-timeout=60s", "-v", "-run", anchored(c.test), c.pkg)
	// GOFLAGS, and not a flag, so that tests that build a program of their own build the broken one too.
	cmd.Env = append(os.Environ(), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+overlay))
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return fmt.Errorf("the test %s passes although this is broken: %s", c.test, c.rule)
	case failedTest.Match(out) || bytes.Contains(out, []byte("panic: ")):
		return nil
	default:
		return fmt.Errorf("no test failed, something else did:\n%s", tail(out))
	}
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: `)

// anchored makes each part of a test's path match whole.
func anchored(test string) string {
	parts := strings.Split(test, "/")
	for i := range parts {
		parts[i] = "^" + parts[i] + "$"
	}
	return strings.Join(parts, "/")
}

// partOf chooses every nth case, from the kth on.
func partOf(cases []breakage, part string) ([]breakage, error) {
	var k, n int
	if _, err := fmt.Sscanf(part, "%d/%d", &k, &n); err != nil || k < 1 || k > n {
		return nil, fmt.Errorf("-part is %q, it must be K/N with K from 1 to N, such as 1/2", part)
	}
	var some []breakage
	for i := k - 1; i < len(cases); i += n {
		some = append(some, cases[i])
	}
	return some, nil
}

// broken is the source with the rule switched off.
func (c breakage) broken() ([]byte, error) {
	source, err := os.ReadFile(c.file)
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(source, c.old); n != 1 {
		return nil, fmt.Errorf("%s holds the old piece %d times, not once; bring the case up to date", c.file, n)
	}
	return bytes.Replace(source, c.old, c.new, 1), nil
}

// overlay writes the broken source beside the real one and returns the file that tells the go command so.
func (c breakage) overlay(scratch string) (string, error) {
	source, err := c.broken()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return "", err
	}
	broken := filepath.Join(scratch, filepath.Base(c.file))
	if err := os.WriteFile(broken, source, 0o644); err != nil {
		return "", err
	}
	real, err := filepath.Abs(c.file)
	if err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {real: broken}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(scratch, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o644)
}

func tail(out []byte) []byte {
	const most = 1500
	return out[max(0, len(out)-most):]
}
