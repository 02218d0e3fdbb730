package main

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOnlyChoosesByName(t *testing.T) {
	for pattern, want := range map[string][]string{
		"":           {"start", "memory", "restart"},
		"start":      {"start", "restart"},
		"^start":     {"start"},
		"memory|^re": {"memory", "restart"},
		"nonsense":   nil,
	} {
		opts, err := parseOptions([]string{"-only", pattern}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range chosen([]measurement{{name: "start"}, {name: "memory"}, {name: "restart"}}, opts.only) {
			got = append(got, m.name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-only %q: -want +got\n%s", pattern, diff)
		}
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-only", "("}, {"-fast"}, {"start"}} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func TestMemoryIsReadInBytesFromTheKernelsFigures(t *testing.T) {
	status := []byte("Name:\techo\nVmHWM:\t   20480 kB\nVmRSS:\t    7264 kB\nRssAnon:\t    2048 kB\nThreads:\t7\n")
	got, err := memoryFigures(status, []string{"VmRSS", "RssAnon", "VmHWM"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float64{7264 << 10, 2048 << 10, 20480 << 10}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, err := memoryFigures(status, []string{"VmSwap"}); err == nil || !strings.Contains(err.Error(), "VmSwap") {
		t.Errorf("a figure that is not there: %v", err)
	}
}

func TestTheProcessorIsNamedAsTheKernelNamesIt(t *testing.T) {
	info := "processor\t: 0\nvendor_id\t: X\nmodel name\t: Fast  CPU @ 3.0GHz\nprocessor\t: 1\nmodel name\t: other\n"
	if got := processorModel([]byte(info)); got != "Fast CPU @ 3.0GHz" {
		t.Errorf("%q", got)
	}
	if got := processorModel([]byte("processor: 0\n")); got != "unknown CPU" {
		t.Errorf("%q", got)
	}
}

func TestTheEndOfStandardErrorIsKept(t *testing.T) {
	var kept tail
	for range 100 {
		_, _ = io.WriteString(&kept, strings.Repeat("x", 100)) // to memory
	}
	_, _ = io.WriteString(&kept, "the cause")
	if len(kept) != 2048 || !strings.HasSuffix(string(kept), "xthe cause") {
		t.Errorf("%d bytes, ending in %q", len(kept), kept[len(kept)-20:])
	}
}
